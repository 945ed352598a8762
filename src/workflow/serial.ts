import type { Log } from "../log.ts";

/** Runs works of one key one after the other, in the order they came; works of different keys side by side. */
export type Serial = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** Builds a {@link Serial} that forgets a key as soon as nobody waits for it. */
export function createSerial(): Serial {
  const tails = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const before = tails.get(key) ?? Promise.resolve();
    // A work that failed has told its own caller; it is no reason not to start the next one.
    const mine = before.then(work, work);
    const tail = mine.then(
      () => undefined,
      () => undefined,
    );
    tails.set(key, tail);
    void tail.then(() => {
      if (tails.get(key) === tail) {
        tails.delete(key);
      }
    });
    return mine;
  };
}

/** Does one task of many: its fault is logged and keeps nobody from the others. Answers what it did, nothing after a fault. */
export async function guarded<T>(
  log: Log,
  what: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    log.taskFault({ what, error });
    return undefined;
  }
}
