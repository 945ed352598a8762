import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import type { Estate } from "../cloud/estate.ts";
import type { Endpoints, Ports } from "../endpoints.ts";
import { tablesUrl } from "../endpoints.ts";
import { createLocalCa, type LocalCa } from "../tls.ts";
import { appSettings, cloudUrl } from "./app-settings.ts";
import type { StartArguments } from "./arguments.ts";
import { Child, type ChildOptions } from "./child.ts";

/** The host first, while what it needs is still there; it may take a moment for what runs. */
const HOST_PATIENCE_MS = 4_000;
const OTHERS_PATIENCE_MS = 2_000;

export interface SupervisorOptions {
  readonly ports: Ports;
  readonly dataDir: string;
  readonly estateFile: string;
  readonly estate: Estate;
  readonly history: StartArguments["history"];
  /** Folder of the project: the app's bundle, host.json. */
  readonly root: string;
  readonly say: (progress: string) => void;
}

/**
 * Runs tables, cloud and host as child processes. One process each, so that killing the host is what it is in Azure: the
 * rest of the world goes on. All of them end when this process does, however that happens.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #children: Child[] = [];
  readonly #lost = Promise.withResolvers<string>();
  #isStopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Settles when a child ends that was not asked to, with a sentence about it. */
  get lost(): Promise<string> {
    return this.#lost.promise;
  }

  /** Settles when everything answers. */
  async start(): Promise<Endpoints> {
    const { dataDir, ports, say } = this.#options;
    // A secret that only cloud and host know: whoever has it may act as the service. Set it to run the app in another host.
    const identityHeader = process.env["IDENTITY_HEADER"] ?? randomBytes(32).toString("hex");
    const tables = this.#spawn(this.#tables());
    const tls = filesOf(await createLocalCa(dataDir));
    const cloud = this.#spawn(this.#cloud(tls, identityHeader));
    await Promise.all([
      tables.ready.then(() => say(`tables    on port ${ports.tables}`)),
      cloud.ready.then(() => say(`cloud     on port ${ports.cloud}`)),
    ]);
    const host = this.#spawn(this.#host(tls, identityHeader));
    await host.ready;
    say(`API       on ports ${ports.api} and ${ports.apiHttps}`);
    return this.#endpoints(tls);
  }

  /** Stops all, the host first. Safe to call twice. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const [tables, cloud, host] = this.#children;
    await host?.stop(HOST_PATIENCE_MS);
    await Promise.all([cloud?.stop(OTHERS_PATIENCE_MS), tables?.stop(OTHERS_PATIENCE_MS)]);
  }

  kill(): void {
    this.#isStopping = true;
    for (const child of this.#children) child.kill();
  }

  #spawn(options: ChildOptions): Child {
    const child = new Child(options);
    this.#children.push(child);
    child.ended
      .then((how) => {
        if (this.#isStopping) return;
        this.#lost.resolve(
          `The ${child.name} ended unexpectedly (${how}); see ${options.logFile}.`,
        );
      })
      .catch(this.#lost.reject);
    return child;
  }

  #tables(): ChildOptions {
    const { ports, dataDir } = this.#options;
    return {
      name: "tables",
      file: this.#file("tables.ts"),
      args: ["--port", String(ports.tables), "--dir", join(dataDir, "azurite")],
      env: process.env,
      logFile: join(dataDir, "tables.log"),
      stopBy: "disconnect",
    };
  }

  #cloud(tls: TlsFiles, identityHeader: string): ChildOptions {
    const { ports, dataDir, estateFile } = this.#options;
    return {
      name: "cloud",
      file: this.#file("cloud", "main.ts"),
      args: [
        ...["--port", String(ports.cloud), "--estate", estateFile, "--data", dataDir],
        ...["--cert", tls.certFile, "--key", tls.keyFile],
      ],
      env: { ...process.env, IDENTITY_HEADER: identityHeader },
      logFile: join(dataDir, "cloud.log"),
      stopBy: "disconnect",
    };
  }

  #host(tls: TlsFiles, identityHeader: string): ChildOptions {
    const { ports, dataDir, estate, history, root } = this.#options;
    return {
      name: "host",
      file: this.#file("host", "main.ts"),
      args: [
        ...["--port", String(ports.api), "--https-port", String(ports.apiHttps)],
        ...["--app", root, "--cert", tls.certFile, "--key", tls.keyFile],
        ...(history === undefined ? [] : ["--history", history]),
      ],
      env: {
        ...process.env,
        ...appSettings(estate, ports, identityHeader),
        // Read once, when a process starts: so the unmodified SDK clients in it trust the cloud.
        NODE_EXTRA_CA_CERTS: tls.caFile,
      },
      logFile: join(dataDir, "host.log"),
      stopBy: "message",
    };
  }

  #file(...path: string[]): string {
    return join(import.meta.dirname, "..", ...path);
  }

  #endpoints({ caFile }: TlsFiles): Endpoints {
    const { ports, estate } = this.#options;
    return {
      api: `http://localhost:${ports.api}`,
      apiHttps: `https://localhost:${ports.apiHttps}`,
      cloud: cloudUrl(ports),
      tables: tablesUrl(ports.tables),
      audience: estate.application.appIdUri,
      tenantId: estate.tenantId,
      subscriptionId: estate.subscriptionId,
      caFile,
      people: estate.people.map(({ name }) => name),
      pids: Object.fromEntries([
        ["start", process.pid],
        ...this.#children.map(({ name, pid }) => [name, pid]),
      ]),
    };
  }
}

interface TlsFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** The children read the files themselves: a key has no place on a command line. */
function filesOf({ caFile }: LocalCa): TlsFiles {
  const home = dirname(caFile);
  return { caFile, certFile: join(home, "server.pem"), keyFile: join(home, "server.key.pem") };
}
