/** Query parameters that lists by time have in common. */
import { z } from "zod";

/** How far back a list without `from` reaches. */
const defaultDays = 30;

const moment = z.iso.datetime({
  offset: true,
  error: "expected a date and time such as 2030-01-31T18:00:00Z",
});

/** The fields of a period and a page of at most `largestTop` items. */
export function listFields(largestTop: number) {
  const expected = `expected a whole number from 1 to ${largestTop}`;
  return {
    from: moment.optional(),
    to: moment.optional(),
    top: z.coerce
      .number(expected)
      .int(expected)
      .min(1, expected)
      .max(largestTop, expected)
      .optional(),
    $skiptoken: z.string().max(2_000, "expected the token of a nextLink").optional(),
  };
}

/** The period that is asked for: until now, and for the last 30 days, where nothing else is said. */
export function periodOf(
  { from, to }: { readonly from?: string | undefined; readonly to?: string | undefined },
  now: Date,
): { readonly from: Date; readonly to: Date } {
  return {
    from: new Date(from ?? now.getTime() - defaultDays * 86_400_000),
    to: to === undefined ? now : new Date(to),
  };
}
