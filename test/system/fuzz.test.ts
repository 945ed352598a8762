import { createReadStream, createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pauseFor } from "node:timers/promises";
import { afterEach, describe, expect, it } from "@jest/globals";
import { RunningSystem } from "../support/running-system.ts";
import { collectable, collectedMib } from "./fuzz/collected-memory.ts";
import { FuzzRun } from "./fuzz/fuzz-run.ts";
import { figuresOf } from "./fuzz/process-figures.ts";
import { customerPart } from "./group-watch.ts";
import { User } from "./user.ts";

/** How many calls are made: FUZZ_REQUESTS where it is set, for longer runs. FUZZ_SEED repeats what chance chose. */
const calls = Number(process.env["FUZZ_REQUESTS"] ?? 150);
const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000);
/** FUZZ_TRACE names a file that gets a line for every call: what is under way at the same moment no seed repeats. */
const traceFile = process.env["FUZZ_TRACE"];

/** So many calls between two looks at the rules. */
const callsInARound = Math.min(Math.max(Math.ceil(calls / 4), 80), 500);
const callsBetweenFigures = 1_000;
/** After so many calls the host has all that it needs. */
const warmUp = 20_000;
/** How many times the memory of then it may hold in the end. The histories of orchestrations are in it: they are kept for good. */
const mostGrowth = 1.25;
const isLong = calls >= 2 * warmUp;

let system: RunningSystem;

afterEach(async () => {
  await system?.stop();
}, 30_000);

describe(`a system that is called ${calls} times in every way one can think of (FUZZ_SEED=${seed})`, () => {
  it(
    "fails none of them, opens and closes what permitted calls asked for and nothing else, and does not grow",
    async () => {
      system = await RunningSystem.start({
        timing: { nsgWriteMs: 20 },
        history: "memory",
        environment: () => (isLong ? collectable : {}),
      });
      const user = new User(system);
      const customers = customerPart(await user.nsgs());
      const trace = tracer();
      const run = await FuzzRun.begin(system, user, seed, trace.line);

      await run.setUp();
      await callUntil(run, Math.min(warmUp, calls));
      const warm = await memory();
      await callUntil(run, calls);
      await pauseFor(isLong ? 30_000 : 500);
      const groups = await run.look();
      const inTheEnd = await memory();
      run.close();
      trace.end();
      const { body: health } = await user.call("olivia", "GET", "/api/health/ready");
      const log = await logged();
      const { table, times } = run.tally;
      say({
        seed,
        ...times,
        answers: table,
        opened: run.opened.size,
        warm,
        inTheEnd,
        ...log,
        health,
      });

      expect(run.wrongs.slice(0, 20)).toEqual([]);
      expect(customerPart(groups)).toBe(customers);
      expect(run.opened.size).toBeGreaterThan(0);
      expect(health).toMatchObject({ status: "ready", overdueGates: 0 });
      expect(log.strange).toEqual([]);
      expect(inTheEnd / warm).toBeLessThanOrEqual(mostGrowth);
    },
    60_000 + calls * 150,
  );
});

async function callUntil(run: FuzzRun, made: number): Promise<void> {
  while (run.tally.calls < made) {
    await run.round(callsInARound);
    if (run.tally.calls % callsBetweenFigures < callsInARound) {
      await tell(run);
    }
  }
}

/** What the host holds, in mebibytes; a short run does not tell. */
async function memory(): Promise<number> {
  const { host } = system.endpoints.pids;
  return isLong && host !== undefined ? collectedMib(host, join(system.dir, "data/host.log")) : 1;
}

/** How often each event is in the log of the host, and lines that should not be there: faults, tokens, answers of ours that are 5xx. */
async function logged() {
  const events: Record<string, number> = {};
  const strange: string[] = [];
  const lines = createInterface({ input: createReadStream(join(system.dir, "data/host.log")) });
  for await (const line of lines) {
    const [, event = "of the host"] = /"event":"([\w.]+)"/.exec(line) ?? [];
    events[event] = (events[event] ?? 0) + 1;
    if (/eyJ|http\.unforeseen|"status":5\d\d|\[error\]/.test(line)) {
      strange.push(line.slice(0, 2_000));
    }
  }
  return { events, strange: strange.slice(0, 20) };
}

/** Writes what happened to the file that was asked for, or nowhere. */
function tracer(): { readonly line: (text: string) => void; readonly end: () => void } {
  const file = traceFile === undefined ? undefined : createWriteStream(traceFile);
  return { line: (text) => void file?.write(`${text}\n`), end: () => void file?.end() };
}

/** How far a long run has come, and what it took; the processor's time tells more than the clock where others work too. */
async function tell({ tally, opened, wrongs }: FuzzRun): Promise<void> {
  const { host, tables } = system.endpoints.pids;
  const processes = { host: await figuresOf(host), tables: await figuresOf(tables) };
  const { calls: made, perSecond } = tally;
  say({ made, perSecond, opened: opened.size, wrongs: wrongs.length, ...processes });
}

/** A long run is worth its figures. */
function say(figures: object): void {
  if (process.env["FUZZ_REQUESTS"] !== undefined) {
    process.stderr.write(`${JSON.stringify(figures)}\n`);
  }
}
