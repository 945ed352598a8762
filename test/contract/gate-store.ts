import { beforeEach, describe, expect, it } from "@jest/globals";
import type { GateRecord, GateStore } from "../../src/ports.ts";
import type { DesiredDeny } from "../../src/rules/intent.ts";
import { aDeny, aWindow, gateId, policyId, vmId } from "../support/stored-samples.ts";

/** Two processes at work on the same storage. */
export interface Pair<T> {
  readonly one: T;
  readonly other: T;
}

/** What every store of gates promises to those who want something of them. */
export function gateStoreContract(open: () => Pair<GateStore>): void {
  describe("the store of gates", () => {
    let gates: GateStore;
    let otherProcess: GateStore;

    beforeEach(() => {
      ({ one: gates, other: otherProcess } = open());
    });

    describe("wanting something of a gate", () => {
      it("begins with nothing wanted, at revision 0", async () => {
        const record = await gates.read(gateId);

        expect(record).toEqual({
          gateId,
          intent: { denies: [], windows: [] },
          desiredRevision: 0,
          appliedRevision: 0,
          results: {},
          findings: [],
        });
      });

      it("keeps what is wanted and counts the revisions up", async () => {
        const deny = aDeny();
        const window = aWindow();

        const first = await gates.change(gateId, { denies: deniesOf(deny) });
        const second = await gates.change(gateId, { addWindows: [window] });

        expect([first, second]).toEqual([1, 2]);
        expect(await otherProcess.read(gateId)).toMatchObject({
          intent: { denies: [deny], windows: [window] },
          desiredRevision: 2,
          appliedRevision: 0,
        });
      });

      it("knows a gate whatever the case of its id, and tells the id as it was first written", async () => {
        await gates.change(gateId, { addWindows: [aWindow()] });

        const record = await otherProcess.read(gateId.toUpperCase());

        expect(record.gateId).toBe(gateId);
        expect(record.intent.windows).toHaveLength(1);
      });

      it("keeps gates apart", async () => {
        await gates.change(gateId, { addWindows: [aWindow()] });

        expect((await gates.read(`${gateId}-2`)).desiredRevision).toBe(0);
      });

      it("replaces all deny rules of one policy, whatever the case of its id, and none of another", async () => {
        const another = aDeny({ policyId: policyId("other"), vmId: vmId("db1") });
        await gates.change(gateId, { denies: deniesOf(aDeny(), aDeny({ vmId: vmId("web2") })) });
        await gates.change(gateId, { denies: deniesOf(another) });

        const wider = aDeny({ policyId: policyId("default").toUpperCase(), ports: [22] });
        await gates.change(gateId, { denies: deniesOf(wider) });

        const { intent } = await gates.read(gateId);
        expect(byVm(intent.denies)).toEqual(byVm([another, wider]));
      });

      it("takes a policy's deny rules away when it wants none any more", async () => {
        await gates.change(gateId, { denies: deniesOf(aDeny()) });

        await gates.change(gateId, { denies: { policyId: policyId("default"), rows: [] } });

        expect((await gates.read(gateId)).intent.denies).toEqual([]);
      });

      it("removes windows by id or by policy, and adds after it has removed", async () => {
        const [staying, ended, again] = [
          aWindow({ policyId: policyId("other") }),
          aWindow({ policyId: policyId("other") }),
          aWindow(),
        ];
        await gates.change(gateId, { addWindows: [staying, ended, again, aWindow()] });

        await gates.change(gateId, {
          removeWindows: [ended.windowId, "unknown"],
          removeWindowsOfPolicy: policyId("Default"),
          addWindows: [again],
        });

        expect(idsOf(await gates.read(gateId))).toEqual([staying.windowId, again.windowId].sort());
      });

      it("answers the present revision to a change without effect", async () => {
        const window = aWindow();
        await gates.change(gateId, { denies: deniesOf(aDeny()), addWindows: [window] });

        const repeated = [
          await gates.change(gateId, { denies: deniesOf(aDeny()), addWindows: [window] }),
          await gates.change(gateId, { removeWindows: ["unknown"] }),
          await gates.change(gateId, { denies: { policyId: policyId("other"), rows: [] } }),
          await gates.change(gateId, {}),
        ];

        expect(repeated).toEqual([1, 1, 1, 1]);
        expect((await gates.read(gateId)).desiredRevision).toBe(1);
      });

      it("loses none of 50 changes that come at once from two processes", async () => {
        const windows = Array.from({ length: 50 }, () => aWindow());

        const revisions = await Promise.all(
          windows.map((window, index) =>
            (index % 2 === 0 ? gates : otherProcess).change(gateId, { addWindows: [window] }),
          ),
        );

        const record = await gates.read(gateId);
        expect(idsOf(record)).toEqual(windows.map((window) => window.windowId).sort());
        expect(Math.max(...revisions)).toBe(record.desiredRevision);
      });

      it("takes more rows at once than one transaction holds", async () => {
        const windows = Array.from({ length: 230 }, () => aWindow());
        const rows = Array.from({ length: 120 }, (_, index) => aDeny({ vmId: vmId(`vm${index}`) }));

        const revision = await gates.change(gateId, { addWindows: windows });
        await gates.change(gateId, { denies: { policyId: policyId("default"), rows } });
        const emptied = await gates.change(gateId, {
          removeWindows: windows.map((window) => window.windowId),
          denies: { policyId: policyId("default"), rows: rows.slice(0, 1) },
        });

        const { intent, desiredRevision } = await otherProcess.read(gateId);
        expect(intent).toEqual({ denies: rows.slice(0, 1), windows: [] });
        expect(emptied).toBe(desiredRevision);
        expect(revision).toBeLessThan(emptied);
      });

      it("refuses a window without a proper end, and the changes beside it go on", async () => {
        const good = aWindow();

        const [bad, done] = await Promise.allSettled([
          gates.change(gateId, { addWindows: [aWindow({ closesAt: "tomorrow" })] }),
          gates.change(gateId, { addWindows: [good] }),
        ]);

        expect([bad.status, done.status]).toEqual(["rejected", "fulfilled"]);
        expect(idsOf(await gates.read(gateId))).toEqual([good.windowId]);
      });
    });
  });
}

/** Deny rows as a change of their policy. */
export function deniesOf(...rows: readonly [DesiredDeny, ...DesiredDeny[]]) {
  return { policyId: rows[0].policyId, rows };
}

/** The ids of the windows that are wanted. */
export function idsOf(record: GateRecord): readonly string[] {
  return record.intent.windows.map((window) => window.windowId).sort();
}

function byVm(denies: readonly DesiredDeny[]): readonly DesiredDeny[] {
  return [...denies].sort((one, other) => (one.vmId < other.vmId ? -1 : 1));
}
