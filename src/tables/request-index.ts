import { odata, type TableClient } from "@azure/data-tables";
import { type AccessRequest, requestedVms } from "../access/request.ts";
import { invertedDay, invertedTime } from "../activity/row-keys.ts";
import type { Principal } from "../caller/caller.ts";
import { idKey, subscriptionOf } from "../policy/resource-id.ts";
import type { Page, RequestQuery } from "../ports.ts";
import { unpackBody } from "./codec.ts";
import { unlessMissing } from "./etag.ts";
import { inParallel } from "./in-parallel.ts";
import { encodeId, encodeKey } from "./keys.ts";
import { firstRows, type Row, readContinuation, writeContinuation } from "./paging.ts";

/** Where a row lies. */
export interface Place {
  readonly partitionKey: string;
  readonly rowKey: string;
}

/** The newest first. */
export function rowKeyOf(request: Pick<AccessRequest, "id" | "createdAt">): string {
  return `${invertedTime(request.createdAt)}|${encodeKey(request.id)}`;
}

export function policyPartition(policyId: string): string {
  return `policy|${encodeId(policyId)}`;
}

/** By it, a live request knows whose it is. */
export const requestorPartition = ({ tenantId, objectId }: Principal): string =>
  `requestor|${encodeKey(`${tenantId}.${objectId}`.toLowerCase())}`;

const vmPartition = (vmId: string): string => `vm|${encodeId(vmId)}`;

/** Of a subscription by day: the days are inverted too, so that one query over a range of partitions gives the newest first. */
const subscriptionPartitions = (subscriptionId: string): string =>
  `subscription|${encodeKey(subscriptionId.toLowerCase())}|`;

/** The rows that lead to a request by requestor, by each VM and by subscription; each says where the request lies. */
export function indexRows(request: AccessRequest): readonly (Place & { readonly at: string })[] {
  const subscription = subscriptionPartitions(subscriptionOf(request.policyId) ?? "");
  const vms = new Set(requestedVms(request).map(idKey));
  return [
    requestorPartition(request.requestor),
    `${subscription}${invertedDay(request.createdAt)}`,
    ...[...vms].map(vmPartition),
  ].map((partitionKey) => ({
    partitionKey,
    rowKey: rowKeyOf(request),
    at: policyPartition(request.policyId),
  }));
}

/** A page of requests, newest first. */
export async function listRequests(
  client: TableClient,
  query: RequestQuery,
): Promise<Page<AccessRequest>> {
  const rows = await firstRows(client, filtersOf(query), query.top + 1);
  const page = rows.slice(0, query.top);
  const last = page.at(-1);
  const found = await inParallel(page, (row) => requestOf(client, row));
  return {
    items: found.filter((request) => request !== undefined),
    ...(rows.length > query.top && last !== undefined ? { continuation: placeText(last) } : {}),
  };
}

/** Nothing for a row whose request was never stored: whoever wrote it died in between. */
async function requestOf(client: TableClient, row: Row): Promise<AccessRequest | undefined> {
  const at = row["at"];
  if (typeof at !== "string") {
    return unpackBody<AccessRequest>(row);
  }
  const found = await unlessMissing(client.getEntity(at, row.rowKey ?? ""));
  return found && unpackBody<AccessRequest>(found);
}

function filtersOf(query: RequestQuery): readonly string[] {
  const { of, from, to, continuation } = query;
  const times = odata`RowKey ge ${invertedTime(to)} and RowKey lt ${invertedTime(new Date(from.getTime() - 1))}`;
  const [partition, isByDay] = partitionOf(of);
  // NB. Only day and row are taken from the caller: a continuation never leads into the requests of somebody or something else.
  const [day = "", row = ""] =
    continuation === undefined
      ? []
      : readContinuation(continuation, [/^(\d{9})?$/, /^\d{16}\|[\w!.()~-]+$/]);
  if (!isByDay) {
    const after = continuation === undefined ? "" : ` and ${odata`RowKey gt ${row}`}`;
    return [`${odata`PartitionKey eq ${partition}`}${after} and ${times}`];
  }
  const oldest = `${partition}${invertedDay(from)}`;
  const newest = `${partition}${continuation === undefined ? invertedDay(to) : day}`;
  return continuation === undefined
    ? [`${odata`PartitionKey ge ${newest} and PartitionKey le ${oldest}`} and ${times}`]
    : [
        `${odata`PartitionKey eq ${newest} and RowKey gt ${row}`} and ${times}`,
        `${odata`PartitionKey gt ${newest} and PartitionKey le ${oldest}`} and ${times}`,
      ];
}

function partitionOf(of: RequestQuery["of"]): readonly [partition: string, isByDay: boolean] {
  if ("requestor" in of) {
    return [requestorPartition(of.requestor), false];
  }
  if ("vmId" in of) {
    return [vmPartition(of.vmId), false];
  }
  return "policyId" in of
    ? [policyPartition(of.policyId), false]
    : [subscriptionPartitions(of.subscriptionId), true];
}

function placeText(row: Row): string {
  const [kind, , day = ""] = (row.partitionKey ?? "").split("|");
  return writeContinuation([kind === "subscription" ? day : "", row.rowKey ?? ""]);
}
