import { beforeEach, describe, expect, it } from "@jest/globals";
import type { SettingsStore } from "../../src/ports.ts";

const recorded = (revision: number) => ({ revision, settings: { ARM_SCOPE: '"ä"' } });

/** What every store of the settings that were told last promises. */
export function settingsStoreContract(open: () => SettingsStore): void {
  describe("the store of settings", () => {
    let settings: SettingsStore;
    beforeEach(() => {
      settings = open();
    });

    it("knows nothing before anything was told", async () => {
      expect(await settings.last()).toBeUndefined();
    });

    it("gives back what was told last", async () => {
      await settings.put(recorded(1));
      await settings.put(recorded(2), (await settings.last())?.etag);

      expect((await settings.last())?.value).toEqual(recorded(2));
    });

    it("lets the first of two win, at the beginning and later", async () => {
      expect([await settings.put(recorded(1)), await settings.put(recorded(7))]).toEqual([
        true,
        false,
      ]);
      const etag = (await settings.last())?.etag;
      expect([
        await settings.put(recorded(2), etag),
        await settings.put(recorded(3), etag),
      ]).toEqual([true, false]);
      expect((await settings.last())?.value).toEqual(recorded(2));
    });
  });
}
