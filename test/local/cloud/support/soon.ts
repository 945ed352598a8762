/** Waits for what other turns of the event loop bring about; after 5 seconds the last failure counts. */
export async function soon(check: () => Promise<void> | void): Promise<void> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
