import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  afterUpdate,
  expectedEnd,
  gatheringFor,
  leadOf,
  pauseFor,
  surelyStillTakes,
} from "../../src/rules/update-time.ts";
import { noon, subscriptionId } from "../support/builders.ts";
import { propertyRuns } from "../support/property-runs.ts";

const network = `/subscriptions/${subscriptionId}/resourceGroups/hub/providers/Microsoft.Network`;
const firewall = `${network}/azureFirewalls/edge`;
const policyGroup = `${network}/firewallPolicies/hub/ruleCollectionGroups/JitAccess-37a8ee`;
const group = `${network}/networkSecurityGroups/web`;
const minute = 60_000;

const times = fc.array(fc.integer({ min: 0, max: 900_000 }), { maxLength: 12 });
/** What is kept of updates that took so long, one after the other. */
const kept = (all: readonly number[]) =>
  all.reduce<{ updateTimes?: readonly number[] }>(
    (updates, tookMs) => afterUpdate(updates, tookMs),
    {},
  ).updateTimes ?? [];

describe("how long before its end a window has to be taken off a gate", () => {
  it("is nothing for a network security group, of which the write is waited for", () => {
    expect(leadOf({ gateId: group, updateTimes: [240_000] })).toBe(0);
  });

  it.each([firewall, policyGroup, firewall.toLowerCase()])(
    "is five and a half minutes until an update has been measured: %s",
    (gateId) => {
      expect([leadOf({ gateId }), leadOf({ gateId, updateTimes: [] })]).toEqual([332_000, 332_000]);
    },
  );

  it("is the longest of the updates that are remembered, a tenth, and two seconds", () => {
    expect(leadOf({ gateId: firewall, updateTimes: [60_000, 100_000, 80_000] })).toBe(112_000);
  });

  it("is never less than any update that is remembered took, nor more than it needs", () => {
    fc.assert(
      fc.property(times, (all) => {
        const updateTimes = kept(all);
        const lead = leadOf({ gateId: firewall, updateTimes });

        expect(updateTimes).toEqual(all.slice(-5));
        for (const tookMs of updateTimes) {
          expect(lead).toBeGreaterThan(tookMs);
        }
        expect(lead).toBeLessThanOrEqual(Math.max(300_000, ...updateTimes) * 1.1 + 2_001);
      }),
      propertyRuns,
    );
  });
});

describe("what is kept of an update that has ended", () => {
  const operation = { token: "t", startedAt: noon.toISOString(), revision: 3 };

  it("is its time, and that nothing is under way", () => {
    const updates = { operation, failures: 2, updateTimes: [1], touched: "kept" };

    expect(afterUpdate(updates, 7)).toEqual({ failures: 0, updateTimes: [1, 7], touched: "kept" });
  });

  it("is no more than a quarter of an hour, or three times the longest, when nobody looked for hours", () => {
    expect(afterUpdate({ updateTimes: [240_000] }, 36_000_000).updateTimes).toEqual([
      240_000, 900_000,
    ]);
    expect(afterUpdate({ updateTimes: [600_000] }, 36_000_000).updateTimes).toEqual([
      600_000, 1_800_000,
    ]);
  });

  it("in vain is one failure more, and its time tells nothing", () => {
    expect(afterUpdate({ operation, updateTimes: [1] }, undefined)).toEqual({
      failures: 1,
      updateTimes: [1],
    });
    expect(afterUpdate({ failures: 1 }, undefined)).toEqual({ failures: 2 });
  });
});

describe("when what is wanted of a firewall is probably in effect", () => {
  const startedAt = noon.toISOString();
  const after = (ms: number) => new Date(noon.getTime() + ms);
  const measured = { gateId: firewall, updateTimes: [3 * minute, 4 * minute] };
  const ends = (gate: Parameters<typeof expectedEnd>[0], ms: number) =>
    expectedEnd(gate, after(ms)) - noon.getTime();

  it("is one update from now when none is under way", () => {
    expect(ends({ ...measured, desiredRevision: 4 }, minute)).toBe(5 * minute);
    expect(ends({ gateId: firewall, desiredRevision: 4 }, 0)).toBe(5 * minute);
  });

  it("is the end of the update that is under way, where that brings it", () => {
    const operation = { startedAt, revision: 4 };

    expect(ends({ ...measured, operation, desiredRevision: 4 }, minute)).toBe(4 * minute);
  });

  it("is one update later, where more was wanted since", () => {
    const operation = { startedAt, revision: 3 };

    expect(ends({ ...measured, operation, desiredRevision: 4 }, minute)).toBe(8 * minute);
  });

  it("is never in the past, and never more than two updates away, however long the one under way takes", () => {
    const some = fc.record({
      updateTimes: times.map(kept),
      elapsed: fc.integer({ min: 0, max: 7_200_000 }),
      revision: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(some, ({ updateTimes, elapsed, revision }) => {
        const gate = {
          gateId: firewall,
          updateTimes,
          operation: { startedAt, revision },
          desiredRevision: 2,
        };
        const left = ends(gate, elapsed) - elapsed;
        const longest = updateTimes.length === 0 ? 300_000 : Math.max(...updateTimes);

        expect(left).toBe(Math.max(longest - elapsed, 0) + (revision < 2 ? longest : 0));
      }),
      propertyRuns,
    );
  });
});

describe("how long an update is left alone before the next look", () => {
  it("is a quarter of what it has taken, where no update has been measured", () => {
    expect([0, 20_000, 40_000, 400_000].map((ms) => pauseFor({ gateId: firewall }, ms))).toEqual([
      1_000, 5_000, 10_000, 15_000,
    ]);
  });

  it("is half of what it should still take, then a fortieth of the whole", () => {
    const measured = { gateId: firewall, updateTimes: [40_000, 60_000] };

    expect([0, 20_000, 30_000, 39_000, 90_000].map((ms) => pauseFor(measured, ms))).toEqual([
      15_000, 10_000, 5_000, 1_000, 1_000,
    ]);
  });

  it("is at least half a second and at most fifteen, in whole milliseconds, whatever was measured", () => {
    fc.assert(
      fc.property(times.map(kept), fc.integer({ min: 0, max: 7_200_000 }), (updateTimes, ms) => {
        const pause = pauseFor({ gateId: firewall, updateTimes }, ms);

        expect(pause).toBeGreaterThanOrEqual(500);
        expect(pause).toBeLessThanOrEqual(15_000);
        expect(Number.isInteger(pause)).toBe(true);
      }),
      propertyRuns,
    );
  });

  it("lets the end of an update that takes as long as the others be seen within its margin, by a few looks", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 3_600_000 }), (tookMs) => {
        const measured = { gateId: firewall, updateTimes: [tookMs] };
        let [elapsed, looks] = [0, 0];
        while (elapsed < tookMs) {
          elapsed += pauseFor(measured, elapsed);
          looks += 1;
        }

        // What the lead adds to the update itself: a closing that begins in time is seen in time.
        expect(elapsed).toBeLessThanOrEqual(leadOf(measured));
        expect(looks).toBeLessThanOrEqual(tookMs / 15_000 + 25);
      }),
      propertyRuns,
    );
  });
});

const measuredTimes = { gateId: firewall, updateTimes: [300_000, 200_000, 250_000] };

describe("how long the update of a firewall surely still takes", () => {
  it("is told by the shortest of the recent ones, and nothing once that is nearly over", () => {
    expect(surelyStillTakes(measuredTimes, 0)).toBe(190_000);
    expect(surelyStillTakes(measuredTimes, 100_000)).toBe(90_000);
    expect(surelyStillTakes(measuredTimes, 195_000)).toBe(0);
  });

  it("is nothing that anybody knows before one has been measured, or where none is under way", () => {
    expect(surelyStillTakes({ gateId: firewall }, 0)).toBe(0);
    expect(surelyStillTakes(measuredTimes, Number.POSITIVE_INFINITY)).toBe(0);
  });
});

describe("how long the first of many who ask for an update waits for the others", () => {
  it("is a twelfth of an update, never less than a second and never more than ten", () => {
    const longest = (...updateTimes: readonly number[]) =>
      gatheringFor({ gateId: firewall, updateTimes }).longestMs;
    expect(longest(60_000)).toBe(5_000);
    expect(longest(1_000)).toBe(1_000);
    expect(longest(300_000, 200_000)).toBe(10_000);
    expect(longest()).toBe(10_000);
  });

  it.each([500, 5_000, 20_000, 60_000, 120_000, 300_000])(
    "leaves a closing that falls due meanwhile the time of an update: %i ms",
    (takes) => {
      const updateTimes = [takes];
      const { longestMs } = gatheringFor({ gateId: firewall, updateTimes });

      expect(longestMs + takes).toBeLessThan(leadOf({ gateId: firewall, updateTimes }));
    },
  );

  it("ends once nobody has asked for a moment, of two seconds at most", () => {
    const every = (...updateTimes: readonly number[]) =>
      gatheringFor({ gateId: firewall, updateTimes }).everyMs;
    expect(every(20_000)).toBe(500);
    expect(every(1_000)).toBe(250);
    expect(every(300_000)).toBe(2_000);
    expect(every()).toBe(2_000);
  });
});
