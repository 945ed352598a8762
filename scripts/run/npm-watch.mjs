import { spawnSync } from "node:child_process";
import { isAlive, processStat } from "./alive.mjs";

const SHELL = /^-?(?:ba|da|a|z|k)?sh$/;

/**
 * Started by npm, this process ends with npm. npm runs a script through a shell, which on some systems stays between the two:
 *
 * - npm killed outright: a shell in between lives on, so its parent is watched. Answer: "killed".
 * - npm told to stop: it passes the signal to the shell, which ends without passing it on. Answer: "stopped".
 *
 * @returns {() => "killed" | "stopped" | undefined} what happened since
 */
export function whatHappenedToNpm() {
  if (process.env.npm_lifecycle_event === undefined) return () => undefined;
  const parent = process.ppid;
  const { name, parent: npm } = lookUp(parent);
  const hasShell = SHELL.test(name);
  return () => {
    if (process.ppid !== parent || !isAlive(parent)) return hasShell ? "stopped" : "killed";
    return hasShell && isOrphan(parent, npm) ? "killed" : undefined;
  };
}

/** @param {number} pid @param {number} formerParent */
function isOrphan(pid, formerParent) {
  // A killed npm that nobody waits for still has its process id; but its children have got another parent.
  if (process.platform === "linux") return lookUp(pid).parent !== formerParent;
  return !isAlive(formerParent);
}

/** @param {number} pid @returns {{ name: string, parent: number }} */
function lookUp(pid) {
  // Windows has no shell that would stay behind.
  if (process.platform === "win32") return { name: "", parent: 0 };
  if (process.platform === "linux") return processStat(pid) ?? { name: "", parent: 0 };
  const { stdout } = spawnSync("ps", ["-o", "ppid=,comm=", "-p", String(pid)], {
    encoding: "utf8",
  });
  const [, parent, path = ""] = /^\s*(\d+)\s+(.*?)\s*$/.exec(stdout ?? "") ?? [];
  return { name: path.replace(/^.*\//, ""), parent: Number(parent) };
}
