import { mapLimited } from "../map-limited.ts";

/** Calls to different partitions that are under way at once, for one who asked. */
const mostAtOnce = 16;

/** The answers in the order of the items; a few at a time. */
export function inParallel<T, R>(
  items: readonly T[],
  act: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  return mapLimited(items, mostAtOnce, act);
}
