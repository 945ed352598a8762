import type { TableClient, TableEntityResult } from "@azure/data-tables";
import { BadContinuation } from "../activity/query.ts";

/** Most entities Table Storage gives in one answer. */
export const mostAtOnce = 1_000;

export type Row = TableEntityResult<Record<string, unknown>>;

/** The first `count` entities of the queries, one query after the other; an answer may be short or empty and still go on. */
export async function firstRows(
  client: TableClient,
  filters: readonly string[],
  count: number,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const filter of filters) {
    const maxPageSize = Math.min(mostAtOnce, count - rows.length);
    for await (const page of client
      .listEntities({ queryOptions: { filter } })
      .byPage({ maxPageSize })) {
      rows.push(...page);
      if (rows.length >= count) {
        return rows.slice(0, count);
      }
    }
  }
  return rows;
}

/** Where a page ended, as text for the caller to bring back. */
export function writeContinuation(place: readonly string[]): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** The place a page ended at; throws {@link BadContinuation} unless it has exactly these parts. */
export function readContinuation(text: string, parts: readonly RegExp[]): readonly string[] {
  const place = parsed(text);
  if (
    !Array.isArray(place) ||
    place.length !== parts.length ||
    !parts.every((part, index) => typeof place[index] === "string" && part.test(place[index]))
  ) {
    throw new BadContinuation(text);
  }
  return place;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    throw new BadContinuation(text);
  }
}
