import { readFileSync } from "node:fs";

/**
 * Whether a process runs. One that has ended but that nobody has waited for does not: in a container the first process often
 * leaves such ones lying about.
 *
 * @param {number} pid
 */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process refuses the signal, but is there.
    if (error.code !== "EPERM") return false;
  }
  return processStat(pid)?.state !== "Z";
}

/**
 * What Linux says of a process (proc(5)); undefined elsewhere.
 *
 * @param {number} pid
 * @returns {{ name: string, state: string, parent: number } | undefined}
 */
export function processStat(pid) {
  if (process.platform !== "linux") return undefined;
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [, name = "", state = "", parent] = /^\d+ \((.*)\) (\S) (\d+)/s.exec(text) ?? [];
    return { name, state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
