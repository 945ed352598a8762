import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pauseFor } from "node:timers/promises";
import { type Endpoints, readEndpoints } from "../local/endpoints.ts";

/** A whole system of its own, with a fresh data folder that goes with it. */
export interface RunningSystem {
  readonly endpoints: Endpoints;
  stop(): Promise<void>;
}

/** Starts the system with the sample estate, its timing changed as given, on ports that are not the usual ones. */
export async function startSystem(
  timing: Readonly<Record<string, number>>,
  basePort = 17_171,
): Promise<RunningSystem> {
  const root = join(import.meta.dirname, "..");
  const dir = await mkdtemp(join(tmpdir(), "jit-bench-"));
  const estate = JSON.parse(
    await readFile(join(root, "local/cloud/estates/sample.json"), "utf8"),
  ) as { timing: object };
  const estateFile = join(dir, "estate.json");
  await writeFile(
    estateFile,
    JSON.stringify({ ...estate, timing: { ...estate.timing, ...timing } }),
  );
  const data = join(dir, "data");
  const child = spawn(
    process.execPath,
    ["local/start.ts", "--base-port", String(basePort), "--data", data, "--estate", estateFile],
    {
      cwd: root,
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  const ended = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(dir, { recursive: true, force: true });
  };
  try {
    return { endpoints: await whenReady(data, ended), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function whenReady(data: string, ended: Promise<void>): Promise<Endpoints> {
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  for (let tries = 0; tries < 600 && !hasEnded; tries += 1) {
    const endpoints = await readEndpoints(data).catch(() => undefined);
    if (endpoints !== undefined) {
      return endpoints;
    }
    await pauseFor(100);
  }
  throw new Error("The system did not start; what it said stands above.");
}
