import { odata, TableClient } from "@azure/data-tables";
import type { Audit } from "./audit.ts";
import type { Loaded } from "./load.ts";
import type { Options } from "./options.ts";
import type { Question } from "./questions.ts";

/** One page, read many times. */
export interface PageFound {
  /** Facts on it. */
  readonly facts: number;
  /** Calls to storage; several numbers where it was not always the same. */
  readonly calls: readonly number[];
  readonly times: readonly number[];
}

export interface Answered {
  readonly question: Question;
  readonly short: PageFound;
  readonly long: PageFound;
}

/** Reads every page in both histories in turn, so that whatever else the machine does meets both alike. */
export async function readPages(
  short: Loaded,
  long: Loaded,
  questions: readonly Question[],
  { rounds, top }: Options,
): Promise<{ readonly answers: readonly Answered[]; readonly floors: Floors }> {
  const readers = await Promise.all(
    questions.map(async (question) => ({
      question,
      short: await createPageReader(short.audit, question, top),
      long: await createPageReader(long.audit, question, top),
    })),
  );
  const floors = { short: createFloor(short), long: createFloor(long) };
  for (let round = 0; round <= rounds; round += 1) {
    // The first round is not counted: connections stand and code is compiled.
    const isCounted = round > 0;
    await floors.short.read(isCounted);
    await floors.long.read(isCounted);
    for (const reader of readers) {
      await reader.short.read(isCounted);
      await reader.long.read(isCounted);
    }
  }
  return {
    answers: readers.map((reader) => ({
      question: reader.question,
      short: reader.short.found(),
      long: reader.long.found(),
    })),
    floors: { short: floors.short.times, long: floors.long.times },
  };
}

/** Milliseconds of one query that finds nothing, in the newest month's table of each history. */
export interface Floors {
  readonly short: readonly number[];
  readonly long: readonly number[];
}

async function createPageReader(
  { store, counted }: Audit,
  { span, pagesBefore, name }: Question,
  top: number,
) {
  let continuation: string | undefined;
  for (let page = 0; page < pagesBefore; page += 1) {
    ({ continuation } = await store.list({ ...span, top, continuation }));
    if (continuation === undefined) {
      throw new Error(`${name}: the list ends after ${page + 1} pages.`);
    }
  }
  const times: number[] = [];
  const calls = new Set<number>();
  let facts = 0;
  return {
    async read(isCounted: boolean) {
      const [before, startedAt] = [counted.calls, performance.now()];
      const { items } = await store.list({ ...span, top, continuation });
      const tookMs = performance.now() - startedAt;
      facts = items.length;
      if (isCounted) {
        times.push(tookMs);
        calls.add(counted.calls - before);
      }
    },
    found: (): PageFound => ({ facts, calls: [...calls], times }),
  };
}

/**
 * What one query costs by itself: of the same shape, for a partition that is not there, in the table of the newest month. Azurite
 * looks at every row of a table for each query; Azure's Table Storage goes by the key.
 */
function createFloor({ audit, months }: Loaded) {
  const newest = months.at(-1);
  const table = `${audit.prefix}Activity${newest?.name.replace("-", "")}`;
  const client = TableClient.fromConnectionString(audit.connectionString, table, {
    allowInsecureConnection: true,
  });
  const filter = odata`PartitionKey eq ${"vm|nobody"} and RowKey ge ${"0"} and RowKey lt ${"9"}`;
  const times: number[] = [];
  return {
    times,
    async read(isCounted: boolean) {
      const startedAt = performance.now();
      const pages = client.listEntities({ queryOptions: { filter } }).byPage({ maxPageSize: 101 });
      for await (const page of pages) {
        if (page.length > 0) {
          throw new Error("The floor's query found something.");
        }
      }
      if (isCounted) {
        times.push(performance.now() - startedAt);
      }
    },
  };
}
