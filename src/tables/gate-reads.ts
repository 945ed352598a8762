import { odata, type TableClient } from "@azure/data-tables";
import type { GateRecord, OverdueGate } from "../ports.ts";
import {
  type GateMeta,
  type GateRows,
  metaRowKey,
  newMeta,
  readMeta,
  readRow,
  recordOf,
} from "./gate-rows.ts";
import { encodeId } from "./keys.ts";
import { firstRows, type Row } from "./paging.ts";

/** A partition as it was read; no ETag when nobody ever wanted anything of the gate. */
export interface Reading {
  readonly partitionKey: string;
  readonly meta: GateMeta;
  readonly etag: string | undefined;
  readonly rows: GateRows;
  /** When the meta row was written, and when this was read, both by the clock of the storage. */
  readonly writtenAt: string;
  readonly readAt: string;
}

/** Reads a partition as it was at one moment. */
export async function readGate(client: TableClient, gateId: string): Promise<Reading> {
  const partitionKey = encodeId(gateId);
  const filter = odata`PartitionKey eq ${partitionKey}`;
  for (;;) {
    const entities: Row[] = [];
    let answers = 0;
    let readAt = "";
    const onResponse = (raw: { readonly headers: { get(name: string): string | undefined } }) => {
      readAt = raw.headers.get("date") ?? "";
    };
    const pages = client.listEntities({ queryOptions: { filter }, onResponse }).byPage();
    for await (const page of pages) {
      entities.push(...page);
      answers += 1;
    }
    const meta = entities.find((entity) => entity.rowKey === metaRowKey);
    // One answer is a snapshot of the partition. Several may straddle a change; then the meta row tells.
    if (answers <= 1 || meta?.etag === (await client.getEntity(partitionKey, metaRowKey)).etag) {
      return {
        partitionKey,
        meta: meta === undefined ? newMeta(gateId) : readMeta(meta),
        etag: meta?.etag,
        rows: rowsOf(entities),
        writtenAt: meta?.timestamp ?? "",
        readAt,
      };
    }
  }
}

function rowsOf(entities: readonly Row[]): GateRows {
  return new Map(
    entities.flatMap((entity) =>
      entity.rowKey === undefined || entity.rowKey === metaRowKey
        ? []
        : [[entity.rowKey, readRow(entity)]],
    ),
  );
}

/** Every gate there is; each as it was at about the same moment. */
export async function knownGates(client: TableClient): Promise<readonly GateRecord[]> {
  const entities: Row[] = [];
  for await (const page of client.listEntities().byPage()) {
    entities.push(...page);
  }
  const partitions = Map.groupBy(entities, (entity) => String(entity.partitionKey));
  return [...partitions.values()].flatMap((partition) => {
    const meta = partition.find((entity) => entity.rowKey === metaRowKey);
    return meta === undefined ? [] : [recordOf(readMeta(meta), rowsOf(partition))];
  });
}

/** Ids of gates that lag behind, or hold a window that has to be taken off. */
export async function unsettledGates(client: TableClient, now: Date): Promise<readonly string[]> {
  const end = now.toISOString();
  // NB. Rows of before there were firewalls do not tell when they are due, only when their windows end.
  const filter = odata`RowKey eq ${metaRowKey} and (behind eq ${true} or nextDueAt le ${end} or nextClosesAt le ${end})`;
  const rows = await firstRows(client, [filter], Number.POSITIVE_INFINITY);
  return rows.map((row) => readMeta(row).gateId);
}

/** Gates that owe the closing of a window, wanted or taken away, which ended at `before` or earlier. */
export async function overdueGates(
  client: TableClient,
  before: Date,
): Promise<readonly OverdueGate[]> {
  const end = before.toISOString();
  const filter = odata`RowKey eq ${metaRowKey} and (nextClosesAt le ${end} or owedSince le ${end})`;
  const rows = await firstRows(client, [filter], Number.POSITIVE_INFINITY);
  return rows.map((row) => {
    const { gateId, owedSince } = readMeta(row);
    const next = String(row["nextClosesAt"]);
    return { gateId, closesAt: next < owedSince ? next : owedSince };
  });
}
