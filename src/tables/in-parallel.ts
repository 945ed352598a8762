/** Calls to different partitions that are under way at once, for one who asked. */
const mostAtOnce = 16;

/** The answers in the order of the items; a few at a time. */
export async function inParallel<T, R>(
  items: readonly T[],
  act: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const answers: R[] = new Array(items.length);
  const rest = items.entries();
  const workers = Array.from({ length: Math.min(mostAtOnce, items.length) }, async () => {
    for (const [index, item] of rest) {
      answers[index] = await act(item);
    }
  });
  await Promise.all(workers);
  return answers;
}
