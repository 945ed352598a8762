import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

/** The first line that a process prints which begins so; all others are read, so that its pipe never fills, and passed over. */
export function lineFrom({ stdout, spawnargs }: ChildProcess, beginning: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = stdout && createInterface({ input: stdout });
    lines?.on("line", (line) => {
      if (line.startsWith(beginning)) {
        resolve(line);
      }
    });
    lines?.once("close", () => reject(new Error(`'${spawnargs.join(" ")}' has ended.`)));
  });
}
