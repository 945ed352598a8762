import type { RecordedSettings, SettingsStore } from "../ports.ts";
import type { Tables } from "./client.ts";
import { packBody, unpackBody } from "./codec.ts";
import { alreadyExists, changedMeanwhile, unlessMissing } from "./etag.ts";

/** One row: what the app's settings were when they were told last. */
const place = { partitionKey: "settings", rowKey: "told" } as const;

/** The settings that the audit was told last. */
export function createSettingsStore(tables: Tables): SettingsStore {
  return {
    async last() {
      const client = await tables.settings();
      const row = await unlessMissing(client.getEntity(place.partitionKey, place.rowKey));
      return row === undefined
        ? undefined
        : { value: unpackBody<RecordedSettings>(row), etag: row.etag };
    },

    async put(recorded, etag) {
      const client = await tables.settings();
      const row = { ...place, ...packBody(recorded) };
      try {
        await (etag === undefined
          ? client.createEntity(row)
          : client.updateEntity(row, "Replace", { etag }));
        return true;
      } catch (error) {
        if (alreadyExists(error) || changedMeanwhile(error)) {
          return false;
        }
        throw error;
      }
    },
  };
}
