import type { RecordedSettings, SettingsStore, Stored } from "../../src/ports.ts";

/** The settings told last, in memory; keeps the same promises as the store in Table Storage, shown by the same contract tests. */
export function createFakeSettingsStore(): SettingsStore {
  let stored: Stored<RecordedSettings> | undefined;
  let writes = 0;
  return {
    last: async () => structuredClone(stored),
    async put(value, etag) {
      if (stored?.etag !== etag) {
        return false;
      }
      writes += 1;
      stored = structuredClone({ value, etag: String(writes) });
      return true;
    },
  };
}
