import { readFileSync } from "node:fs";

/**
 * What tells a running process from a later one with the same id, or undefined when none runs. On Linux it is the time of its
 * start (proc(5), field 22), as ids come round again soon after a restart; elsewhere it is the same for all.
 */
export function identityOf(pid: number): string | undefined {
  if (!answers(pid)) return undefined;
  if (process.platform !== "linux") return "running";
  try {
    const afterName = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "");
    const fields = afterName.split(" ");
    // Ended, but nobody has waited for it: in a container the first process often leaves such ones lying about.
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function answers(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process refuses the signal, but is there.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
