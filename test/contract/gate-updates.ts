import { beforeEach, describe, expect, it } from "@jest/globals";
import type { GateOperation, GateStore, Settlement, Touched } from "../../src/ports.ts";
import { leadOf } from "../../src/rules/update-time.ts";
import { aDeny, aWindow, aWriting, groupId } from "../support/stored-samples.ts";
import { deniesOf, type Pair } from "./gate-store.ts";

/** What every store of gates promises about the updates of firewalls, which take minutes. */
export function gateUpdatesContract(open: () => Pair<GateStore>): void {
  describe("the updates of a firewall", () => {
    const firewall = `${groupId}/providers/Microsoft.Network/azureFirewalls/Edge`;
    const end = "2026-03-01T12:00:00.000Z";
    const operation: GateOperation = {
      token: "update-1",
      startedAt: "2026-03-01T11:00:00.000Z",
      revision: 1,
    };
    const touched: Touched = { put: ["JitAccess-1"], removed: ["JitAccess-2"] };
    let gates: GateStore;
    let otherProcess: GateStore;

    beforeEach(() => {
      ({ one: gates, other: otherProcess } = open());
    });

    const settlement = (values: Partial<Settlement> = {}): Settlement => ({
      revision: 1,
      results: {},
      findings: [],
      expired: [],
      proven: [],
      ...values,
    });
    const settled = async (gateId: string, values: Partial<Settlement> = {}) => {
      await gates.takeLease(gateId, "ann", undefined);
      expect(await gates.complete(gateId, "ann", settlement(values))).toBe(true);
    };
    /** Updates that took so long, one after the other. */
    const measured = async (gateId: string, ...times: readonly number[]) => {
      await gates.takeLease(gateId, "ann", undefined);
      for (const tookMs of times) {
        await gates.end(gateId, "ann", tookMs);
      }
      await gates.release(gateId, "ann");
    };

    it("are told to every process: what one touches, what is under way, and how long they took", async () => {
      await gates.change(firewall, { denies: deniesOf(aDeny()) });
      await gates.takeLease(firewall, "ann", undefined);

      const first = await gates.touches(firewall, "ann", touched);
      const second = await gates.begin(firewall, "ann", operation);
      const under = await otherProcess.read(firewall);
      const third = await gates.end(firewall, "ann", 240_000);
      const after = await otherProcess.read(firewall);

      expect([first, second, third]).toEqual([true, true, true]);
      expect(under).toMatchObject({ touched, operation });
      expect(under).not.toHaveProperty("updateTimes");
      expect(after).toMatchObject({ touched, updateTimes: [240_000], failures: 0 });
      expect(after).not.toHaveProperty("operation");
    });

    it("come with the lease to whoever takes it over", async () => {
      await gates.change(firewall, { denies: deniesOf(aDeny()) });
      await gates.takeLease(firewall, "ann", undefined);
      await gates.touches(firewall, "ann", touched);
      await gates.begin(firewall, "ann", operation);
      const { lease } = await otherProcess.read(firewall);

      const taken = await otherProcess.takeLease(firewall, "bob", lease);

      expect(taken).toMatchObject({ touched, operation, lease: { holder: "bob" } });
    });

    it.each([
      { what: "what is touched", by: (one: GateStore) => one.touches(firewall, "ann", touched) },
      { what: "a begin", by: (one: GateStore) => one.begin(firewall, "ann", operation) },
      { what: "an end", by: (one: GateStore) => one.end(firewall, "ann", 240_000) },
      { what: "an end in vain", by: (one: GateStore) => one.end(firewall, "ann") },
    ])("are told by nobody who has not the lease: $what", async ({ by }) => {
      const unknown = await by(gates);
      await gates.change(firewall, { denies: deniesOf(aDeny()) });
      const without = await by(gates);
      const lost = await gates.takeLease(firewall, "ann", undefined);
      await otherProcess.takeLease(firewall, "bob", lost?.lease);
      const before = await otherProcess.read(firewall);
      const late = await by(gates);
      const { lease: _, ...after } = await otherProcess.read(firewall);
      const { lease, ...seen } = before;

      expect([unknown, without, late]).toEqual([false, false, false]);
      expect(after).toEqual(seen);
      expect(lease?.holder).toBe("bob");
    });

    it("are signs of life: a lease that was seen before one cannot be taken over", async () => {
      const seen = (await gates.takeLease(firewall, "ann", undefined))?.lease;
      await gates.touches(firewall, "ann", touched);
      const early = await otherProcess.takeLease(firewall, "bob", seen);
      const then = (await otherProcess.read(firewall)).lease;
      await gates.begin(firewall, "ann", operation);
      const later = await otherProcess.takeLease(firewall, "bob", then);
      const last = (await otherProcess.read(firewall)).lease;
      await gates.end(firewall, "ann", 1_000);

      expect([early, later]).toEqual([undefined, undefined]);
      expect(await otherProcess.takeLease(firewall, "bob", last)).toBeUndefined();
    });

    it("are remembered by the times of the last five", async () => {
      await measured(firewall, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000);

      expect((await otherProcess.read(firewall)).updateTimes).toEqual([
        3_000, 4_000, 5_000, 6_000, 7_000,
      ]);
    });

    it("that came to nothing in a row are counted until one succeeds, and take no place among the times", async () => {
      const failures: (number | undefined)[] = [];
      const note = async () => failures.push((await otherProcess.read(firewall)).failures);
      await gates.takeLease(firewall, "ann", undefined);
      for (const tookMs of [undefined, undefined, 5_000, undefined]) {
        await gates.begin(firewall, "ann", operation);
        await gates.end(firewall, "ann", tookMs);
        await note();
      }

      expect(failures).toEqual([1, 2, 0, 1]);
      expect((await otherProcess.read(firewall)).updateTimes).toEqual([5_000]);
      expect(await otherProcess.read(firewall)).not.toHaveProperty("operation");
    });

    it("leave nothing touched once the firewall is settled, and their times stay, but no failures", async () => {
      await gates.change(firewall, { denies: deniesOf(aDeny()) });
      await gates.takeLease(firewall, "ann", undefined);
      await gates.touches(firewall, "ann", touched);
      await gates.end(firewall, "ann", 240_000);
      await gates.end(firewall, "ann");
      expect(await otherProcess.read(firewall)).toMatchObject({ failures: 1 });

      await gates.complete(firewall, "ann", settlement());

      const record = await otherProcess.read(firewall);
      expect(record).not.toHaveProperty("touched");
      expect(record).not.toHaveProperty("failures");
      expect(record).toMatchObject({ updateTimes: [240_000] });
    });

    it("are kept while others want more, and change no revision", async () => {
      await gates.change(firewall, { denies: deniesOf(aDeny()) });
      await gates.takeLease(firewall, "ann", undefined);

      await Promise.all([
        gates.touches(firewall, "ann", touched),
        ...Array.from({ length: 10 }, () =>
          otherProcess.change(firewall, { addWindows: [aWindow()] }),
        ),
      ]);
      const { desiredRevision } = await otherProcess.read(firewall);
      await gates.begin(firewall, "ann", operation);

      const record = await otherProcess.read(firewall);
      expect(record).toMatchObject({ touched, operation, desiredRevision });
      expect(record.intent.windows).toHaveLength(10);
    });

    it("replace what they touch with each telling, repairs included", async () => {
      const repair = {
        id: "turn-1",
        found: [{ code: "RuleMissing", rule: "JitAccess-1", message: "It is gone." }],
      } as const;
      await gates.takeLease(firewall, "ann", undefined);
      await gates.touches(firewall, "ann", { ...touched, repair });
      const before = (await otherProcess.read(firewall)).touched;

      await gates.touches(firewall, "ann", { put: [], removed: ["JitAccess-1"], repair });

      expect(before).toEqual({ ...touched, repair });
      expect((await otherProcess.read(firewall)).touched).toEqual({
        put: [],
        removed: ["JitAccess-1"],
        repair,
      });
    });

    it("leave windows waiting that came, or changed, after what was proven last", async () => {
      const [old, changing] = [aWindow({ closesAt: end }), aWindow({ closesAt: end })];
      const revision = await gates.change(firewall, { addWindows: [old, changing] });
      const first = (await otherProcess.read(firewall)).waiting;
      await settled(firewall, { revision });
      const proven = await otherProcess.read(firewall);
      const late = aWindow();

      await gates.change(firewall, {
        addWindows: [late, { ...changing, sources: ["203.0.113.9"] }],
      });

      expect(first?.toSorted()).toEqual([old.windowId, changing.windowId].toSorted());
      expect(proven).not.toHaveProperty("waiting");
      expect((await otherProcess.read(firewall)).waiting?.toSorted()).toEqual(
        [late.windowId, changing.windowId].toSorted(),
      );
    });

    it("leave no window waiting because its end was told", async () => {
      const window = aWindow({ closesAt: end, latestEnd: end });
      const revision = await gates.change(firewall, { addWindows: [window] });
      await settled(firewall, { revision });

      const closesAt = "2026-03-01T11:30:00.000Z";
      await gates.change(firewall, { endWindows: [{ windowId: window.windowId, closesAt }] });

      expect(await otherProcess.read(firewall)).not.toHaveProperty("waiting");
    });

    describe("that were never measured, or were", () => {
      const group = `${groupId}/providers/Microsoft.Network/networkSecurityGroups/Web`;
      const policyGroup = `${groupId}/providers/Microsoft.Network/firewallPolicies/Hub/ruleCollectionGroups/JitAccess-37a8ee`;

      it.each([
        { gate: "network security group", gateId: group, times: [] },
        { gate: "firewall", gateId: firewall, times: [] },
        { gate: "firewall, measured", gateId: firewall, times: [60_000, 90_000, 30_000] },
        { gate: "firewall policy, measured", gateId: policyGroup, times: [600_000] },
        {
          gate: "firewall whose slowest update is forgotten",
          gateId: firewall,
          times: [900_000, 1_000, 1_000, 1_000, 1_000, 1_000],
        },
      ])(
        "tell when a window has to be taken off, and it is not owed before its end: $gate",
        async ({ gateId, times }) => {
          const window = aWindow({ closesAt: end });
          const before = await gates.change(gateId, { addWindows: [window] });
          await measured(gateId, ...times);
          await settled(gateId, { revision: before });
          const lead = leadOf({ gateId, updateTimes: times.slice(-5) });
          const at = (ms: number) => new Date(Date.parse(end) + ms);

          const early = await otherProcess.unsettled(at(-lead - 1));
          const due = await otherProcess.unsettled(at(-lead));
          const [inTime, owed] = [await gates.overdue(at(-1)), await gates.overdue(at(0))];

          expect([early, due]).toEqual([[], [gateId]]);
          expect([inTime, owed]).toEqual([[], [{ gateId, closesAt: end }]]);
        },
      );

      it("tell it also of a window that is wanted only afterwards, and of an end that is told then", async () => {
        await gates.change(firewall, { denies: deniesOf(aDeny()) });
        await measured(firewall, 60_000);
        const lead = leadOf({ gateId: firewall, updateTimes: [60_000] });
        const told = "2026-03-01T11:30:00.000Z";
        const window = aWindow({ closesAt: end, latestEnd: end });
        const revision = await otherProcess.change(firewall, { addWindows: [window] });
        await settled(firewall, { revision });
        const earlier = (iso: string, ms: number) => new Date(Date.parse(iso) - ms);

        const early = await gates.unsettled(earlier(told, lead));
        const due = await gates.unsettled(earlier(end, lead));
        await gates.change(firewall, {
          endWindows: [{ windowId: window.windowId, closesAt: told }],
        });

        expect([early, due]).toEqual([[], [firewall]]);
        expect(await otherProcess.unsettled(earlier(told, lead + 1))).toEqual([]);
        expect(await otherProcess.unsettled(earlier(told, lead))).toEqual([firewall]);
      });
    });

    it("that were begun leave something to do until somebody has settled, whatever is wanted", async () => {
      const long = new Date(0);
      const revision = await gates.change(firewall, { denies: deniesOf(aDeny()) });
      await settled(firewall, { revision });
      await gates.takeLease(firewall, "ann", undefined);
      await gates.beat(firewall, "ann");
      const before = await otherProcess.unsettled(long);
      await gates.beat(firewall, "ann", aWriting);
      await gates.begin(firewall, "ann", operation);
      await gates.release(firewall, "ann");
      const underWay = await otherProcess.unsettled(long);
      await settled(firewall, { revision });

      expect([before, underWay]).toEqual([[], [firewall]]);
      expect(await otherProcess.unsettled(long)).toEqual([]);
    });

    it("are forgotten with the firewall", async () => {
      await gates.change(firewall, { denies: deniesOf(aDeny()) });
      const revision = await gates.change(firewall, {
        denies: { policyId: aDeny().policyId, rows: [] },
      });
      await gates.takeLease(firewall, "ann", undefined);
      await gates.touches(firewall, "ann", touched);
      await gates.begin(firewall, "ann", operation);
      await gates.end(firewall, "ann", 240_000);
      await gates.complete(firewall, "ann", settlement({ revision }));

      expect(await gates.forget(firewall)).toBe(true);

      expect(await otherProcess.known()).toEqual([]);
      expect(await otherProcess.read(firewall)).toEqual({
        gateId: firewall,
        intent: { denies: [], windows: [] },
        desiredRevision: 0,
        appliedRevision: 0,
        results: {},
        findings: [],
      });
    });
  });
}
