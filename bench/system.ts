import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pauseFor } from "node:timers/promises";
import type { Estate } from "../local/cloud/estate.ts";
import { type Endpoints, readEndpoints } from "../local/endpoints.ts";
import type { StartArguments } from "../local/start/arguments.ts";
import { requireFreePorts } from "../local/start/free-ports.ts";

const root = join(import.meta.dirname, "..");

export interface SystemOptions {
  readonly estate: Estate;
  readonly history: StartArguments["history"];
}

/** Runs `work` against the whole of `npm start`: real processes, an estate and a data folder of their own, gone afterwards. */
export async function withSystem<T>(
  { estate, history }: SystemOptions,
  work: (endpoints: Endpoints) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "jit-bench-"));
  await writeFile(join(dir, "estate.json"), JSON.stringify(estate));
  const args = [
    ...["--base-port", String(await freeBasePort()), "--data", join(dir, "data")],
    ...["--estate", join(dir, "estate.json"), "--history", history ?? "tables"],
  ];
  const child = spawn(process.execPath, ["local/start.ts", ...args], {
    cwd: root,
    // The channel: should this process be killed, the system ends with it.
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const ended = once(child, "exit");
  try {
    return await work(await answering(child, join(dir, "data")));
  } finally {
    child.kill("SIGTERM");
    await ended;
    await rm(dir, { recursive: true, force: true });
  }
}

async function answering(child: ChildProcess, dataDir: string): Promise<Endpoints> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  while (child.exitCode === null && child.signalCode === null) {
    const endpoints = await readEndpoints(dataDir).catch(() => undefined);
    if (endpoints !== undefined) {
      return endpoints;
    }
    await pauseFor(50);
  }
  throw new Error(`The system did not start. It said:\n${said}`);
}

/** The first of four free ports in a row, below those that the operating system gives to outgoing connections. */
export async function freeBasePort(): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 1_000) * 10;
    const isFree = await requireFreePorts(base, 0).then(
      () => true,
      () => false,
    );
    if (isFree) {
      return base;
    }
  }
}
