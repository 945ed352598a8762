/** What the queries of our lists have in common. */
import { z } from "zod";
import { type Outcome, ok, refused } from "../reasons.ts";
import { queryOf, skipToken, upTo } from "./query-parameters.ts";

const moment = z.iso
  .datetime({ offset: true, error: "expected a date and time such as 2030-01-31T18:00:00Z" })
  .optional();

/** A query of these parameters, of time and of page. */
export function listQuery<T extends z.ZodRawShape>(shape: T, largestPage: number) {
  return queryOf(
    { ...shape, from: moment, to: moment, top: upTo(largestPage), $skiptoken: skipToken },
    [...Object.keys(shape), "from", "to", "top"],
  );
}

/** How far back a list without `from` reaches. */
const days = 30;

/**
 * The time that a list is about: from `begin`, or the last 30 days, where the query names none. A time that ends before it begins is
 * refused. NB. When that begins may be a secret: it is not told, nor is a time refused for it.
 */
export function listTime(
  asked: { readonly from?: string | undefined; readonly to?: string | undefined },
  now: Date,
  begin?: Date,
): Outcome<{ readonly from: Date; readonly to: Date }> {
  const to = asked.to === undefined ? now : new Date(asked.to);
  const usual = begin === undefined ? now.getTime() - days * 86_400_000 : earlier(begin, to);
  const from = new Date(asked.from ?? usual);
  return from.getTime() <= to.getTime()
    ? ok({ from, to })
    : refused({
        code: "InvalidQuery",
        message: `'from' (${from.toISOString()}) is after 'to' (${to.toISOString()}). Left out, they are ${begin === undefined ? `${days} days ago` : "the time of what is named"} and now.`,
        target: asked.from === undefined ? "to" : "from",
      });
}

const earlier = (one: Date, other: Date): Date => (one < other ? one : other);
