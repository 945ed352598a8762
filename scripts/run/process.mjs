import { spawn } from "node:child_process";
import { constants } from "node:os";
import { SetUpError } from "./set-up-error.mjs";

const WATCH_MS = 250;
/** How long a child that was asked to stop may take when nobody is left to insist. */
const ORPHAN_MS = 10_000;
const STILL_THERE_MS = 20_000;

/**
 * Runs a step whose output matters only when it fails.
 *
 * @param {string} file @param {readonly string[]} given @param {string} cwd
 */
export async function runQuietly(file, given, cwd) {
  const child = spawn(file, given, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const output = [];
  child.stdout.on("data", (chunk) => output.push(chunk));
  child.stderr.on("data", (chunk) => output.push(chunk));
  const code = await exitCodeOf(child);
  if (code === 0) return;
  throw new SetUpError(
    `${Buffer.concat(output)}\n"${given.join(" ")}" failed (exit code ${code}).`,
  );
}

/**
 * npm, talking on stderr: stdout belongs to what is run afterwards.
 *
 * @param {string} file @param {readonly string[]} given @param {string} cwd @param {NodeJS.ProcessEnv} env
 */
export async function runInstaller(file, given, cwd, env) {
  const startedAt = Date.now();
  const stillThere = setInterval(() => {
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    process.stderr.write(`  … still installing (${seconds} s)\n`);
  }, STILL_THERE_MS);
  try {
    // Only npm.cmd needs a shell; none of the arguments holds anything a shell would read.
    const shell = file.endsWith(".cmd");
    return await exitCodeOf(spawn(file, given, { cwd, env, shell, stdio: ["ignore", 2, 2] }));
  } finally {
    clearInterval(stillThere);
  }
}

/**
 * Runs the real thing: it has our terminal, gets our signals, and does not outlive us or the npm that started us. Node ends
 * the channel of a child when its parent dies in any way, so a child that cares can notice that too ("disconnect").
 *
 * @param {string} file @param {readonly string[]} given @param {string} cwd
 * @param {() => "killed" | "stopped" | undefined} lookAtNpm
 */
export async function runToTheEnd(file, given, cwd, lookAtNpm) {
  const stdio = ["inherit", "inherit", "inherit", "ipc"];
  const child = spawn(file, given, { cwd, stdio });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));

  const watch = setInterval(() => {
    const happened = lookAtNpm();
    if (happened === undefined) return;
    clearInterval(watch);
    child.kill(happened === "killed" ? "SIGKILL" : "SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), ORPHAN_MS).unref();
  }, WATCH_MS);
  try {
    return await exitCodeOf(child);
  } finally {
    clearInterval(watch);
  }
}

/** @param {import("node:child_process").ChildProcess} child @returns {Promise<number>} as a shell would report it */
function exitCodeOf(child) {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new SetUpError(`${child.spawnfile}: ${error.message}`)));
    child.once("close", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
