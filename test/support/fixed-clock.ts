import type { Clock } from "../../src/ports.ts";

/** A clock that moves only when told to; pauses end at once and move it. */
export interface FixedClock extends Clock {
  advance(milliseconds: number): void;
}

export function createFixedClock(startsAt: string): FixedClock {
  let now = Date.parse(startsAt);
  const advance = (milliseconds: number): void => {
    now += milliseconds;
  };
  return {
    now: () => new Date(now),
    async pause(milliseconds) {
      advance(milliseconds);
    },
    advance,
  };
}
