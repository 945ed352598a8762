/** A terminal and npm both pass on the same Ctrl-C; what comes later than this is a second one. */
const SAME_SIGNAL_MS = 1_000;

/** Settles at the first Ctrl-C or other request to stop, after `onFirst`; a second one, of the impatient, calls `onSecond`. */
export function whenInterrupted(onFirst: () => void, onSecond: () => void): Promise<undefined> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const interrupt = () => {
      if (firstAt === undefined) {
        firstAt = Date.now();
        onFirst();
        resolve(undefined);
      } else if (Date.now() - firstAt > SAME_SIGNAL_MS) {
        onSecond();
      }
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
  });
}
