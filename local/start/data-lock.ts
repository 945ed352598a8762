import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { StartError } from "./arguments.ts";
import { identityOf } from "./process-state.ts";

export interface DataLock {
  /** Whether somebody used the folder a moment ago or was killed: their ports may need a moment more. */
  readonly isSecondHand: boolean;
  /** Tells a start that comes now to wait a little, as this one is about to end. */
  announceStop(): void;
  release(): void;
}

/** A start whose npm was killed ends within this time. */
const KILLED_PATIENCE_MS = 1_500;
/** A start that says so has stopped within this time. */
const STOPPING_PATIENCE_MS = 10_000;
const POLL_MS = 100;

interface Owner {
  readonly pid: number;
  readonly identity: string;
  readonly isStopping: boolean;
}

/**
 * Makes sure that one start uses a data folder at a time, by a file that names its process. A file that a killed process left
 * is taken over; one whose process is just stopping is waited for.
 */
export async function lockData(dir: string): Promise<DataLock> {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, "start.pid");
  const former = read(file);
  const owner = await waitWhileRunning(file);
  if (owner !== undefined) {
    throw new StartError(
      `${dir} is in use: "npm start" already runs with it (process ${owner.pid}).
Stop that one (Ctrl-C, or "kill ${owner.pid}"), or choose another folder and other ports:
  npm start -- --data DIR --base-port N`,
    );
  }
  rmSync(file, { force: true });
  take(file, dir);
  return {
    isSecondHand: former !== undefined,
    announceStop: () => {
      // Whole or not at all, for whoever reads it at this moment.
      writeFileSync(`${file}.new`, JSON.stringify({ ...ourselves(), isStopping: true }));
      renameSync(`${file}.new`, file);
    },
    release: () => rmSync(file, { force: true }),
  };
}

/** The owner that still runs when the patience with it has ended. */
async function waitWhileRunning(file: string): Promise<Owner | undefined> {
  const startedAt = Date.now();
  for (;;) {
    const owner = read(file);
    if (owner === undefined || !isRunning(owner)) return undefined;
    const patience = owner.isStopping ? STOPPING_PATIENCE_MS : KILLED_PATIENCE_MS;
    if (Date.now() - startedAt > patience) return owner;
    await pause(POLL_MS);
  }
}

function take(file: string, dir: string): void {
  try {
    writeFileSync(file, JSON.stringify(ourselves()), { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new StartError(`${dir} is in use: another "npm start" began at the same moment.`);
  }
}

function ourselves(): Owner {
  return { pid: process.pid, identity: identityOf(process.pid) ?? "", isStopping: false };
}

function read(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Owner;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    // Cut short by a kill: nobody's.
    if (error instanceof SyntaxError) return { pid: 0, identity: "", isStopping: false };
    throw error;
  }
}

function isRunning({ pid, identity }: Owner): boolean {
  return pid > 0 && identityOf(pid) === identity;
}
