import { setImmediate as nextTurn } from "node:timers/promises";
import type { HostClock } from "./app.ts";

/** `setTimeout` fires at once for anything longer (a signed 32-bit count of milliseconds, 24.8 days). */
const LONGEST_TIMEOUT_MS = 2_147_483_647;

/** The machine's own clock. A pending callback keeps the process alive until it is cancelled. */
export const systemClock: HostClock = {
  now: () => new Date(),
  at(at, callback) {
    let timer: NodeJS.Timeout;
    const arm = () => {
      const leftMs = at.getTime() - Date.now();
      // A timeout may fire a millisecond early: then it is armed once more.
      if (leftMs > 0) timer = setTimeout(arm, Math.min(leftMs, LONGEST_TIMEOUT_MS));
      else callback();
    };
    // Never calls back before `at` has returned, not even for a moment long past.
    timer = setTimeout(arm, Math.min(Math.max(at.getTime() - Date.now(), 0), LONGEST_TIMEOUT_MS));
    return () => clearTimeout(timer);
  },
};

interface Appointment {
  readonly atMs: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still until told to move. Callbacks fire in the order of their times (then of their making), each
 * with `now()` at its own time or later, never earlier; after each moment it waits for `settle` before it moves on.
 */
export class VirtualClock implements HostClock {
  #nowMs: number;
  #appointments: Appointment[] = [];
  readonly #settle: () => Promise<void>;

  /** `settle` resolves once all work started so far has come to rest; by default it only lets promises run. */
  constructor(start: Date, settle: () => Promise<void> = letPromisesRun) {
    this.#nowMs = start.getTime();
    this.#settle = settle;
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  at(at: Date, callback: () => void): () => void {
    const appointment = { atMs: at.getTime(), callback };
    const index = this.#appointments.findIndex((other) => other.atMs > appointment.atMs);
    this.#appointments.splice(index < 0 ? this.#appointments.length : index, 0, appointment);
    return () => {
      this.#appointments = this.#appointments.filter((other) => other !== appointment);
    };
  }

  /** The moment of the next callback, or undefined when none is pending. */
  get next(): Date | undefined {
    const first = this.#appointments[0];
    return first && new Date(first.atMs);
  }

  advanceBy(ms: number): Promise<void> {
    return this.advanceTo(new Date(this.#nowMs + ms));
  }

  /** Moves to `to`, firing what falls due on the way, including what those callbacks arrange. Never moves back. */
  async advanceTo(to: Date): Promise<void> {
    await this.#settle();
    for (let due = this.#due(to); due; due = this.#due(to)) {
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
      await this.#settle();
    }
    this.#nowMs = Math.max(this.#nowMs, to.getTime());
  }

  #due(to: Date): Appointment | undefined {
    const first = this.#appointments[0];
    if (!first || first.atMs > to.getTime()) return undefined;
    this.#appointments.shift();
    return first;
  }
}

async function letPromisesRun(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await nextTurn();
}
