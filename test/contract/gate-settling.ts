import { beforeEach, describe, expect, it } from "@jest/globals";
import type { GateRecord, GateStore, Settlement } from "../../src/ports.ts";
import { aDeny, aWindow, aWriting, gateId, vmId } from "../support/stored-samples.ts";
import { deniesOf, idsOf, type Pair } from "./gate-store.ts";

/** What every store of gates promises to those who settle them. */
export function gateSettlingContract(open: () => Pair<GateStore>): void {
  describe("the store of gates", () => {
    let gates: GateStore;
    let otherProcess: GateStore;

    beforeEach(() => {
      ({ one: gates, other: otherProcess } = open());
    });

    describe("the lease", () => {
      it("goes to one of many who ask at once", async () => {
        await gates.change(gateId, { addWindows: [aWindow()] });

        const taken = await Promise.all(
          Array.from({ length: 8 }, (_, index) =>
            (index % 2 === 0 ? gates : otherProcess).takeLease(
              gateId,
              `holder-${index}`,
              undefined,
            ),
          ),
        );

        const winners = taken.filter((record) => record !== undefined);
        expect(winners).toHaveLength(1);
        expect(winners[0]?.intent.windows).toHaveLength(1);
        expect(withoutAge(await gates.read(gateId)).lease).toEqual(winners[0]?.lease);
      });

      it("can be had of a gate of which nobody wanted anything yet", async () => {
        const taken = await gates.takeLease(gateId, "ann", undefined);

        expect(taken).toMatchObject({ desiredRevision: 0, lease: { holder: "ann" } });
      });

      it("may be asked for again by the one who has it", async () => {
        const first = await gates.takeLease(gateId, "ann", undefined);

        expect(await gates.takeLease(gateId, "ann", undefined)).toEqual(first);
      });

      it("is taken over only from one who shows no sign of life", async () => {
        const seen = (await gates.takeLease(gateId, "ann", undefined))?.lease;
        await gates.beat(gateId, "ann");

        const tooEarly = await otherProcess.takeLease(gateId, "bob", seen);
        const stalled = (await otherProcess.read(gateId)).lease;
        const takenOver = await otherProcess.takeLease(gateId, "bob", stalled);

        expect(tooEarly).toBeUndefined();
        expect(takenOver?.lease?.holder).toBe("bob");
      });

      it("never looks the same twice, so that a lease seen long ago cannot be taken over by mistake", async () => {
        const seen = (await gates.takeLease(gateId, "ann", undefined))?.lease;
        await gates.release(gateId, "ann");
        await gates.takeLease(gateId, "ann", undefined);

        expect(await otherProcess.takeLease(gateId, "bob", seen)).toBeUndefined();
      });

      it("is of no use to one who lost it: nothing can be recorded under it", async () => {
        await gates.change(gateId, { addWindows: [aWindow()] });
        const lost = await gates.takeLease(gateId, "ann", undefined);
        const kept = await otherProcess.takeLease(gateId, "bob", lost?.lease);

        const beat = await gates.beat(gateId, "ann");
        const completed = await gates.complete(gateId, "ann", aSettlement({ revision: 1 }));
        await gates.release(gateId, "ann");

        expect([beat, completed]).toEqual([false, false]);
        expect(withoutAge(await gates.read(gateId))).toEqual(kept);
      });

      it("given back without a settlement is free, and nothing counts as applied", async () => {
        await gates.change(gateId, { addWindows: [aWindow()] });
        await gates.takeLease(gateId, "ann", undefined);

        await gates.release(gateId, "ann");

        const record = await gates.read(gateId);
        expect(record.lease).toBeUndefined();
        expect(record.appliedRevision).toBe(0);
        expect(await otherProcess.takeLease(gateId, "bob", undefined)).toBeDefined();
      });

      it("or not, a gate that is touched has to be proven again", async () => {
        await gates.change(gateId, { addWindows: [aWindow()] });
        await gates.takeLease(gateId, "ann", undefined);
        await gates.complete(gateId, "ann", aSettlement({ revision: 1 }));

        const revision = await gates.touch(gateId);

        expect(revision).toBe(2);
        expect(await gates.read(gateId)).toMatchObject({ desiredRevision: 2, appliedRevision: 1 });
        expect(await gates.unsettled(new Date(0))).toEqual([gateId]);
        expect((await gates.known()).map((record) => record.gateId)).toEqual([gateId]);
      });

      it("of a gate nobody knows cannot be held", async () => {
        await gates.release(gateId, "ann");

        expect(await gates.beat(gateId, "ann")).toBe(false);
        expect(await gates.complete(gateId, "ann", aSettlement({ revision: 1 }))).toBe(false);
      });

      it("tells whether it was still there when it is given back", async () => {
        const lost = await gates.takeLease(gateId, "ann", undefined);
        await otherProcess.takeLease(gateId, "bob", lost?.lease);

        expect(await gates.release(gateId, "ann")).toBe(false);
        expect(await otherProcess.release(gateId, "bob")).toBe(true);
      });

      it("does not keep others from wanting more", async () => {
        await gates.takeLease(gateId, "ann", undefined);

        await otherProcess.change(gateId, { addWindows: [aWindow()] });

        expect(await gates.beat(gateId, "ann")).toBe(true);
        expect((await gates.read(gateId)).desiredRevision).toBe(1);
      });
    });

    describe("a settlement", () => {
      it("records results and findings, drops expired windows, and gives the lease back", async () => {
        const [open, failed, over] = [aWindow(), aWindow(), aWindow()];
        const revision = await gates.change(gateId, { addWindows: [open, failed, over] });
        await gates.takeLease(gateId, "ann", undefined);
        const results: Settlement["results"] = {
          [open.windowId]: { state: "open", rules: ["JitAccess-1"] },
          [failed.windowId]: {
            state: "failed",
            reasons: [{ code: "GateFull", message: "No place is left." }],
          },
        };
        const findings = [
          { code: "GateFull", message: "No place is left for a deny rule." },
        ] as const;

        const done = await gates.complete(gateId, "ann", {
          revision,
          results,
          findings,
          expired: [over.windowId],
          proven: [{ name: "JitAccess-1", print: "a1" }],
        });

        const record = await otherProcess.read(gateId);
        expect(record.proven).toEqual([{ name: "JitAccess-1", print: "a1" }]);
        expect(done).toBe(true);
        expect(record).toMatchObject({
          appliedRevision: revision,
          desiredRevision: revision,
          results,
          findings,
        });
        expect(record.lease).toBeUndefined();
        expect(idsOf(record)).toEqual([open.windowId, failed.windowId].sort());
      });

      it("keeps what proves it and what it found to keep ports open, until the next one", async () => {
        const proof = { readAt: "2026-03-01T11:00:00.000Z", etag: 'W/"7"' };
        const code = "ExposedByCustomerRule";
        const exposed = [
          { code, message: "A rule stands before ours.", vmId: vmId("web-1") },
        ] as const;
        await gates.takeLease(gateId, "ann", undefined);
        await gates.complete(gateId, "ann", aSettlement({ revision: 0, proof, exposed }));
        const first = await otherProcess.read(gateId);
        await gates.takeLease(gateId, "bob", undefined);
        const kept = await otherProcess.read(gateId);
        const gone = { readAt: "2026-03-01T12:00:00.000Z" };
        await gates.complete(gateId, "bob", aSettlement({ revision: 0, proof: gone }));
        const last = await otherProcess.read(gateId);

        expect([first, kept, last].map((record) => record.proof)).toEqual([proof, proof, gone]);
        expect([first, kept, last].map((record) => record.exposed)).toEqual([
          exposed,
          exposed,
          undefined,
        ]);
      });

      it("replaces the findings of the one before", async () => {
        await gates.takeLease(gateId, "ann", undefined);
        const findings = [{ code: "GateFull", message: "No place is left." }] as const;
        await gates.complete(gateId, "ann", aSettlement({ revision: 0, findings }));
        await gates.takeLease(gateId, "bob", undefined);

        await gates.complete(gateId, "bob", aSettlement({ revision: 0 }));

        expect((await gates.read(gateId)).findings).toEqual([]);
      });

      it("leaves open what was wanted after the settler had read", async () => {
        const [old, late] = [aWindow(), aWindow()];
        await gates.change(gateId, { addWindows: [old] });
        const taken = await gates.takeLease(gateId, "ann", undefined);
        await otherProcess.change(gateId, { addWindows: [late] });

        await gates.complete(
          gateId,
          "ann",
          aSettlement({
            revision: taken?.desiredRevision ?? 0,
            results: { [old.windowId]: { state: "open", rules: [] } },
          }),
        );

        const record = await gates.read(gateId);
        expect(record).toMatchObject({ appliedRevision: 1, desiredRevision: 2 });
        expect(Object.keys(record.results)).toEqual([old.windowId]);
        expect(idsOf(record)).toEqual([old.windowId, late.windowId].sort());
      });

      it("does not drop a window that was extended after the settler had found it over", async () => {
        const over = aWindow({ closesAt: "2026-03-01T12:00:00Z" });
        const extended = { ...over, closesAt: "2026-03-01T18:00:00Z" };
        await gates.change(gateId, { addWindows: [over] });
        const taken = await gates.takeLease(gateId, "ann", undefined);
        await otherProcess.change(gateId, { addWindows: [extended] });

        await gates.complete(
          gateId,
          "ann",
          aSettlement({ revision: taken?.desiredRevision ?? 0, expired: [over.windowId] }),
        );

        const record = await gates.read(gateId);
        expect(record.intent.windows).toEqual([extended]);
        expect(record.appliedRevision).toBeLessThan(record.desiredRevision);
      });

      it("speaks no more of windows that are not wanted any more", async () => {
        const window = aWindow();
        await gates.change(gateId, { addWindows: [window] });
        await gates.takeLease(gateId, "ann", undefined);
        await otherProcess.change(gateId, { removeWindows: [window.windowId] });

        const results = { [window.windowId]: { state: "open", rules: [] } } as const;
        await gates.complete(gateId, "ann", aSettlement({ revision: 1, results }));

        expect((await gates.read(gateId)).results).toEqual({});
      });

      it("keeps the result of a window that changes afterwards", async () => {
        const window = aWindow();
        await gates.change(gateId, { addWindows: [window] });
        await gates.takeLease(gateId, "ann", undefined);
        const results = { [window.windowId]: { state: "open", rules: ["JitAccess-1"] } } as const;
        await gates.complete(gateId, "ann", aSettlement({ revision: 1, results }));

        await gates.change(gateId, {
          addWindows: [{ ...window, closesAt: "2026-03-01T18:00:00Z" }],
        });

        expect((await gates.read(gateId)).results).toEqual(results);
      });

      it("never takes the applied revision back", async () => {
        await gates.change(gateId, { addWindows: [aWindow()] });
        await gates.change(gateId, { addWindows: [aWindow()] });
        await gates.takeLease(gateId, "ann", undefined);
        await gates.complete(gateId, "ann", aSettlement({ revision: 2 }));
        await gates.takeLease(gateId, "bob", undefined);

        await gates.complete(gateId, "bob", aSettlement({ revision: 1 }));

        expect((await gates.read(gateId)).appliedRevision).toBe(2);
      });

      it("may be reported twice, until somebody else has the lease", async () => {
        await gates.change(gateId, { addWindows: [aWindow()] });
        await gates.takeLease(gateId, "ann", undefined);
        const settlement = aSettlement({ revision: 1 });

        const first = await gates.complete(gateId, "ann", settlement);
        const again = await gates.complete(gateId, "ann", settlement);
        await otherProcess.takeLease(gateId, "bob", undefined);
        const late = await gates.complete(gateId, "ann", settlement);

        expect([first, again, late]).toEqual([true, true, false]);
      });

      it("records more results than one transaction holds", async () => {
        const windows = Array.from({ length: 150 }, () => aWindow());
        const over = Array.from({ length: 60 }, () => aWindow());
        const revision = await gates.change(gateId, { addWindows: [...windows, ...over] });
        await gates.takeLease(gateId, "ann", undefined);

        const done = await gates.complete(gateId, "ann", {
          revision,
          results: Object.fromEntries(
            windows.map(({ windowId }) => [windowId, { state: "open", rules: ["JitAccess-1"] }]),
          ),
          findings: [],
          proven: [],
          expired: over.map((window) => window.windowId),
        });

        const record = await gates.read(gateId);
        expect(done).toBe(true);
        expect(record.appliedRevision).toBe(revision);
        expect(Object.keys(record.results)).toHaveLength(150);
        expect(record.intent.windows).toHaveLength(150);
      });
    });

    describe("a write", () => {
      it("that nobody has settled since is known as interrupted, whoever comes next", async () => {
        await gates.change(gateId, { addWindows: [aWindow()] });
        await gates.takeLease(gateId, "ann", undefined);

        await gates.beat(gateId, "ann");
        const before = (await gates.read(gateId)).isInterrupted;
        await gates.beat(gateId, "ann", aWriting);
        await gates.beat(gateId, "ann");
        await gates.release(gateId, "ann");
        const taken = await otherProcess.takeLease(gateId, "bob", undefined);
        await otherProcess.complete(gateId, "bob", aSettlement({ revision: 1 }));
        const after = (await gates.read(gateId)).isInterrupted;

        expect([before, taken?.isInterrupted, after]).toEqual([undefined, true, undefined]);
      });

      it("is remembered with what it was to change until a settlement, and the next one takes its place", async () => {
        const next = { id: "ann-2", vms: [{ rules: [{ name: "JitAccess-3", after: "c3" }] }] };
        await gates.change(gateId, { addWindows: [aWindow()] });
        await gates.takeLease(gateId, "ann", undefined);

        await gates.beat(gateId, "ann", aWriting);
        await gates.beat(gateId, "ann");
        await gates.release(gateId, "ann");
        const left = await otherProcess.takeLease(gateId, "bob", undefined);
        await otherProcess.beat(gateId, "bob", next);
        const over = await gates.read(gateId);
        await otherProcess.complete(gateId, "bob", aSettlement({ revision: 1 }));
        const settled = await gates.read(gateId);

        expect([left?.writing, over.writing, settled.writing]).toEqual([aWriting, next, undefined]);
      });

      it("of one who has lost the lease is not remembered", async () => {
        const lost = await gates.takeLease(gateId, "ann", undefined);
        await otherProcess.takeLease(gateId, "bob", lost?.lease);

        expect(await gates.beat(gateId, "ann", aWriting)).toBe(false);
        expect((await gates.read(gateId)).writing).toBeUndefined();
      });

      it("may be about as many rules as a group has", async () => {
        const rules = Array.from({ length: 1_000 }, (_, index) => ({
          name: `JitAccess-0a1b2c-Deny-${String(index).padStart(16, "0")}-v4`,
          after: String(index).padStart(16, "0"),
        }));
        const large = {
          id: "ann-1",
          vms: rules.map((rule) => ({ vmId: vmId(rule.name), rules: [rule] })),
        };
        await gates.takeLease(gateId, "ann", undefined);

        await gates.beat(gateId, "ann", large);

        expect((await otherProcess.read(gateId)).writing).toEqual(large);
      });
    });

    describe("letting a gate go", () => {
      it("forgets one of which nothing is wanted any more", async () => {
        const window = aWindow();
        await gates.change(gateId, { addWindows: [window] });
        await gates.change(gateId, { removeWindows: [window.windowId] });
        await gates.takeLease(gateId, "ann", undefined);
        await gates.complete(gateId, "ann", aSettlement({ revision: 2 }));

        expect(await gates.forget(gateId)).toBe(true);
        expect(await otherProcess.known()).toEqual([]);
        expect((await otherProcess.read(gateId)).desiredRevision).toBe(0);
        expect(await gates.forget(gateId)).toBe(true);
      });

      it("keeps one that is wanted, lags behind, or is being written", async () => {
        const [wanted, behind, leased] = [gateId, `${gateId}-behind`, `${gateId}-leased`];
        await gates.change(wanted, { denies: deniesOf(aDeny()) });
        await gates.takeLease(wanted, "ann", undefined);
        await gates.complete(wanted, "ann", aSettlement({ revision: 1 }));
        await gates.touch(behind);
        await gates.takeLease(leased, "ann", undefined);

        const gone = await Promise.all([wanted, behind, leased].map(gates.forget));

        expect(gone).toEqual([false, false, false]);
        expect(await otherProcess.known()).toHaveLength(3);
      });
    });

    describe("rules another product left behind", () => {
      it("are told with the intent until a settlement has seen them", async () => {
        const [first, second] = [
          { name: "left-1", print: "said this" },
          { name: "left-2", print: "said that" },
        ];
        await gates.change(gateId, { addLeftovers: [first] });
        const revision = await gates.change(gateId, { addLeftovers: [first, second] });
        const again = await gates.change(gateId, { addLeftovers: [second] });

        const record = await otherProcess.takeLease(gateId, "ann", undefined);
        await gates.complete(gateId, "ann", aSettlement({ revision: revision - 1 }));
        const early = (await gates.read(gateId)).intent.leftovers;
        await gates.takeLease(gateId, "ann", undefined);
        await gates.complete(gateId, "ann", aSettlement({ revision }));

        expect(again).toBe(revision);
        expect(record?.intent.leftovers).toEqual([first, second]);
        expect(early).toEqual([first, second]);
        expect((await otherProcess.read(gateId)).intent).not.toHaveProperty("leftovers");
      });
    });

    describe("a closing that is owed", () => {
      const [end, later] = ["2026-03-01T12:00:00.000Z", new Date("2026-03-01T12:00:30Z")];

      it("is told from the end of the window on, wanted or taken away, until it is proven", async () => {
        const window = aWindow({ closesAt: end });
        const first = await gates.change(gateId, { addWindows: [window] });
        await gates.takeLease(gateId, "ann", undefined);
        await gates.complete(gateId, "ann", aSettlement({ revision: first }));

        const early = await gates.overdue(new Date(Date.parse(end) - 1));
        const wanted = await gates.overdue(later);
        const revision = await gates.change(gateId, { removeWindows: [window.windowId] });
        const takenAway = await otherProcess.overdue(later);
        await gates.takeLease(gateId, "ann", undefined);
        await gates.complete(gateId, "ann", aSettlement({ revision }));

        expect(early).toEqual([]);
        expect(wanted).toEqual([{ gateId, closesAt: end }]);
        expect(takenAway).toEqual([{ gateId, closesAt: end }]);
        expect(await gates.overdue(later)).toEqual([]);
      });

      it("is not paid by a settlement that had not seen that the window was taken away", async () => {
        const window = aWindow({ closesAt: end });
        const first = await gates.change(gateId, { addWindows: [window] });
        await gates.takeLease(gateId, "ann", undefined);
        await otherProcess.change(gateId, { removeWindows: [window.windowId] });

        await gates.complete(gateId, "ann", aSettlement({ revision: first }));

        expect(await gates.overdue(later)).toEqual([{ gateId, closesAt: end }]);
      });
    });

    describe("what is left to do", () => {
      const noon = new Date("2026-03-01T12:00:00Z");

      it("is every gate that lags behind, and none that is settled", async () => {
        const settledGate = `${gateId}-settled`;
        await gates.change(gateId, { denies: deniesOf(aDeny()) });
        await gates.change(settledGate, { denies: deniesOf(aDeny()) });
        await gates.takeLease(settledGate, "ann", undefined);
        await gates.complete(settledGate, "ann", aSettlement({ revision: 1 }));
        await gates.takeLease(`${gateId}-unknown`, "ann", undefined);

        expect(await otherProcess.unsettled(noon)).toEqual([gateId]);
      });

      it("is a settled gate again as soon as one of its windows is over", async () => {
        const [first, second] = [
          aWindow({ closesAt: "2026-03-01T12:00:00Z" }),
          aWindow({ closesAt: "2026-03-01T13:00:00.000Z" }),
        ];
        const revision = await gates.change(gateId, { addWindows: [first, second] });
        await gates.takeLease(gateId, "ann", undefined);
        await gates.complete(gateId, "ann", aSettlement({ revision }));

        const before = await gates.unsettled(new Date("2026-03-01T11:59:59.999Z"));
        const at = await gates.unsettled(noon);
        await gates.takeLease(gateId, "ann", undefined);
        await gates.complete(gateId, "ann", aSettlement({ revision, expired: [first.windowId] }));
        const after = await gates.unsettled(noon);
        const atTheNext = await gates.unsettled(new Date("2026-03-01T13:00:00Z"));

        expect([before, at, after, atTheNext]).toEqual([[], [gateId], [], [gateId]]);
      });

      it("is a settled gate of which a write was begun, until it is settled again", async () => {
        await gates.change(gateId, { denies: deniesOf(aDeny()) });
        await gates.takeLease(gateId, "ann", undefined);
        await gates.complete(gateId, "ann", aSettlement({ revision: 1 }));
        await gates.takeLease(gateId, "ann", undefined);
        await gates.beat(gateId, "ann", aWriting);
        await gates.release(gateId, "ann");

        const begun = await otherProcess.unsettled(noon);
        await gates.takeLease(gateId, "ann", undefined);
        await gates.complete(gateId, "ann", aSettlement({ revision: 1 }));

        expect([begun, await otherProcess.unsettled(noon)]).toEqual([[gateId], []]);
      });
    });
  });
}

/** The record without the age of its lease, which passes while one looks, and which not every store can tell. */
function withoutAge({ lease, ...record }: GateRecord): GateRecord {
  return lease === undefined
    ? record
    : { ...record, lease: { holder: lease.holder, beat: lease.beat } };
}

function aSettlement(fields: Partial<Settlement>): Settlement {
  return { revision: 1, results: {}, findings: [], expired: [], proven: [], ...fields };
}
