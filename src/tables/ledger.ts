import { odata } from "@azure/data-tables";
import type { Fact } from "../activity/fact.ts";
import { chainName, chainParts, historyOf } from "../activity/places.ts";
import { invertedDay } from "../activity/row-keys.ts";
import type { ChainHead, FiledFact, Ledger } from "../activity/store.ts";
import { claimsPartition, type FilingLog } from "./activity-claims.ts";
import type { Tables } from "./client.ts";
import { unpackBody } from "./codec.ts";
import { isTableGone, type Pause, unlessGone, unlessMissing } from "./etag.ts";
import { chainRowOf, headRowKey, positionOf } from "./fact-rows.ts";
import { createFiling } from "./filing.ts";
import { inParallel } from "./in-parallel.ts";
import { sha256 } from "./keys.ts";
import type { MonthTables } from "./month-tables.ts";
import { firstRows, mostAtOnce } from "./paging.ts";

/** The newest months are looked at for unfinished facts each time, all others once in so many milliseconds. */
const [newestMonths, everyMonthAfter] = [3, 3_600_000];

/** NB. The sweep that closes ports comes again only when this one has ended: after so many milliseconds the rest is left to the next. */
const longestFinishing = 20_000;

/** The chains of all months as they are stored. */
export function createLedger(tables: Tables, pause: Pause, log?: FilingLog): Ledger {
  const { activity } = tables;
  const complete = createCompletion(tables, pause, log);

  async function head(chain: string): Promise<ChainHead | undefined> {
    const { month, partition } = chainParts(chain);
    const client = activity.toRead(month);
    const row = await unlessGone(unlessMissing(client.getEntity(partition, headRowKey)), undefined);
    return row && positionOf(month, row);
  }

  return {
    head,
    complete,
    months: () => activity.months(),
    rows: (month) => rowsOfMonth(activity, month),
    subscriptions: (month) => unlessGone(subscriptionsOf(activity, month), []),
    drop: (month) => activity.drop(month),

    async after(chain, sequence, most) {
      // NB. The head first: of what it covers every row is there. Rows behind it are still being added, and one may be seen before those in front of it.
      const last = (await head(chain))?.sequence ?? 0;
      const end = Math.min(last, sequence + most);
      const facts = await unlessGone(factsOf(activity, chain, sequence, end), []);
      if (facts.length > 0 || end === last) {
        return facts;
      }
      // Somebody took rows away: the reading goes on behind them.
      const next = await unlessGone(lowestBetween(activity, chain, end, last), last);
      return unlessGone(factsOf(activity, chain, next - 1, Math.min(last, next - 1 + most)), []);
    },

    async daysOf(subscriptionId, from, to) {
      const { partition } = historyOf({ subscriptionId }, sha256);
      const months = await activity.months(to.slice(0, 7));
      const days = months
        .filter((month) => month >= from.slice(0, 7) && month <= to.slice(0, 7))
        .flatMap(daysIn)
        .filter((day) => day >= from && day <= to)
        .reverse();
      const heads = await inParallel(days, (day) =>
        head(chainName(day.slice(0, 7), `${partition}${invertedDay(day)}`)),
      );
      return heads.filter((one) => one !== undefined);
    },
  };
}

/** What others began and did not end is filed as they would have done. */
function createCompletion(tables: Tables, pause: Pause, log?: FilingLog): Ledger["complete"] {
  const filing = createFiling(tables, pause, log);
  let lookedEverywhere = Number.NEGATIVE_INFINITY;
  return async (before) => {
    const months = await tables.activity.months();
    const isEverywhere = before.getTime() - lookedEverywhere >= everyMonthAfter;
    const looked = isEverywhere ? months : months.slice(-newestMonths);
    const unfinished = (
      await inParallel(looked, (month) => unlessGone(filing.claims.begunBefore(month, before), []))
    ).flat();
    const facts: Fact[] = [];
    const startedAt = Date.now();
    for (const one of unfinished) {
      if (Date.now() - startedAt > longestFinishing) {
        break;
      }
      if (await filing.finish(one)) {
        facts.push(...one.facts);
      }
    }
    lookedEverywhere = isEverywhere ? before.getTime() : lookedEverywhere;
    return facts;
  };
}

async function* rowsOfMonth(activity: MonthTables, month: string): ReturnType<Ledger["rows"]> {
  // Chains sort behind the claims.
  const filter = odata`PartitionKey gt ${claimsPartition}`;
  const pages = activity.toRead(month).listEntities({ queryOptions: { filter } });
  try {
    for await (const page of pages.byPage({ maxPageSize: mostAtOnce })) {
      for (const row of page) {
        yield chainRowOf(month, row);
      }
    }
  } catch (error) {
    if (!isTableGone(error)) {
      throw error;
    }
  }
}

/** Those whose number is above the one and not above the other, in their order. */
async function factsOf(
  activity: MonthTables,
  chain: string,
  above: number,
  last: number,
): Promise<readonly FiledFact[]> {
  const { month, partition } = chainParts(chain);
  const filter = odata`PartitionKey eq ${partition} and RowKey gt ${headRowKey} and seq gt ${above} and seq le ${last}`;
  const rows = await firstRows(activity.toRead(month), [filter], Number.POSITIVE_INFINITY);
  return rows
    .map((row) => ({ fact: unpackBody<Fact>(row), position: positionOf(month, row) }))
    .sort((one, other) => one.position.sequence - other.position.sequence);
}

/** The lowest number that is taken, above the one and not above the other. */
async function lowestBetween(
  activity: MonthTables,
  chain: string,
  above: number,
  last: number,
): Promise<number> {
  const { month, partition } = chainParts(chain);
  const filter = odata`PartitionKey eq ${partition} and RowKey gt ${headRowKey} and seq gt ${above}`;
  const rows = activity
    .toRead(month)
    .listEntities<{ seq: number }>({ queryOptions: { filter, select: ["seq"] } });
  let lowest = last;
  for await (const { seq } of rows) {
    lowest = Math.min(lowest, seq);
  }
  return lowest;
}

/** From each subscription's first row one jump to the next: costs as many reads as there are subscriptions. Lower-cased. */
async function subscriptionsOf(activity: MonthTables, month: string): Promise<readonly string[]> {
  const client = activity.toRead(month);
  const found: string[] = [];
  // `|` parts a key from what follows, and `}` comes after it.
  for (let after = "subscription|"; ; after = `subscription|${found.at(-1) ?? ""}}`) {
    const filter = odata`PartitionKey gt ${after} and PartitionKey lt ${"subscription}"}`;
    const [row] = await firstRows(client, [filter], 1);
    const key = row?.partitionKey?.split("|")[1];
    if (key === undefined) {
      return found;
    }
    found.push(key);
  }
}

/** The days of a month in their order. */
function daysIn(month: string): readonly string[] {
  const [year = 0, number = 0] = month.split("-").map(Number);
  const count = new Date(Date.UTC(year, number, 0)).getUTCDate();
  return Array.from(
    { length: count },
    (_, index) => `${month}-${String(index + 1).padStart(2, "0")}`,
  );
}
