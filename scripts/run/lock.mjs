import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isAlive } from "./alive.mjs";

const POLL_MS = 200;
/** Between making the folder and naming the owner lies an instant; a folder that stays without one belonged to a killed process. */
const UNNAMED_MS = 5_000;

/**
 * Runs `work` while no other process does. The lock is a folder, as making one is atomic everywhere; it names its owner, and
 * one whose owner is gone is taken over.
 *
 * @param {string} folder
 * @param {() => void} onWait called once when another process has the lock
 * @param {() => Promise<void>} work
 */
export async function withLock(folder, onWait, work) {
  mkdirSync(dirname(folder), { recursive: true });
  for (let waited = false; !(await take(folder)); waited = true) {
    if (!waited) onWait();
    await pause(POLL_MS);
  }
  try {
    await work();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} folder */
async function take(folder) {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    if (isAbandoned(folder)) rmSync(folder, { recursive: true, force: true });
    return false;
  }
  writeFileSync(join(folder, "pid"), String(process.pid));
  // Whoever saw the former owner's folder at the same moment may have deleted ours in its place: look once more.
  await pause(POLL_MS / 4);
  return ownerOf(folder) === process.pid;
}

/** @param {string} folder */
function isAbandoned(folder) {
  const owner = ownerOf(folder);
  if (owner !== undefined) return !isAlive(owner);
  try {
    return Date.now() - statSync(folder).mtimeMs > UNNAMED_MS;
  } catch {
    return false;
  }
}

/** @param {string} folder */
function ownerOf(folder) {
  try {
    return Number(readFileSync(join(folder, "pid"), "utf8")) || undefined;
  } catch {
    return undefined;
  }
}
