import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { durationSeconds, formatDuration } from "../../src/policy/duration.ts";
import { propertyRuns } from "../support/property-runs.ts";

describe("an ISO 8601 duration", () => {
  it("is read back as the seconds it was written from", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 365 * 86_400 }), (seconds) => {
        expect(durationSeconds(formatDuration(seconds))).toBe(seconds);
      }),
      propertyRuns,
    );
  });

  it("is the sum of its parts", () => {
    const part = fc.option(fc.integer({ min: 0, max: 9_999 }), { nil: undefined });
    const parts = fc
      .tuple(part, part, part, part)
      .filter((list) => list.some((each) => each !== undefined));
    fc.assert(
      fc.property(parts, ([days, hours, minutes, seconds]) => {
        const time = [
          [hours, "H"],
          [minutes, "M"],
          [seconds, "S"],
        ].flatMap(([count, unit]) => (count === undefined ? [] : [`${count}${unit}`]));
        const date = days === undefined ? "" : `${days}D`;
        const text = `P${date}${time.length === 0 ? "" : `T${time.join("")}`}`;

        expect(durationSeconds(text)).toBe(
          (days ?? 0) * 86_400 + (hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0),
        );
      }),
      propertyRuns,
    );
  });

  it.each([
    [10_800, "PT3H"],
    [86_400, "P1D"],
    [300, "PT5M"],
    [93_784, "P1DT2H3M4S"],
    [0, "PT0S"],
  ])("of %i seconds is written %s", (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it.each([
    ["without parts", "P"],
    ["without parts of time", "PT"],
    ["with a T that nothing follows", "P1DT"],
    ["in months, which have no fixed length", "P1M"],
    ["in years", "P1Y"],
    ["in weeks", "P1W"],
    ["below zero", "-PT1H"],
    ["with a sign inside", "PT-1H"],
    ["with a fraction", "PT1.5H"],
    ["with parts in the wrong order", "PT1M1H"],
    ["with hours before the T", "P1H"],
    ["in lower case", "pt1h"],
    ["with a space", "PT1H "],
    ["without the P", "T1H"],
    ["with more digits than any length needs", "PT1000000H"],
    ["in other digits", "PT١H"],
    ["that is empty", ""],
    ["in .NET's form", "03:00:00"],
  ])("%s is refused", (_case, text) => {
    expect(durationSeconds(text)).toBeUndefined();
  });
});
