import { beforeEach, describe, expect, it } from "@jest/globals";
import type { GateStore, Settlement } from "../../src/ports.ts";
import { aDeny, aWindow, gateId } from "../support/stored-samples.ts";
import { deniesOf, idsOf, type Pair } from "./gate-store.ts";

/** What every store of gates promises about windows whose end is known only once they are open. */
export function gateEndsContract(open: () => Pair<GateStore>): void {
  describe("the end of a window that counts from when it is open", () => {
    const [end, latestEnd] = ["2026-03-01T12:00:07.000Z", "2026-03-01T12:05:00.000Z"];
    /** Until its end is known, it lasts as long as its rules tell. */
    const counting = aWindow({ closesAt: latestEnd, latestEnd });
    const { windowId } = counting;
    const told = { endWindows: [{ windowId, closesAt: end }] };
    let gates: GateStore;
    let otherProcess: GateStore;

    beforeEach(() => {
      ({ one: gates, other: otherProcess } = open());
    });

    const endOf = async () => (await otherProcess.read(gateId)).intent.windows[0]?.closesAt;
    const settlement = (values: Partial<Settlement>): Settlement => ({
      revision: 1,
      results: {},
      findings: [],
      expired: [],
      proven: [],
      ...values,
    });
    const settle = async (values: Partial<Settlement> = {}) => {
      await gates.takeLease(gateId, "ann", undefined);
      return gates.complete(gateId, "ann", settlement(values));
    };

    it("is told without a new revision, as no rule tells it", async () => {
      const wanted = await gates.change(gateId, { addWindows: [counting] });
      await settle({ revision: wanted });

      const revision = await gates.change(gateId, told);

      expect(revision).toBe(wanted);
      const record = await otherProcess.read(gateId);
      expect(record.intent.windows).toEqual([{ ...counting, closesAt: end }]);
      expect([record.desiredRevision, record.appliedRevision]).toEqual([wanted, wanted]);
    });

    it("told twice is told once", async () => {
      await gates.change(gateId, { addWindows: [counting] });
      await gates.change(gateId, told);

      expect(await otherProcess.change(gateId, told)).toBe(1);
      expect(await endOf()).toBe(end);
    });

    it("is never after the one that the rules tell", async () => {
      const fixed = aWindow({ closesAt: end });
      await gates.change(gateId, { addWindows: [counting, fixed] });

      await gates.change(gateId, {
        endWindows: [counting, fixed].map((window) => ({
          windowId: window.windowId,
          closesAt: "2026-03-01T23:00:00.000Z",
        })),
      });

      const { windows } = (await gates.read(gateId)).intent;
      expect(windows.find((window) => window.windowId === windowId)?.closesAt).toBe(latestEnd);
      expect(windows.find((window) => window.windowId === fixed.windowId)).toEqual(fixed);
    });

    it("of a window or gate that nobody knows is no change", async () => {
      expect(await gates.change(gateId, told)).toBe(0);
      await gates.change(gateId, { denies: deniesOf(aDeny()) });

      expect(await gates.change(gateId, told)).toBe(1);
      expect((await gates.read(gateId)).intent.windows).toEqual([]);
    });

    it("goes with what else is changed, under the revision of that", async () => {
      await gates.change(gateId, { addWindows: [counting] });
      const other = aWindow();

      const revision = await gates.change(gateId, { ...told, addWindows: [other] });

      expect(revision).toBe(2);
      expect(await endOf()).toBeDefined();
      const { windows } = (await gates.read(gateId)).intent;
      expect(new Set(windows.map((window) => window.closesAt))).toEqual(
        new Set([end, other.closesAt]),
      );
    });

    it("stays as it was told when a settler reports that had read the window before", async () => {
      const revision = await gates.change(gateId, { addWindows: [counting] });
      await gates.takeLease(gateId, "ann", undefined);
      await otherProcess.change(gateId, told);

      const results: Settlement["results"] = {
        [windowId]: { state: "open", rules: ["JitAccess-1"] },
      };
      const isDone = await gates.complete(gateId, "ann", settlement({ revision, results }));

      const record = await otherProcess.read(gateId);
      expect(isDone).toBe(true);
      expect(record.intent.windows).toEqual([{ ...counting, closesAt: end }]);
      expect(record.results).toEqual(results);
      expect(record.appliedRevision).toBe(record.desiredRevision);
    });

    it("does not keep a window that a settler found over", async () => {
      const revision = await gates.change(gateId, { addWindows: [counting] });
      await gates.change(gateId, told);

      await settle({ revision, expired: [windowId] });

      expect(idsOf(await gates.read(gateId))).toEqual([]);
    });

    it("is when the gate has to be settled again, and when its closing begins to be owed", async () => {
      const revision = await gates.change(gateId, { addWindows: [counting] });
      await settle({ revision });
      const [before, then] = [new Date(Date.parse(end) - 1), new Date(end)];
      const untold = await otherProcess.unsettled(then);

      await gates.change(gateId, told);

      expect(untold).toEqual([]);
      expect(await otherProcess.unsettled(before)).toEqual([]);
      expect(await otherProcess.unsettled(then)).toEqual([gateId]);
      expect(await otherProcess.overdue(before)).toEqual([]);
      expect(await otherProcess.overdue(then)).toEqual([{ gateId, closesAt: end }]);
    });

    it("that is no time is refused, and the changes beside it go on", async () => {
      const [bad, done] = await Promise.allSettled([
        gates.change(gateId, { endWindows: [{ windowId, closesAt: "soon" }] }),
        gates.change(gateId, { addWindows: [counting] }),
      ]);

      expect([bad.status, done.status]).toEqual(["rejected", "fulfilled"]);
    });

    it("is lost for none of 20 windows when others are wanted at the same moment", async () => {
      const windows = Array.from({ length: 20 }, () => aWindow({ closesAt: latestEnd, latestEnd }));
      await gates.change(gateId, { addWindows: windows });

      await Promise.all(
        windows.flatMap((window, index) => [
          (index % 2 === 0 ? gates : otherProcess).change(gateId, {
            endWindows: [{ windowId: window.windowId, closesAt: end }],
          }),
          otherProcess.change(gateId, { addWindows: [aWindow()] }),
        ]),
      );

      const record = await gates.read(gateId);
      const ids = new Set(windows.map((window) => window.windowId));
      expect(record.intent.windows).toHaveLength(40);
      expect(
        record.intent.windows.filter((one) => ids.has(one.windowId) && one.closesAt !== end),
      ).toEqual([]);
    });
  });
}
