import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { isWithinHours } from "../../src/access/auto-approval.ts";
import { weekdays } from "../../src/policy/access-rules.ts";
import { propertyRuns } from "../support/property-runs.ts";

const minute = 60_000;

/** 01:00 UTC on the last Sunday of a month, when clocks change in the European Union (directive 2000/84/EC). */
function lastSunday(year: number, month: number): number {
  const lastDay = new Date(Date.UTC(year, month + 1, 0, 1));
  return lastDay.getTime() - lastDay.getUTCDay() * 24 * 60 * minute;
}

/** How far the clocks of a zone are ahead of UTC at a moment, in minutes: worked out by rule, not asked of the system. */
const zones: Readonly<Record<string, (at: Date) => number>> = {
  UTC: () => 0,
  "Asia/Kolkata": () => 330,
  "America/Phoenix": () => -420,
  "Europe/Berlin": (at) => {
    const [year, time] = [at.getUTCFullYear(), at.getTime()];
    return time >= lastSunday(year, 2) && time < lastSunday(year, 9) ? 120 : 60;
  },
};

const years = { min: new Date("2020-01-01T00:00:00Z"), max: new Date("2035-12-31T00:00:00Z") };
/** Any moment, or one within two hours of a change of clocks. */
const moments = fc.oneof(
  fc.date({ ...years, noInvalidDate: true }),
  fc
    .record({
      year: fc.integer({ min: 2020, max: 2035 }),
      month: fc.constantFrom(2, 9),
      apart: fc.integer({ min: -120 * minute, max: 120 * minute }),
    })
    .map(({ year, month, apart }) => new Date(lastSunday(year, month) + apart)),
);
const text = (minutes: number) =>
  [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0")).join(":");

describe("hours of the week", () => {
  it("hold exactly while the local clock shows a day and time within them", () => {
    fc.assert(
      fc.property(
        moments,
        fc.constantFrom(...Object.keys(zones)),
        fc.subarray([...weekdays], { minLength: 1 }),
        fc
          .tuple(fc.nat(1_439), fc.integer({ min: 1, max: 1_440 }))
          .filter(([from, to]) => from < to),
        (now, timeZone, days, [from, to]) => {
          const local = new Date(now.getTime() + (zones[timeZone]?.(now) ?? 0) * minute);
          const time = local.getUTCHours() * 60 + local.getUTCMinutes();
          const day = weekdays[(local.getUTCDay() + 6) % 7];
          const expected = days.some((each) => each === day) && from <= time && time < to;

          const hours = { timeZone, days, from: text(from), to: text(to) };

          expect(isWithinHours(hours, now)).toBe(expected);
        },
      ),
      propertyRuns,
    );
  });
});
