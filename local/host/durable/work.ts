import { setImmediate as nextTick } from "node:timers/promises";

/** Counts what is under way, so that one can wait for its end. */
export class Work {
  readonly #running = new Set<Promise<unknown>>();

  /** Failures are the business of whoever waits for the promise itself. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    const remove = () => this.#running.delete(work);
    work.then(remove, remove);
    return work;
  }

  /** Resolves when nothing is under way, nor anything that follows at once from what was. */
  async quiet(): Promise<void> {
    do {
      while (this.#running.size > 0) await Promise.allSettled(this.#running);
      await nextTick();
    } while (this.#running.size > 0);
  }
}
