import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { ArmResource, Estate } from "./estate.ts";
import type { Operation } from "./operations.ts";
import type { Held } from "./resources.ts";

/** What survives a restart. */
export interface State {
  readonly resources: readonly Held[];
  readonly operations: readonly Operation[];
  /** Former states of the NSGs that are being written; packets still meet these. */
  readonly stillInForce?: readonly ArmResource[];
}

interface StateOnDisk extends State {
  readonly estate: string;
}

/** Raised when a new version keeps things in the state that an older one did not have: such a file would lack them. */
const FORMAT = 2;

/** The estate without what may differ between two starts: how long things take, where Azure leaves room, what answers. */
function estateHash(estate: Estate): string {
  const { timing: _timing, behaviour: _behaviour, dataPlane: _dataPlane, ...content } = estate;
  return createHash("sha256")
    .update(JSON.stringify({ FORMAT, ...content }))
    .digest("hex");
}

/** The state a former run left, or undefined for the first run. Throws when that run had another estate, or kept less. */
export function readState(file: string | undefined, estate: Estate): State | undefined {
  if (file === undefined || !existsSync(file)) return undefined;
  const state = JSON.parse(readFileSync(file, "utf8")) as StateOnDisk;
  if (state.estate !== estateHash(estate)) {
    throw new Error(
      `${file} holds the cloud of another estate or version: use another --data folder or delete the file.`,
    );
  }
  return state;
}

export interface StateFile {
  /** Marks the state as changed; it is written on the next tick. */
  changed(): void;
  /** Settles once everything changed before the call is on disk. */
  saved(): Promise<void>;
}

/** Whole states only: each is written beside the file and renamed onto it, so a kill leaves the old one or the new one. */
export function createStateFile(
  file: string | undefined,
  estate: Estate,
  snapshot: () => State,
): StateFile {
  if (file === undefined) return { changed: () => undefined, saved: async () => undefined };
  const hash = estateHash(estate);
  let writing: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;

  async function write(target: string): Promise<void> {
    // Changes from here on belong to the next file.
    waiting = undefined;
    const text = JSON.stringify({ estate: hash, ...snapshot() });
    await mkdir(dirname(target), { recursive: true });
    await writeFile(`${target}.new`, text);
    await rename(`${target}.new`, target);
  }
  return {
    changed() {
      if (waiting !== undefined) return;
      const nextTick = new Promise<void>((resolve) => setImmediate(resolve));
      const former = writing.catch(() => undefined);
      waiting = Promise.all([former, nextTick]).then(() => write(file));
      writing = waiting;
      // A failure reaches whoever waits in saved(); nobody else may be waiting.
      writing.catch(() => undefined);
    },
    saved: () => writing,
  };
}
