import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  allClipped,
  inHours,
  inMinutes,
  type Span,
  totalOf,
  union,
} from "../../src/activity/spans.ts";
import { propertyRuns } from "../support/property-runs.ts";

const spans = fc.array(
  fc.record({ from: fc.nat(60), length: fc.nat(20) }).map(({ from, length }) => ({
    from,
    to: from + length,
  })),
  { maxLength: 8 },
);
const within = fc.record({ from: fc.nat(40), length: fc.nat(40) }).map(({ from, length }) => ({
  from,
  to: from + length,
}));

/** Moment by moment, how many of the spans hold it. */
const counted = (all: readonly Span[], from = 0, to = 100): readonly number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => {
    const at = from + index;
    return all.filter((span) => span.from <= at && at < span.to).length;
  });
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

describe("times that overlap", () => {
  it("are added up as if somebody had counted every moment of each within the time asked for", () => {
    fc.assert(
      fc.property(spans, within, (all, time) => {
        expect(totalOf(allClipped(all, time))).toBe(sum(counted(all, time.from, time.to)));
      }),
      propertyRuns,
    );
  });

  it("as one are the moments that at least one of them holds, each once", () => {
    fc.assert(
      fc.property(spans, (all) => {
        const one = union(all);

        expect(totalOf(one)).toBe(counted(all).filter((count) => count > 0).length);
        expect(
          one.every(({ from, to }, index) => from < to && (one[index - 1]?.to ?? -1) < from),
        ).toBe(true);
        expect(union(one)).toEqual(one);
      }),
      propertyRuns,
    );
  });

  it("are told in minutes and hours to the hundredth", () => {
    expect([inMinutes(61_000), inHours(5_400_000), inHours(1)]).toEqual([1.02, 1.5, 0]);
  });
});
