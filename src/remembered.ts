/** A map that forgets what was not set for the longest time, once it holds so many. */
export function remembered<V>(most: number): Pick<Map<string, V>, "get" | "has"> & {
  set(key: string, value: V): void;
  delete(key: string): void;
} {
  const values = new Map<string, V>();
  return {
    get: (key) => values.get(key),
    has: (key) => values.has(key),
    delete: (key) => void values.delete(key),
    set(key, value) {
      values.delete(key);
      values.set(key, value);
      const [oldest] = values.keys();
      if (values.size > most && oldest !== undefined) {
        values.delete(oldest);
      }
    },
  };
}
