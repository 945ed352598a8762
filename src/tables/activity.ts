import { odata, type TableClient, type TableEntity } from "@azure/data-tables";
import type { Fact } from "../activity/fact.ts";
import type { ActivityStore, FactQuery } from "../activity/store.ts";
import type { Tables } from "./client.ts";
import { packBody, unpackBody } from "./codec.ts";
import { alreadyExists } from "./etag.ts";
import { inParallel } from "./in-parallel.ts";
import { encodeId, encodeKey, invertedDay, invertedMonth, invertedTime } from "./keys.ts";
import { firstRows, type Row, readContinuation, writeContinuation } from "./paging.ts";
import { transactionsOf } from "./transactions.ts";

/**
 * The audit. A fact lies twice: with its VM by month, and with its subscription by day; months, days and times are inverted, so
 * that one query over a range of partitions gives the newest first. A claim row by fact id is written before both: it holds
 * the time of the first recording, so that a retry with a later time, even in another month, finds the same places.
 */
export function createActivityStore(tables: Tables): ActivityStore {
  return {
    async record(facts) {
      const client = await tables.activity();
      const claimed = await claim(client, [
        ...new Map(facts.map((fact) => [fact.id, fact])).values(),
      ]);
      const copies = claimed.flatMap((fact) => copiesOf(fact));
      await insertAll(client, copies);
    },

    async *walk(span) {
      for (const fact of (await this.list({ ...span, top: 1_000 })).items) {
        yield { fact, position: { chain: "", sequence: 0, hash: "" } };
      }
    },

    async list(query) {
      const rows = await firstRows(await tables.activity(), filtersOf(query), query.top + 1);
      const items = rows.slice(0, query.top);
      const last = items.at(-1);
      return {
        items: items.map((row) => unpackBody<Fact>(row)),
        ...(rows.length > query.top && last !== undefined ? { continuation: placeOf(last) } : {}),
      };
    },
  };
}

/** The facts with the time at which each was recorded first. */
async function claim(client: TableClient, facts: readonly Fact[]): Promise<readonly Fact[]> {
  const claims = new Map(
    facts.map((fact) => {
      const row = {
        partitionKey: `id|${encodeKey(fact.subscriptionId.toLowerCase())}`,
        rowKey: encodeKey(fact.id),
        at: fact.at,
      };
      return [fact.id, row] as const;
    }),
  );
  const known = new Set(await insertAll(client, [...claims.values()]));
  return inParallel(facts, async (fact) => {
    const row = claims.get(fact.id);
    if (row === undefined || !known.has(row)) {
      return fact;
    }
    const { at } = await client.getEntity<{ at: string }>(row.partitionKey, row.rowKey);
    return { ...fact, at };
  });
}

function copiesOf(fact: Fact): readonly TableEntity[] {
  const rowKey = `${invertedTime(fact.at)}|${encodeKey(fact.id)}`;
  const body = packBody(fact);
  const partitions = [
    `${subscriptionPartitions(fact.subscriptionId)}${invertedDay(fact.at)}`,
    ...(fact.vmId === undefined ? [] : [`${vmPartitions(fact.vmId)}${invertedMonth(fact.at)}`]),
  ];
  return partitions.map((partitionKey) => ({ partitionKey, rowKey, ...body }));
}

/** Inserts the rows in as few transactions as their partitions allow; answers those that were there before, which stay as they are. */
async function insertAll<T extends TableEntity>(
  client: TableClient,
  rows: readonly T[],
): Promise<readonly T[]> {
  const partitions = Map.groupBy(rows, (row) => row.partitionKey);
  const groups = [...partitions.values()].flatMap(transactionsOf);
  return (await inParallel(groups, (group) => insertGroup(client, group))).flat();
}

async function insertGroup<T extends TableEntity>(
  client: TableClient,
  group: readonly T[],
): Promise<readonly T[]> {
  const [only] = group;
  try {
    if (group.length === 1 && only !== undefined) {
      await client.createEntity(only);
    } else {
      await client.submitTransaction(group.map((row) => ["create", row]));
    }
    return [];
  } catch (error) {
    if (!alreadyExists(error)) {
      throw error;
    }
    // One that is there undoes the whole transaction: then each for itself.
    return group.length === 1
      ? group
      : (await inParallel(group, (row) => insertGroup(client, [row]))).flat();
  }
}

/** One range of partitions; after a page, first the rest of the partition it ended in. Plain ranges: Table Storage scans the table for an `or`. */
function filtersOf({ of, from, to, continuation }: FactQuery): readonly string[] {
  const vmId = "vmId" in of ? of.vmId : undefined;
  const prefix =
    "subscriptionId" in of ? subscriptionPartitions(of.subscriptionId) : vmPartitions(vmId ?? "");
  const period = vmId === undefined ? invertedDay : invertedMonth;
  const oldest = `${prefix}${period(from)}`;
  const times = odata`RowKey ge ${invertedTime(to)} and RowKey lt ${invertedTime(new Date(from.getTime() - 1))}`;
  if (continuation === undefined) {
    return [
      `${odata`PartitionKey ge ${`${prefix}${period(to)}`} and PartitionKey le ${oldest}`} and ${times}`,
    ];
  }
  // NB. Only period and row are taken from the caller: a continuation never leads into another VM's or subscription's facts.
  const [place = "", row = ""] = readContinuation(continuation, [
    /^\d{9}$/,
    /^\d{16}\|[\w!.()~-]+$/,
  ]);
  const partition = `${prefix}${place}`;
  return [
    `${odata`PartitionKey eq ${partition} and RowKey gt ${row}`} and ${times}`,
    `${odata`PartitionKey gt ${partition} and PartitionKey le ${oldest}`} and ${times}`,
  ];
}

function placeOf(row: Row): string {
  return writeContinuation([(row.partitionKey ?? "").split("|").at(-1) ?? "", row.rowKey ?? ""]);
}

function vmPartitions(vmId: string): string {
  return `vm|${encodeId(vmId)}|`;
}

function subscriptionPartitions(subscriptionId: string): string {
  return `subscription|${encodeKey(subscriptionId.toLowerCase())}|`;
}
