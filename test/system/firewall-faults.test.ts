import { beforeAll, describe, expect, it } from "@jest/globals";
import type { Estate } from "../../local/cloud/estate.ts";
import { RunningSystem, type SystemOptions } from "../support/running-system.ts";
import type { ToldFact } from "./support/fault-watch.ts";
import {
  everyCaseOnce,
  type FirewallCase,
  plainFirewallCases,
  someCasesOnce,
} from "./support/firewall-cases.ts";
import { type FirewallEnd, FirewallRun, withCases } from "./support/firewall-run.ts";

/**
 * Every call about firewalls in the life of a request meets every kind of fault, once. By default some of them; FAULT_CASES=all
 * tries every one, in systems of so many at once, half of them under the other reading of Azure.
 */
const isComplete = process.env["FAULT_CASES"] === "all";
const sideBySide = 24;
const windowSeconds = isComplete ? 40 : 8;
/** Whatever is left behind is taken up by the next sweep, a minute later at most. */
const latestMs = 75_000;

const cases = isComplete ? everyCaseOnce() : someCasesOnce();
const batches = Array.from({ length: Math.ceil(cases.length / sideBySide) }, (_, index) => ({
  part: index + 1,
  batch: [...plainFirewallCases, ...cases.slice(index * sideBySide, (index + 1) * sideBySide)],
}));

describe.each(batches)(
  "access through a firewall with a fault on one of the calls about it (part $part)",
  ({ batch, part }) => {
    let ends: ReadonlyMap<string, FirewallEnd>;
    let struckDeleting: ReadonlyMap<string, number>;
    let health: string;
    let left: readonly string[];

    beforeAll(async () => {
      const system = await RunningSystem.start(systemFor(batch, part));
      try {
        const run = await FirewallRun.prepare(system, batch);
        await run.ask(windowSeconds);
        await run.follow(
          (followed) => followed.isOver || neverEnds(followed.case),
          windowSeconds * 1_000 + 90_000,
        );
        const struck = await run.struck();
        await run.watch.clearFaults();
        await run.follow((followed) => followed.isOver, windowSeconds * 1_000 + 90_000);
        ends = await run.ends(struck);
        health = (await run.watch.health()).status;
        struckDeleting = await run.unprotect(latestMs);
        left = await run.left();
        say(batch, ends, struckDeleting);
      } finally {
        await system.stop();
      }
    }, 400_000);

    it.each(batch)("ends closed, and tells the truth: $name", (one) => {
      const { followed, facts, struck, isRestored } = ends.get(one.vm) as FirewallEnd;
      const isLate = one.fault?.phase === "closing" ? latestMs : 1_000;

      expect(followed.lies).toEqual([]);
      expect([followed.isOver, isRestored]).toEqual([true, true]);
      expect(story(facts)).toEqual(storyOf(followed.told?.statusReason ?? ""));
      expect(facts.filter((fact) => fact.outcome === "failed" && !fact.reasons?.length)).toEqual(
        [],
      );
      expect(neverEnds(one) || followed.overdueMs < isLate).toBe(true);
      expect(struck + (struckDeleting.get(one.vm) ?? 0) > 0).toBe(one.fault !== undefined);
    });

    it("leaves the service ready, and nothing of its own once the policies are deleted", () => {
      expect([health, left]).toEqual(["ready", []]);
    });
  },
);

function systemFor(batch: readonly FirewallCase[], part: number): SystemOptions {
  return {
    timing: { nsgWriteMs: 100, firewallUpdateMs: 700 },
    history: "memory",
    change: (sample: Estate) => ({
      ...withCases(sample, batch),
      behaviour: {
        ...sample.behaviour,
        ...(part % 2 === 0 ? lax : {}),
        throttlingScale: 10_000,
        pageSize: 10_000,
      },
    }),
  };
}

/** Where nobody knows how Azure does it, the other way. */
const lax = {
  firewallIfMatch: "ignored",
  dnatAgainstDeny: "dnat ends",
  failedFirewallUpdate: "shows what was before",
} as const;

/** Such a fault lasts until it is cleared. */
const neverEnds = ({ fault }: FirewallCase): boolean => fault?.kind === "operation-never-ends";

/** What happened to the access in which order, without the tries that failed to close. */
function story(facts: readonly ToldFact[]): readonly string[] {
  const told = facts.map(({ operation, outcome }) => `${operation} ${outcome}`);
  return [...new Set(told)].filter(
    (one) => one.startsWith("access.") && one !== "access.close failed",
  );
}

const storyOf = (reason: string): readonly string[] => [
  "access.initiate asked",
  "access.open asked",
  reason === "Failed" ? "access.open failed" : "access.open done",
  "access.close asked",
  "access.close done",
];

/** A complete run is worth its table. */
function say(
  batch: readonly FirewallCase[],
  ends: ReadonlyMap<string, FirewallEnd>,
  struckDeleting: ReadonlyMap<string, number>,
): void {
  if (isComplete) {
    const lines = batch.map(({ vm, name }) => {
      const { followed, struck, isRestored } = ends.get(vm) as FirewallEnd;
      const { told, lies, overdueMs, refusals } = followed;
      const all = struck + (struckDeleting.get(vm) ?? 0);
      const why = (told?.findings ?? []).map(({ code }) => code).join();
      const end = `${told?.statusReason} (${why}), ${isRestored ? "restored" : "NOT restored"}, overdue ${overdueMs} ms`;
      return `${name} | struck ${all} | ${end} | ${[...lies, ...refusals].join("; ")}`;
    });
    process.stderr.write(`${lines.join("\n")}\n`);
  }
}
