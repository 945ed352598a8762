import type { HostClock, HostLog } from "../app.ts";
import { describeError } from "../errors.ts";

/** How long a failed write waits before it is tried again. */
const RETRY_MS = 1_000;

/** Repeats writes until they succeed: a store that cannot be reached holds everything up, and nothing is lost meanwhile. */
export class Persistence {
  isStopping = false;
  readonly #clock: HostClock;
  readonly #log: HostLog;

  constructor(clock: HostClock, log: HostLog) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Rejects only once the engine is stopping. */
  async retrying<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (this.isStopping) throw error;
        this.#log("error", `Durable store, trying again: ${describeError(error)}`);
        const again = new Date(this.#clock.now().getTime() + RETRY_MS);
        await new Promise<void>((resolve) => this.#clock.at(again, resolve));
      }
    }
  }

  /** Tidying up: should it fail, the next start does it. */
  async tidying(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#log("warning", `Durable store, tidying up: ${describeError(error)}`);
    }
  }
}
