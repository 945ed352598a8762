import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { lineFrom } from "./child.ts";
import type { Stretch } from "./csv.ts";
import type { Loaded } from "./load.ts";
import type { Growth } from "./memory.ts";

export interface WalkFound {
  readonly facts: number;
  readonly tookMs: number;
  readonly memory: Growth | undefined;
}

/** The floor of a download: a process that reads the same facts by the store, and does nothing with them. */
export async function walkAlone(
  { audit: { connectionString, prefix } }: Loaded,
  stretch: Stretch,
): Promise<WalkFound> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "walk-alone.ts")], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const ended = once(child, "exit");
  try {
    child.send({ connectionString, prefix, ...stretch });
    return JSON.parse(await lineFrom(child, "{")) as WalkFound;
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}
