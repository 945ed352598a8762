import { beforeEach, describe, expect, it } from "@jest/globals";
import type { AnchorKeeper, KeptAnchor } from "../../src/activity/anchor.ts";
import type { DropStore } from "../../src/activity/dropped.ts";
import { allOf } from "../support/all-of.ts";

const anchor = (sequence: number, at = `2026-03-0${sequence}T03:17:45.123Z`): KeptAnchor => ({
  sequence,
  at,
  text: JSON.stringify({ version: 1, sequence, at, previous: "–", heads: [] }),
});

/** What table and container promise of the anchors that are kept there. */
export function anchorKeeperContract(open: () => AnchorKeeper): void {
  describe("what keeps anchors", () => {
    let keeper: AnchorKeeper;
    const since = (moment: string) => allOf(keeper.since(new Date(moment)));

    beforeEach(() => {
      keeper = open();
    });

    it("has none at the beginning", async () => {
      expect(await keeper.newest()).toBeUndefined();
      expect(await keeper.numbers()).toEqual(new Set());
      expect(await since("2026-01-01T00:00:00Z")).toEqual([]);
    });

    it("gives back what was put, to the letter, in the order of the numbers", async () => {
      for (const one of [anchor(2), anchor(1), anchor(3)]) {
        expect(await keeper.put(one)).toBe(true);
      }

      expect(await since("2026-01-01T00:00:00Z")).toEqual([anchor(1), anchor(2), anchor(3)]);
      expect(await keeper.newest()).toEqual(anchor(3));
      expect(await keeper.numbers()).toEqual(new Set([1, 2, 3]));
    });

    it("never puts one in the place of another", async () => {
      await keeper.put(anchor(1));

      expect(await keeper.put(anchor(1))).toBe(false);
      expect(await keeper.put({ ...anchor(1), text: "another" })).toBe(false);
      expect(await keeper.put(anchor(1, "2026-03-09T00:00:00.000Z"))).toBe(false);

      expect(await since("2026-01-01T00:00:00Z")).toEqual([anchor(1)]);
    });

    it("gives those from a moment on and the one before, also where a clock was wrong in between", async () => {
      const all = [
        anchor(1),
        anchor(2),
        anchor(3, "2099-01-01T00:00:00.000Z"),
        anchor(4),
        anchor(5),
      ];
      for (const one of all) {
        await keeper.put(one);
      }

      expect(await since("2026-03-04T00:00:00Z")).toEqual(all.slice(1));
      expect(await since("2099-06-01T00:00:00Z")).toEqual(all.slice(4));
    });
  });
}

/** What is promised of drops that were begun. */
export function dropStoreContract(open: () => DropStore): void {
  describe("the store of drops", () => {
    const drop = {
      month: "2026-03",
      at: "2026-09-01T03:00:00.000Z",
      parts: [{ subscriptionId: "11111111-2222-3333-4444-555555555555", facts: 7, chains: 2 }],
    };

    it("knows a drop as it was begun first until it is ended, however often", async () => {
      const drops = open();
      await drops.begin(drop);
      await drops.begin({ ...drop, parts: [] });
      expect(await drops.unfinished()).toEqual([drop]);

      await drops.end("2026-03");
      await drops.end("2026-03");
      expect(await drops.unfinished()).toEqual([]);
    });
  });
}
