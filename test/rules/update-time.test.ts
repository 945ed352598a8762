import { describe, expect, it } from "@jest/globals";
import { gatheringFor, leadOf, surelyStillTakes } from "../../src/rules/update-time.ts";

const gateId =
  "/subscriptions/s/resourceGroups/hub/providers/Microsoft.Network/azureFirewalls/fw-edge";
const measured = { gateId, updateTimes: [300_000, 200_000, 250_000] };

describe("how long the update of a firewall surely still takes", () => {
  it("is told by the shortest of the recent ones, and nothing once that is nearly over", () => {
    expect(surelyStillTakes(measured, 0)).toBe(190_000);
    expect(surelyStillTakes(measured, 100_000)).toBe(90_000);
    expect(surelyStillTakes(measured, 195_000)).toBe(0);
  });

  it("is nothing that anybody knows before one has been measured, or where none is under way", () => {
    expect(surelyStillTakes({ gateId }, 0)).toBe(0);
    expect(surelyStillTakes(measured, Number.POSITIVE_INFINITY)).toBe(0);
  });
});

describe("how long the first of many who ask for an update waits for the others", () => {
  it("is a twelfth of an update, never less than a second and never more than ten", () => {
    const longest = (...updateTimes: readonly number[]) =>
      gatheringFor({ gateId, updateTimes }).longestMs;
    expect(longest(60_000)).toBe(5_000);
    expect(longest(1_000)).toBe(1_000);
    expect(longest(300_000, 200_000)).toBe(10_000);
    expect(longest()).toBe(10_000);
  });

  it.each([500, 5_000, 20_000, 60_000, 120_000, 300_000])(
    "leaves a closing that falls due meanwhile the time of an update: %i ms",
    (takes) => {
      const updateTimes = [takes];
      const { longestMs } = gatheringFor({ gateId, updateTimes });

      expect(longestMs + takes).toBeLessThan(leadOf({ gateId, updateTimes }));
    },
  );

  it("ends once nobody has asked for a moment, of two seconds at most", () => {
    const every = (...updateTimes: readonly number[]) =>
      gatheringFor({ gateId, updateTimes }).everyMs;
    expect(every(20_000)).toBe(500);
    expect(every(1_000)).toBe(250);
    expect(every(300_000)).toBe(2_000);
    expect(every()).toBe(2_000);
  });
});
