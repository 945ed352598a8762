import type { Fact } from "../activity/fact.ts";
import { matches } from "../activity/filter.ts";
import type { FactQuery, FactSpan, FactWalk, FiledFact } from "../activity/store.ts";
import type { Page } from "../ports.ts";
import { continuationOf, pagesOf, placeIn, placeOf, type ReadPlace } from "./activity-pages.ts";
import { unpackBody } from "./codec.ts";
import { positionOf } from "./fact-rows.ts";
import type { MonthTables } from "./month-tables.ts";
import { mostAtOnce, type Row } from "./paging.ts";

/** A page ends when so many rows were looked at, or so many answers of the storage came, however few facts were found. */
const mostLookedAt = { rows: 5_000, answers: 10 } as const;

/**
 * Rows of one answer that a walk asks for. Of a thousand at once most outlive the young part of the heap, and a long walk fills the
 * old part with what nobody needs: a download of 37,000 facts grew the process by 137 MiB so, and by 30 MiB with this.
 */
const walkedAtOnce = 250;

interface Found {
  readonly fact: Fact;
  readonly place: ReadPlace;
}

/** A page of facts; where it ended for its cost, it goes on behind the last row looked at. */
export async function listFacts(months: MonthTables, query: FactQuery): Promise<Page<Fact>> {
  const { top, where = {}, continuation } = query;
  const after = continuation === undefined ? undefined : placeIn(continuation, query);
  const found: Found[] = [];
  const looked = { rows: 0, answers: 0 };
  // What only reading can decide may keep out most of what is read.
  const pageSize = where.text === undefined ? Math.min(mostAtOnce, top + 1) : mostAtOnce;
  for await (const { month, rows, end } of pagesOf(months, query, after, pageSize)) {
    looked.answers += 1;
    looked.rows += rows.length;
    found.push(...foundIn(rows, month, query));
    if (found.length > top) {
      return page(found.slice(0, top), found[top - 1]?.place);
    }
    const isEnough = looked.rows >= mostLookedAt.rows || looked.answers >= mostLookedAt.answers;
    // Whoever has not come any further goes on.
    if (isEnough && continuationOf(end) !== continuation) {
      return page(found, end);
    }
  }
  return page(found, undefined);
}

function foundIn(rows: readonly Row[], month: string, query: FactQuery): readonly Found[] {
  return rows.flatMap((row) => {
    const fact = factOf(row, query);
    return fact === undefined ? [] : [{ fact, place: placeOf(query, month, row) }];
  });
}

/** All facts asked for with where they stand, newest first; a page of them is in memory at a time. */
export async function* walkFacts(months: MonthTables, span: FactWalk): AsyncGenerator<FiledFact> {
  for await (const { month, rows } of pagesOf(months, span, undefined, walkedAtOnce)) {
    span.onAnswer?.();
    for (const row of rows) {
      const fact = factOf(row, span);
      if (fact !== undefined) {
        yield { fact, position: positionOf(month, row) };
      }
    }
  }
}

function factOf(row: Row, { where = {} }: FactSpan): Fact | undefined {
  const fact = unpackBody<Fact>(row);
  return matches(fact, where) ? fact : undefined;
}

function page(found: readonly Found[], place: ReadPlace | undefined): Page<Fact> {
  const items = found.map(({ fact }) => fact);
  return place === undefined ? { items } : { items, continuation: continuationOf(place) };
}
