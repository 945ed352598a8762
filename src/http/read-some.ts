/** NB. No history is read without end: so many facts are looked at in one walk. */
const mostLookedAt = 20_000;

/** The first facts of a walk that are meant, `most` of them, and how many of them, at least, there are beside. */
export async function readSome<T>(
  walk: AsyncIterable<T>,
  most: number,
  isMeant: (item: T) => boolean = () => true,
): Promise<{ readonly kept: readonly T[]; readonly unread: number }> {
  const kept: T[] = [];
  let [unread, lookedAt] = [0, 0];
  for await (const item of walk) {
    lookedAt += 1;
    if (lookedAt > mostLookedAt) {
      return { kept, unread: unread + 1 };
    }
    if (isMeant(item)) {
      if (kept.length < most) {
        kept.push(item);
      } else {
        unread += 1;
      }
    }
  }
  return { kept, unread };
}
