/** A map that forgets what was not used for longest once it holds `size` entries. */
export interface BoundedMap<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  /** Forgets the entry if it is still this value. */
  forget(key: string, value: V): void;
}

export function createBoundedMap<V>(size: number): BoundedMap<V> {
  // A Map iterates in the order of insertion: whatever is used goes to the end.
  const entries = new Map<string, V>();
  const put = (key: string, value: V): void => {
    entries.delete(key);
    entries.set(key, value);
  };
  return {
    get(key) {
      const value = entries.get(key);
      if (value !== undefined) {
        put(key, value);
      }
      return value;
    },
    set(key, value) {
      put(key, value);
      const [oldest] = entries.keys();
      if (entries.size > size && oldest !== undefined) {
        entries.delete(oldest);
      }
    },
    forget(key, value) {
      if (entries.get(key) === value) {
        entries.delete(key);
      }
    },
  };
}
