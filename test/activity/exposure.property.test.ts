import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { exposedTime, exposureFacts } from "../../src/activity/exposure.ts";
import type { Fact } from "../../src/activity/fact.ts";
import { parseFact } from "../../src/activity/schema.ts";
import type { Finding } from "../../src/reasons.ts";
import { noon, vmId } from "../support/builders.ts";
import { createFakeIds } from "../support/fake-ids.ts";
import { propertyRuns } from "../support/property-runs.ts";
import { nsgs } from "../support/world.ts";

const { digest } = createFakeIds();
const exposedBy = (rule: string, vm = "web-1"): Finding => ({
  code: "ExposedByCustomerRule",
  message: `Rule '${rule}' lets traffic through.`,
  target: rule,
  vmId: vmId(vm),
});
const full: Finding = { code: "GateFull", message: "No place.", vmId: vmId() };
const minute = 60_000;
const at = (minutes: number) => new Date(noon.getTime() + minutes * minute);

const changed = (
  before: readonly Finding[],
  after: readonly Finding[],
  { minutes = 0, since = "state-1", gateId = nsgs.subnet as string } = {},
): readonly Fact[] =>
  exposureFacts({
    on: { gateId, proof: { readAt: at(minutes).toISOString(), etag: "1" } },
    before,
    after,
    since,
    at: at(minutes),
    portsOf: () => [22],
    digest,
  });

describe("the facts of exposures", () => {
  it("tell what began and what ended, with VM, port, gate and the customer's rule, and nothing of what stayed", () => {
    const facts = changed([exposedBy("a"), exposedBy("b")], [exposedBy("b"), exposedBy("c"), full]);

    expect(facts.map(({ operation, reasons }) => [operation, reasons?.[0]?.target])).toEqual([
      ["exposure.begin", "c"],
      ["exposure.end", "a"],
    ]);
    expect(facts[0]).toMatchObject({
      vmId: vmId(),
      port: 22,
      outcome: "done",
      gates: [{ id: nsgs.subnet, readAt: noon.toISOString(), etag: "1" }],
    });
    for (const fact of facts) {
      expect(() => parseFact(JSON.parse(JSON.stringify(fact)))).not.toThrow();
    }
  });

  it("are the same facts when they are told again of the same state, and others when it begins anew", () => {
    const idsOf = (facts: readonly Fact[]) => facts.map(({ id }) => id);
    const first = idsOf(changed([], [exposedBy("a")]));

    expect(idsOf(changed([], [exposedBy("a")], { minutes: 5 }))).toEqual(first);
    expect(idsOf(changed([], [exposedBy("a")], { since: "state-3" }))).not.toEqual(first);
    expect(idsOf(changed([], [exposedBy("a")], { gateId: nsgs.card }))).not.toEqual(first);
  });
});

describe("the hours in which a VM was exposed", () => {
  const hours = (facts: readonly Fact[], until = 600) =>
    exposedTime(facts, { from: at(0).getTime(), to: at(until).getTime() }) / (60 * minute);

  it("reach from the beginning to the end, and on where there is none", () => {
    const begun = changed([], [exposedBy("a")], { minutes: 60 });
    const ended = changed([exposedBy("a")], [], { minutes: 180 });

    expect(hours([...begun, ...ended])).toBe(2);
    expect(hours(begun)).toBe(9);
    expect(hours(begun, 120)).toBe(1);
  });

  it("count from the start of the span what had begun before it, known or not", () => {
    const begun = changed([], [exposedBy("a")], { minutes: -600 });
    const ended = changed([exposedBy("a")], [], { minutes: 60 });

    expect(hours([...ended, ...begun])).toBe(1);
    expect(hours(ended)).toBe(1);
  });

  /** Facts of ways that are open in every other of their stretches, and the minutes of the span in which one was. */
  function lived(all: readonly (readonly number[])[]) {
    const open = new Set<number>();
    const facts = all.flatMap((lengths, index) => {
      const way = [exposedBy(`rule-${index}`)];
      const starts = lengths.map((_, place) =>
        lengths.slice(0, place).reduce((sum, length) => sum + length, 0),
      );
      return starts.slice(1).flatMap((minutes, place) => {
        const isOpening = place % 2 === 0;
        const until = Math.min(starts[place + 2] ?? 600, 600);
        for (let passed = minutes; isOpening && passed < until; passed += 1) {
          open.add(passed);
        }
        const since = `${index} ${place}`;
        return isOpening
          ? changed([], way, { minutes, since })
          : changed(way, [], { minutes, since });
      });
    });
    return { facts, hours: open.size / 60 };
  }

  it("are those in which anything exposed it, counted once, in whatever order facts are read", () => {
    const stretches = fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 6 });
    fc.assert(
      fc.property(fc.tuple(stretches, stretches, stretches), fc.boolean(), (all, isNewestFirst) => {
        const story = lived(all);
        const ordered = story.facts.toSorted((one, other) => (one.at < other.at ? -1 : 1));

        const found = hours(isNewestFirst ? ordered.toReversed() : ordered);

        expect(found).toBeCloseTo(story.hours, 9);
      }),
      propertyRuns,
    );
  });
});
