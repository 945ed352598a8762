import { setImmediate as untilQuiet } from "node:timers/promises";
import type { Clock } from "../../src/ports.ts";

/** A clock whose time passes only when a test lets it: a day in a moment, and always in the same order. */
export interface VirtualClock extends Clock {
  /** Lets so much time pass; whoever's pause ends on the way goes on at its own moment. */
  advance(milliseconds: number): Promise<void>;
  /** Lets time pass from pause to pause until the work is done. Throws when nothing is left that could end it. */
  run<T>(work: Promise<T>): Promise<T>;
  /** As `run`, until the condition holds. */
  runUntil(isReached: () => boolean): Promise<void>;
}

interface Pause {
  readonly endsAt: number;
  readonly end: () => void;
}

/** Work that is still going on after so much virtual time will never end. */
const longest = 48 * 3_600_000;

/** Rounds of the event loop without a pause to wait for, after which everything stands still: bodies of requests need a few. */
const idleRounds = 20;

export function createVirtualClock(startsAt: Date): VirtualClock {
  let now = startsAt.getTime();
  const pauses: Pause[] = [];

  function endNext(before: number): boolean {
    const next = pauses.reduce<Pause | undefined>(
      (first, pause) => (first === undefined || pause.endsAt < first.endsAt ? pause : first),
      undefined,
    );
    if (next === undefined || next.endsAt > before) {
      return false;
    }
    pauses.splice(pauses.indexOf(next), 1);
    now = Math.max(now, next.endsAt);
    next.end();
    return true;
  }

  async function runUntil(isReached: () => boolean): Promise<void> {
    const giveUpAt = now + longest;
    let idle = 0;
    await untilQuiet();
    while (!isReached()) {
      idle = endNext(giveUpAt) ? 0 : idle + 1;
      if (idle > idleRounds) {
        throw new Error(`Everything stands still at ${new Date(now).toISOString()}.`);
      }
      await untilQuiet();
    }
  }

  return {
    now: () => new Date(now),
    pause: (milliseconds) =>
      new Promise((end) => {
        pauses.push({ endsAt: now + milliseconds, end });
      }),
    async advance(milliseconds) {
      const until = now + milliseconds;
      await untilQuiet();
      while (endNext(until)) {
        await untilQuiet();
      }
      now = until;
    },
    async run(work) {
      let isDone = false;
      const done = () => {
        isDone = true;
      };
      work.then(done, done);
      await runUntil(() => isDone);
      return work;
    },
    runUntil,
  };
}
