import { beforeAll, describe, expect, it } from "@jest/globals";
import { namesOf } from "../support/generated-estate.ts";
import { RunningSystem } from "../support/running-system.ts";
import { everyCase, type FaultCase, plainCases, someCases } from "./support/fault-cases.ts";
import { type CaseEnd, FaultRun, systemFor } from "./support/fault-run.ts";
import type { ToldFact } from "./support/fault-watch.ts";
import { callsIn, lifeOf } from "./support/life-calls.ts";

/**
 * Every call to Azure Resource Manager in the life of one request meets every kind of fault, once and five times, on the
 * real system. By default one kind for each call; FAULT_CASES=all tries every one, in systems of so many at once.
 */
const isComplete = process.env["FAULT_CASES"] === "all";
const cases = isComplete ? everyCase() : someCases();
const sideBySide = 64;
const windowSeconds = isComplete ? 30 : 15;
/** Whatever is left behind is taken up by the next sweep, a minute later at most. */
const latestMs = 75_000;

const batches = Array.from({ length: Math.ceil(cases.length / sideBySide) }, (_, index) =>
  cases.slice(index * sideBySide, (index + 1) * sideBySide),
);

describe.each(batches.map((batch, index) => ({ batch, part: index + 1 })))(
  "a request with a fault on one of its calls (part $part)",
  ({ batch }) => {
    let calls: readonly (readonly string[])[];
    let ends: ReadonlyMap<string, CaseEnd>;
    let health: string;

    beforeAll(async () => {
      const system = await RunningSystem.start(systemFor([...plainCases, ...batch]));
      try {
        const run = await FaultRun.prepare(system, [...plainCases, ...batch]);
        await run.ask(windowSeconds);
        await run.follow(
          (followed) => followed.isOver || neverEnds(followed.case),
          windowSeconds * 1_000 + 120_000,
        );
        const struck = await run.struck();
        await run.watch.clearFaults();
        await run.follow((followed) => followed.isOver, 30_000);
        ends = await run.ends(struck);
        health = (await run.watch.health()).status;
        const log = await run.watch.armCalls();
        calls = plainCases.map(({ vm }) => callsIn(log, namesOf(vm), vm));
      } finally {
        await system.stop();
      }
    }, 300_000);

    it("makes no other calls than those on which faults are tried", () => {
      const tried = plainCases.map(({ shape }) =>
        lifeOf(shape)
          .map(({ method, target }) => `${method} ${target}`)
          .toSorted(),
      );
      // The sweep may look at a group once more; every other call is there exactly as often as it is tried.
      const isLook = (call: string) => /^GET the (?:interface|subnet)'s group$/.test(call);
      const others = (list: readonly string[]) => list.filter((call) => !isLook(call));
      const looks = (list: readonly string[]) => list.length - others(list).length;
      expect(calls.map(others)).toEqual(tried.map(others));
      calls.forEach((list, index) => {
        expect(looks(list)).toBeGreaterThanOrEqual(looks(tried[index] ?? []));
        expect([...new Set(list)]).toEqual([...new Set(tried[index])]);
      });
    });

    it.each([...plainCases, ...batch])("ends closed, and tells the truth: $name", (one) => {
      const { followed, facts, struck } = ends.get(one.vm) as CaseEnd;

      expect(followed.lies).toEqual([]);
      expect([followed.statuses, followed.isOver, followed.isRestored]).toEqual([
        ["Revoked"],
        true,
        true,
      ]);
      expect(["Expired", "Failed"]).toContain(followed.reasons.join());
      expect(story(facts)).toEqual(storyOf(followed.reasons.join()));
      expect(facts.filter((fact) => fact.outcome === "failed" && !fact.reasons?.length)).toEqual(
        [],
      );
      expect(neverEnds(one) || followed.overdueMs < latestMs).toBe(true);
      expect(struck > 0).toBe(one.fault !== undefined);
    });

    it("leaves the service ready", () => {
      expect(health).toBe("ready");
    });
  },
);

/** Such a fault lasts until it is cleared. */
const neverEnds = ({ fault }: FaultCase): boolean => fault?.kind === "operation-never-ends";

/** What happened in which order, without the tries that failed to close. */
function story(facts: readonly ToldFact[]): readonly string[] {
  const told = facts.map(({ operation, outcome }) => `${operation} ${outcome}`);
  return [...new Set(told)].filter((one) => one !== "access.close failed");
}

const storyOf = (reason: string): readonly string[] => [
  "access.initiate asked",
  "access.open asked",
  reason === "Failed" ? "access.open failed" : "access.open done",
  "access.close asked",
  "access.close done",
];
