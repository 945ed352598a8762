import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

/** The first line that a process prints; what comes after is read, so that its pipe never fills, and passed over. */
export function firstLine({ stdout, spawnargs }: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = stdout && createInterface({ input: stdout });
    lines?.on("line", resolve);
    lines?.once("close", () => reject(new Error(`'${spawnargs.join(" ")}' has ended.`)));
  });
}
