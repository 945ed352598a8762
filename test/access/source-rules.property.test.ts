import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { sourceRuleFaults } from "../../src/access/source-rules.ts";
import { propertyRuns } from "../support/property-runs.ts";

/** Ranges among the 256 addresses that begin with `head`: small enough to count every single one. */
const worlds = [
  { family: "Ipv4", head: "198.51.100.", radix: 10, width: 32 },
  { family: "Ipv6", head: "2001:db8::", radix: 16, width: 128 },
] as const;

const cases = fc.constantFrom(...worlds).chain((world) =>
  fc.record({
    world: fc.constant(world),
    ranges: fc.array(
      fc
        .record({ host: fc.nat(255), bits: fc.integer({ min: 0, max: 8 }) })
        .map(({ host, bits }) => ({ first: (host >> bits) << bits, count: 1 << bits, bits })),
      { minLength: 1, maxLength: 12 },
    ),
    limitBits: fc.integer({ min: 0, max: 9 }),
  }),
);

/** The longest unbroken run of addresses that are in any of the ranges, counted one by one. */
function longestRun(ranges: readonly { readonly first: number; readonly count: number }[]): number {
  let longest = 0;
  let run = 0;
  for (let address = 0; address <= 255; address += 1) {
    const isIn = ranges.some(({ first, count }) => address >= first && address < first + count);
    run = isIn ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}

describe("the widest source of a policy", () => {
  it("is kept exactly when no unbroken run of addresses is longer than that, however it is cut into ranges", () => {
    fc.assert(
      fc.property(cases, ({ world, ranges, limitBits }) => {
        const sources = ranges.map(
          ({ first, bits }) => `${world.head}${first.toString(world.radix)}/${world.width - bits}`,
        );
        const limit = `widest${world.family}PrefixLength` as const;
        const rules = { sources: { anyAllowed: false, [limit]: world.width - limitBits } };

        const faults = sourceRuleFaults(rules, [{ sources, target: "t" }]);

        expect(faults.length > 0).toBe(longestRun(ranges) > 1 << limitBits);
        expect(new Set(faults.map((fault) => fault.code)).size).toBeLessThanOrEqual(1);
      }),
      propertyRuns,
    );
  });

  it("and any source are judged alike however the sources are ordered or repeated", () => {
    const eighths = fc.array(fc.nat(7), { minLength: 1, maxLength: 12 });
    const rules = { sources: { anyAllowed: false, widestIpv4PrefixLength: 2 } };
    const judge = (list: readonly number[]) =>
      sourceRuleFaults(rules, [{ sources: list.map((at) => `${at * 32}.0.0.0/3`), target: "t" }])
        .map((fault) => fault.code)
        .includes("AnySourceNotAllowed");

    fc.assert(
      fc.property(eighths, (list) => {
        expect(judge(list)).toBe(new Set(list).size >= 4);
      }),
      propertyRuns,
    );
  });
});
