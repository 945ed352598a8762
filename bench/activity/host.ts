import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Estate } from "../../local/cloud/estate.ts";
import { portsFrom } from "../../local/endpoints.ts";
import { appSettings } from "../../local/start/app-settings.ts";
import type { BenchCloud } from "../sweep/cloud.ts";
import { freeBasePort } from "../system.ts";
import { lineFrom } from "./child.ts";

const root = join(import.meta.dirname, "../..");

/** The app in the local host: a process of its own, as `npm start` runs it. */
export interface RunningHost {
  readonly url: string;
  readonly pid: number;
}

export interface HostOptions {
  readonly estate: Estate;
  readonly cloud: BenchCloud;
  readonly connectionString: string;
  /** Of the tables whose facts it shows. */
  readonly prefix: string;
}

/** Runs `work` while the app runs over those tables. It wants `dist/`. */
export async function withHost<T>(
  { estate, cloud, connectionString, prefix }: HostOptions,
  work: (host: RunningHost) => Promise<T>,
): Promise<T> {
  const { caFile, certFile, keyFile, identityHeader } = cloud.host;
  const ports = { ...portsFrom(await freeBasePort()), cloud: Number(new URL(cloud.url).port) };
  const args = [
    ...["--port", String(ports.api), "--https-port", String(ports.apiHttps), "--app", root],
    ...["--cert", certFile, "--key", keyFile, "--history", "memory"],
  ];
  const child = spawn(process.execPath, [join(root, "local/host/main.ts"), ...args], {
    // The channel: should this process be killed, the host ends with it.
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    env: {
      ...process.env,
      ...appSettings(estate, ports, identityHeader),
      TABLES_CONNECTION_STRING: connectionString,
      TABLES_PREFIX: prefix,
      NODE_EXTRA_CA_CERTS: caFile,
    },
  });
  const ended = once(child, "exit");
  try {
    const line = await lineFrom(child, '{"ready":');
    if (!line.startsWith('{"ready":true')) {
      throw new Error(`The host did not start: ${line}`);
    }
    return await work({ url: `https://localhost:${ports.apiHttps}`, pid: child.pid ?? 0 });
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}
