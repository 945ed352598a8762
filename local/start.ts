/**
 * `npm start`: the whole of JIT Access on this machine. Prints where it is and writes DIR/endpoints.json when everything
 * answers; Ctrl-C stops it. Whatever ends it, the next start with the same DIR goes on from there.
 */
import { dirname, join } from "node:path";
import { readMachinePorts } from "./cloud/data-plane/client.ts";
import type { Estate } from "./cloud/estate.ts";
import { loadEstate } from "./cloud/load-estate.ts";
import { type Endpoints, removeEndpoints, writeEndpoints } from "./endpoints.ts";
import { HELP, parseStartArguments, type StartArguments, StartError } from "./start/arguments.ts";
import { lockData } from "./start/data-lock.ts";
import { requireFreePorts } from "./start/free-ports.ts";
import { whenInterrupted } from "./start/interrupt.ts";
import { Supervisor } from "./start/supervisor.ts";
import { welcomeText } from "./start/welcome.ts";

/** The children of a killed start notice within a second that it is gone. */
const LEFTOVER_PATIENCE_MS = 2_000;

const root = dirname(import.meta.dirname);
const startedAt = Date.now();
const say = (text: string): void => void process.stdout.write(`${text}\n`);

// Whoever reads our output may go away ("npm start | head"): no reason to stop.
process.stdout.on("error", () => undefined);
// Started by scripts/run.mjs: killed with it.
process.on("disconnect", () => process.exit(1));

try {
  const given = parseStartArguments(process.argv.slice(2), root);
  if (given === "help") say(HELP);
  else await runLocked(given);
} catch (error) {
  const isExpected = error instanceof StartError;
  process.stderr.write(`${isExpected ? error.message : describe(error)}\n`);
  process.exitCode = 1;
}
// The channel to scripts/run.mjs would keep this process alive.
process.exit();

async function runLocked(given: StartArguments): Promise<void> {
  const estate = await loadEstate(given.estateFile).catch((error: Error) => {
    throw new StartError(error.message);
  });
  const lock = await lockData(given.dataDir);
  try {
    await removeEndpoints(given.dataDir);
    const ports = await requireFreePorts(
      given.basePort,
      lock.isSecondHand ? LEFTOVER_PATIENCE_MS : 0,
    );
    const supervisor = new Supervisor({ ...given, ports, estate, root, say: progress });
    const interrupted = whenInterrupted(
      () => {
        lock.announceStop();
        say("\nStopping … (Ctrl-C again to kill)");
      },
      () => supervisor.kill(),
    );
    await supervise(supervisor, interrupted, {
      ready: (endpoints) => welcome(given, estate, endpoints),
      stopping: () => removeEndpoints(given.dataDir),
    });
  } finally {
    lock.release();
  }
  say("Stopped.");
}

/** Returns when asked to stop; throws when it cannot start or a part of it is lost. Either way everything has ended. */
async function supervise(
  supervisor: Supervisor,
  interrupted: Promise<undefined>,
  on: {
    readonly ready: (endpoints: Endpoints) => Promise<void>;
    readonly stopping: () => Promise<void>;
  },
): Promise<void> {
  const lost = supervisor.lost.then((reason): never => {
    throw new StartError(`${reason}\nEverything stops; the next "npm start" goes on from here.`);
  });
  try {
    const endpoints = await Promise.race([supervisor.start(), interrupted, lost]);
    if (endpoints === undefined) return;
    await on.ready(endpoints);
    await Promise.race([interrupted, lost]);
  } finally {
    await on.stopping();
    await supervisor.stop();
  }
}

async function welcome(given: StartArguments, estate: Estate, endpoints: Endpoints): Promise<void> {
  await writeEndpoints(given.dataDir, endpoints);
  const machinePorts = await readMachinePorts(endpoints);
  const isDefaultDataDir = given.dataDir === join(root, ".local");
  const seconds = (Date.now() - startedAt) / 1000;
  const { people, applications = [] } = estate;
  const started = { endpoints, people, applications, machinePorts, isDefaultDataDir, seconds };
  say(welcomeText({ ...given, ...started }));
}

function progress(text: string): void {
  say(`  ${((Date.now() - startedAt) / 1000).toFixed(1).padStart(4)} s  ${text}`);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
