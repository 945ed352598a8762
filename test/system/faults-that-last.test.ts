import { beforeAll, describe, expect, it } from "@jest/globals";
import { RunningSystem } from "../support/running-system.ts";
import { lastingCases } from "./support/fault-cases.ts";
import { type CaseEnd, FaultRun, systemFor } from "./support/fault-run.ts";
import { until } from "./user.ts";

/** Windows whose closing meets a fault that does not end by itself, side by side on the real system. */
const cases = lastingCases();
const windowSeconds = 10;
/** What still waits for its next try when the fault ends is taken up by the sweep, a minute later at most. */
const soonMs = 75_000;

describe("closing while Azure does not let it", () => {
  let sick: { readonly status: string; readonly oldestOverdueSeconds: number };
  let cured: typeof sick;
  let told: ReadonlyMap<string, readonly string[]>;
  let ends: ReadonlyMap<string, CaseEnd>;
  let clearedAt: number;

  beforeAll(async () => {
    const system = await RunningSystem.start(systemFor(cases));
    try {
      const run = await FaultRun.prepare(system, cases);
      await run.ask(windowSeconds);
      await run.follow((followed) => followed.wasOpen && Date.now() > followed.closesAt, 60_000);
      sick = await until(
        () => run.watch.health(),
        ({ status, oldestOverdueSeconds }) => status === "degraded" && oldestOverdueSeconds > 35,
        90_000,
      );
      await run.look();
      told = new Map(run.seen.map(({ case: { vm }, statuses }) => [vm, statuses]));
      const struck = await run.struck();
      await run.watch.clearFaults();
      clearedAt = Date.now();
      await run.follow((followed) => followed.isOver, soonMs);
      ends = await run.ends(struck);
      // Health is told anew every few seconds.
      cured = await until(
        () => run.watch.health(),
        ({ status }) => status === "ready",
        15_000,
      );
    } finally {
      await system.stop();
    }
  }, 300_000);

  it("is seen in the health of the service, with the seconds since the end, until it is done", () => {
    expect(sick.oldestOverdueSeconds).toBeGreaterThan(35);
    expect(cured).toMatchObject({ status: "ready", oldestOverdueSeconds: 0 });
  });

  it.each(cases)(
    "is audited as overdue, never told as done, and done soon after: $name",
    ({ vm }) => {
      const { followed, facts, struck } = ends.get(vm) as CaseEnd;
      const closing = facts.filter(({ operation }) => operation === "access.close");
      const outcomes = [...new Set(closing.map(({ outcome }) => outcome))];

      expect(struck).toBeGreaterThan(0);
      expect([told.get(vm), followed.lies]).toEqual([["Initiated"], []]);
      expect(outcomes).toEqual(["asked", "failed", "done"]);
      expect(closing.filter((fact) => fact.outcome === "failed" && !fact.reasons?.length)).toEqual(
        [],
      );
      expect([followed.isOver, followed.isRestored]).toEqual([true, true]);
      expect((followed.overAt ?? 0) - clearedAt).toBeLessThan(soonMs);
    },
  );
});
