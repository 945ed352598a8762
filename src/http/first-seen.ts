import type { Page } from "../ports.ts";

/** NB. One call may not cost more than so many queries, however small a page is. */
const mostPages = 10;

/**
 * The first page on which the caller may see anything, among the next ten. NB. Whoever sees nothing is not told where a list goes on,
 * nor whether it does: names of a stranger's policies, and when something was done to a stranger's machine, are nobody's business. `mayKnow` says of a caller that it is theirs: they are told where to go on, though nothing was for them so far.
 */
export async function firstSeen<T, S>(
  from: string | undefined,
  list: (continuation: string | undefined) => Promise<Page<T>>,
  see: (items: readonly T[]) => readonly S[] | Promise<readonly S[]>,
  mayKnow = false,
): Promise<Page<S>> {
  let continuation = from;
  for (let looked = 0; looked < mostPages; looked += 1) {
    const page = await list(continuation);
    const items = await see(page.items);
    if (items.length > 0) {
      return { ...page, items };
    }
    ({ continuation } = page);
    if (continuation === undefined) {
      break;
    }
  }
  return mayKnow ? { items: [], continuation } : { items: [] };
}
