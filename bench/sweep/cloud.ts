import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Estate } from "../../local/cloud/estate.ts";
import type { LoggedRequest } from "../../local/cloud/request-log.ts";
import { getJson, send } from "../../local/sign-in.ts";
import { createLocalCa } from "../../local/tls.ts";
import type { ArmOptions } from "../../src/azure/arm-http.ts";
import { getJson as identityToken } from "../../test/support/https-json.ts";

const program = join(import.meta.dirname, "../../local/cloud/main.ts");
/** The cloud forgets the oldest requests beyond this many. */
const logHolds = 20_000;
const audience = "https://management.azure.com";

/** The pretend cloud, as a process of its own: its work and memory are not the service's. */
export interface BenchCloud {
  readonly url: string;
  /** Certificates that it is trusted by. */
  readonly ca: string;
  /** How the service's own identity reaches it. */
  readonly arm: ArmOptions;
  /** What a host in a process of its own needs to be the service. */
  readonly host: HostFiles;
  /** The ARM requests that came while `work` ran. Throws when the log could not hold all. */
  requestsDuring(work: () => Promise<unknown>): Promise<readonly LoggedRequest[]>;
}

export interface HostFiles {
  readonly caFile: string;
  /** A certificate for this machine, and its key. */
  readonly certFile: string;
  readonly keyFile: string;
  /** The secret of the managed identity's endpoint. */
  readonly identityHeader: string;
}

/** Runs `work` against a pretend cloud with this estate, gone afterwards. */
export async function withCloud<T>(
  estate: Estate,
  work: (cloud: BenchCloud) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "jit-bench-"));
  try {
    const { ca, caFile, key, cert } = await createLocalCa(dir);
    const [estateFile, keyFile, certFile] = ["estate.json", "key.pem", "cert.pem"].map((name) =>
      join(dir, name),
    ) as [string, string, string];
    await writeFile(estateFile, JSON.stringify(estate));
    await writeFile(keyFile, key, { mode: 0o600 });
    await writeFile(certFile, cert);
    const header = randomUUID();
    const args = ["--estate", estateFile, "--key", keyFile, "--cert", certFile];
    const child = spawn(process.execPath, [program, ...args], {
      // The channel: should this process be killed, the cloud ends with it.
      stdio: ["ignore", "pipe", "inherit", "ipc"],
      env: { ...process.env, IDENTITY_HEADER: header },
    });
    const ended = once(child, "exit");
    try {
      const host = { caFile, certFile, keyFile, identityHeader: header };
      return await work(clientOf(await readyUrl(child), ca, host));
    } finally {
      child.kill("SIGTERM");
      await ended;
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function readyUrl(child: ChildProcess): Promise<string> {
  if (child.stdout !== null) {
    for await (const line of createInterface({ input: child.stdout })) {
      const said = JSON.parse(line) as { readonly url?: string; readonly error?: string };
      if (said.url !== undefined) {
        return said.url;
      }
      throw new Error(`The pretend cloud did not start: ${said.error}`);
    }
  }
  throw new Error("The pretend cloud did not start.");
}

function clientOf(url: string, ca: string, host: HostFiles): BenchCloud {
  const log = `${url}/local/requests`;
  return {
    url,
    ca,
    host,
    arm: {
      credential: {
        /** As App Service hands out tokens of a managed identity. */
        async getToken() {
          const address = `${url}/local/msi/token?api-version=2019-08-01&resource=${encodeURIComponent(audience)}`;
          const headers = { "x-identity-header": host.identityHeader };
          const token = (await identityToken(address, { ca, headers })) as {
            readonly access_token: string;
            readonly expires_on: string;
          };
          return {
            token: token.access_token,
            expiresOnTimestamp: Number(token.expires_on) * 1_000,
          };
        },
      },
      endpoint: url,
      scope: `${audience}/.default`,
      tlsOptions: { ca },
    },
    async requestsDuring(work) {
      await send("DELETE", log, { ca });
      await work();
      const { value } = await getJson<{ value: readonly LoggedRequest[] }>(log, { ca });
      if (value.length >= logHolds) {
        throw new Error(`There were more than ${logHolds} requests: the log does not hold all.`);
      }
      return value;
    },
  };
}
