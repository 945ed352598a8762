import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pauseFor } from "node:timers/promises";
import type { Estate } from "../../local/cloud/estate.ts";
import { type Endpoints, readEndpoints } from "../../local/endpoints.ts";
import type { StartArguments } from "../../local/start/arguments.ts";

export interface SystemOptions {
  /** Changes of the sample estate's timing. */
  readonly timing?: Readonly<Record<string, number>>;
  /** Other changes of the sample estate. */
  readonly change?: (sample: Estate) => Estate;
  /** Where the history of orchestrations is kept; in memory it is quicker, and lost with the process. @default "tables" */
  readonly history?: StartArguments["history"];
  /** Further environment of `npm start`, given where the pretend cloud will be. */
  readonly environment?: (cloud: string) => Readonly<Record<string, string>>;
}

/** The whole of `npm start`, in a data folder of its own on ports of its own. */
export class RunningSystem {
  readonly dir: string;
  readonly #basePort: number;
  readonly #history: StartArguments["history"];
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #said = "";

  private constructor(
    dir: string,
    basePort: number,
    { history, environment }: Pick<SystemOptions, "history" | "environment">,
  ) {
    this.dir = dir;
    this.#basePort = basePort;
    this.#history = history;
    this.#environment = environment?.(`https://localhost:${basePort + 2}`) ?? {};
  }

  /** Where everything is, once it answers. */
  endpoints!: Endpoints;

  static async start({
    timing = {},
    change = (sample) => sample,
    history = "tables",
    environment = () => ({}),
  }: SystemOptions = {}): Promise<RunningSystem> {
    const dir = await mkdtemp(join(tmpdir(), "jit-system-"));
    const sample = await readFile(join(root, "local/cloud/estates/sample.json"), "utf8");
    const estate = change(JSON.parse(sample) as Estate);
    const changed = { ...estate, timing: { ...estate.timing, ...timing } };
    await writeFile(join(dir, "estate.json"), JSON.stringify(changed));
    const system = new RunningSystem(dir, await freeBasePort(), { history, environment });
    await system.startAgain();
    return system;
  }

  /** Starts over the same data, as the next `npm start` would. */
  async startAgain(): Promise<void> {
    const { dir } = this;
    const args = [
      "--base-port",
      String(this.#basePort),
      "--data",
      join(dir, "data"),
      "--estate",
      join(dir, "estate.json"),
      "--history",
      this.#history ?? "tables",
    ];
    const child = spawn(process.execPath, ["local/start.ts", ...args], {
      cwd: root,
      env: { ...process.env, ...this.#environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text: Buffer) => {
        this.#said += text.toString();
      });
    }
    while (child.exitCode === null) {
      const endpoints = await readEndpoints(join(dir, "data")).catch(() => undefined);
      if (endpoints !== undefined && endpoints.pids["start"] === child.pid) {
        this.endpoints = endpoints;
        return;
      }
      await pauseFor(50);
    }
    throw new Error(`The system did not start. It said:\n${this.#said}`);
  }

  /** kill -9 of one process of the system; resolves when all of it has ended. */
  async kill(which: "host" | "start"): Promise<void> {
    const ended = this.#ended();
    process.kill(this.endpoints.pids[which] ?? 0, "SIGKILL");
    await ended;
  }

  /** Loses everything that storage holds, the histories of orchestrations too; only while nothing runs. The cloud stays. */
  async wipeStorage(): Promise<void> {
    await rm(join(this.dir, "data/azurite"), { recursive: true });
  }

  async stop(): Promise<void> {
    const ended = this.#ended();
    this.#child?.kill("SIGTERM");
    await ended;
    await rm(this.dir, { recursive: true, force: true });
  }

  #ended(): Promise<void> {
    const child = this.#child;
    return child === undefined || child.exitCode !== null || child.signalCode !== null
      ? Promise.resolve()
      : new Promise((resolve) => void child.once("exit", () => resolve()));
  }
}

const root = join(import.meta.dirname, "../..");

/** The first of four free ports in a row. */
async function freeBasePort(): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 3_000) * 10;
    const free = await Promise.all([0, 1, 2, 3].map((offset) => isFree(base + offset)));
    if (free.every(Boolean)) {
      return base;
    }
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
