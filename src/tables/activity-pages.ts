import { odata, type TableClient } from "@azure/data-tables";
import { historyOf, monthOf } from "../activity/places.ts";
import { dayStart, invertedDay, invertedTime } from "../activity/row-keys.ts";
import type { FactSpan } from "../activity/store.ts";
import { isTableGone } from "./etag.ts";
import { columnFilter } from "./fact-columns.ts";
import { sha256 } from "./keys.ts";
import type { MonthTables } from "./month-tables.ts";
import { mostAtOnce, type Row, readContinuation, writeContinuation } from "./paging.ts";

/** How far a reading has come. The period is a month (`2026-11`), or of a subscription's facts a day; no row (an empty text) is before the first. */
export interface ReadPlace {
  readonly period: string;
  readonly row: string;
}

/** One answer of the storage; it may be empty. */
export interface FactPage {
  readonly month: string;
  readonly rows: readonly Row[];
  /** Where one would go on behind it. */
  readonly end: ReadPlace;
}

/** The answers to a question, newest month first, as they are asked for; behind the place, if any. Months without facts cost nothing. */
export async function* pagesOf(
  months: MonthTables,
  span: FactSpan,
  after: ReadPlace | undefined,
  pageSize: number,
): AsyncGenerator<FactPage> {
  const newest = monthOf(after === undefined ? span.to : startOf(after.period));
  const oldest = monthOf(span.from);
  const all = await months.months(monthOf(span.to));
  for (const month of all.filter((one) => one >= oldest && one <= newest).reverse()) {
    const isWhereItEnded = after !== undefined && month === newest;
    try {
      yield* pagesOfMonth(months, month, span, isWhereItEnded ? after : undefined, pageSize);
    } catch (error) {
      // Dropped just now.
      if (!isTableGone(error)) {
        throw error;
      }
    }
  }
}

/**
 * The storage filters where it can. An answer that is empty and goes on does not say how far it looked, so that no page could end there:
 * from then on all rows are read.
 */
async function* pagesOfMonth(
  months: MonthTables,
  month: string,
  span: FactSpan,
  after: ReadPlace | undefined,
  pageSize: number,
): AsyncGenerator<FactPage> {
  const client = months.toRead(month);
  const byColumns = columnFilter(span.where);
  let end = after ?? beginningOf(span, month);
  const pageOf = (rows: readonly Row[]): FactPage => {
    const last = rows.at(-1);
    end = last === undefined ? end : placeOf(span, month, last);
    return { month, rows, end };
  };
  const filters = filtersOf(span, after).map((filter) =>
    byColumns === "" ? filter : `${filter} and ${byColumns}`,
  );
  for await (const { rows, goesOn } of answersTo(client, filters, pageSize)) {
    yield pageOf(rows);
    if (byColumns !== "" && rows.length === 0 && goesOn) {
      for await (const rest of answersTo(client, filtersOf(span, end), mostAtOnce)) {
        yield pageOf(rest.rows);
      }
      return;
    }
  }
}

/** The answers to the queries, one query after the other. */
async function* answersTo(
  client: TableClient,
  filters: readonly string[],
  maxPageSize: number,
): AsyncGenerator<{ readonly rows: readonly Row[]; readonly goesOn: boolean }> {
  for (const filter of filters) {
    const pages = client.listEntities({ queryOptions: { filter } }).byPage({ maxPageSize });
    for await (const rows of pages) {
      yield { rows, goesOn: rows.continuationToken !== undefined };
    }
  }
}

/** Where a reading would go on behind that row. */
export function placeOf(span: FactSpan, month: string, row: Row): ReadPlace {
  const { isByDay } = historyOf(span.of, sha256);
  const period = isByDay ? ((row.partitionKey ?? "").split("|").at(-1) ?? "") : month;
  return { period, row: row.rowKey ?? "" };
}

/** Before the newest fact that the month may have. */
function beginningOf(span: FactSpan, month: string): ReadPlace {
  const [year = 0, number = 0] = month.split("-").map(Number);
  const lastDay = new Date(Date.UTC(year, number, 0));
  return { period: historyOf(span.of, sha256).isByDay ? invertedDay(lastDay) : month, row: "" };
}

/** A place as text for the caller to bring back. */
export function continuationOf({ period, row }: ReadPlace): string {
  return writeContinuation([period, row]);
}

/** NB. Only period and row are taken from the caller: a continuation never leads into facts of somebody or something else. */
export function placeIn(continuation: string, { of }: FactSpan): ReadPlace {
  const periods = historyOf(of, sha256).isByDay ? /^\d{9}$/ : /^\d{4}-(?:0[1-9]|1[0-2])$/;
  const [period = "", row = ""] = readContinuation(continuation, [
    periods,
    /^(?:\d{16}\|[\w!.()~-]+)?$/,
  ]);
  return { period, row };
}

/** One range of partitions; after a page, first the rest of the partition it ended in. Plain ranges: Table Storage scans the table for an `or`. */
function filtersOf({ of, from, to }: FactSpan, after: ReadPlace | undefined): readonly string[] {
  const { partition, isByDay } = historyOf(of, sha256);
  const times = odata`RowKey ge ${invertedTime(to)} and RowKey lt ${invertedTime(new Date(from.getTime() - 1))}`;
  const behind = after === undefined ? "" : ` and ${odata`RowKey gt ${after.row}`}`;
  if (!isByDay) {
    return [`${odata`PartitionKey eq ${partition}`}${behind} and ${times}`];
  }
  const oldest = `${partition}${invertedDay(from)}`;
  if (after === undefined) {
    const newest = `${partition}${invertedDay(to)}`;
    return [`${odata`PartitionKey ge ${newest} and PartitionKey le ${oldest}`} and ${times}`];
  }
  const day = `${partition}${after.period}`;
  return [
    `${odata`PartitionKey eq ${day}`}${behind} and ${times}`,
    `${odata`PartitionKey gt ${day} and PartitionKey le ${oldest}`} and ${times}`,
  ];
}

/** A moment in a period. */
function startOf(period: string): number {
  return period.includes("-") ? Date.parse(`${period}-01T00:00:00Z`) : dayStart(period);
}
