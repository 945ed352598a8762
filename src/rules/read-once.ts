/**
 * Reads the entries of a list, each list once: a plan compares each of hundreds of rules with each other, and the list of a rule never
 * changes.
 */
export function readOnce<T>(read: (entry: string) => T): (list: readonly string[]) => readonly T[] {
  const known = new WeakMap<readonly string[], readonly T[]>();
  return (list) => {
    const entries = known.get(list) ?? list.map((entry) => read(entry));
    known.set(list, entries);
    return entries;
  };
}
