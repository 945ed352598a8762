import { isDeepStrictEqual } from "node:util";
import { odata, type TableClient } from "@azure/data-tables";
import { isLive } from "../access/life.ts";
import type { AccessRequest } from "../access/request.ts";
import { invertedTime } from "../activity/row-keys.ts";
import type { RequestStore } from "../ports.ts";
import type { Tables } from "./client.ts";
import { asStored, packBody, unpackBody } from "./codec.ts";
import { alreadyExists, type Pause, unlessMissing, untilUndisturbed } from "./etag.ts";
import { groupCommit, type Waiting } from "./group-commit.ts";
import { inParallel } from "./in-parallel.ts";
import { encodeKey } from "./keys.ts";
import { firstRows, type Row } from "./paging.ts";
import {
  indexRows,
  listRequests,
  type Place,
  policyPartition,
  requestorPartition,
  rowKeyOf,
} from "./request-index.ts";

type Change = (request: AccessRequest) => AccessRequest;
type WaitingChange = Waiting<Change, AccessRequest | undefined>;

/**
 * Requests: the row that counts lies in its policy's partition, the newest first; an index row by request id, written before it,
 * says where, and so do rows by requestor, by VM and by day of the subscription. So a request that `ofPolicy` shows can always be
 * found by each of them. Live ones have a row in a partition of their own.
 */
export function createRequestStore(tables: Tables, pause: Pause): RequestStore {
  const changeInTurn = groupCommit<Change, AccessRequest | undefined>(async (requestId, group) =>
    changeTogether(await tables.requests(), pause, requestId, group),
  );
  return {
    async create(request) {
      // NB. First: what is too large to be stored leaves no row that counts as somebody's live request for ever.
      const body = packBody(request);
      const client = await tables.requests();
      // NB. Known as live before it is there: whoever dies in between leaves a row too many, not a request too few.
      const [place] = await Promise.all([
        claimPlace(client, request),
        insertOnce(client, {
          ...liveKeys(request.id),
          requestor: requestorPartition(request.requestor),
        }),
        inParallel(indexRows(request), (row) => insertOnce(client, { ...row })),
      ]);
      const isNew = await insertOnce(client, { ...place, ...body });
      return isNew ? request : ((await readRequest(client, request.id)) ?? request);
    },

    async get(requestId) {
      return readRequest(await tables.requests(), requestId);
    },

    change: (requestId, change) => changeInTurn(requestId, change),

    async live() {
      const client = await tables.requests();
      const filter = odata`PartitionKey eq ${livePartition}`;
      const rows = await firstRows(client, [filter], Number.POSITIVE_INFINITY);
      const found = await inParallel(rows, (row) => readRequest(client, String(row["requestId"])));
      const requests = found.filter((request) => request !== undefined);
      // Whoever stored the request may have died before it was there: nobody can be about to write it any more.
      const orphans = rows.filter((row, index) => found[index] === undefined && isOld(row));
      await inParallel(orphans, (row) => forgetLive(client, String(row["requestId"])));
      // Whoever ended the last of it may have died before it took the row away.
      const ended = requests.filter((request) => !isLive(request));
      await inParallel(ended, ({ id }) => forgetLive(client, id));
      return requests.filter(isLive);
    },

    async countLive(requestor, most) {
      const filter = odata`PartitionKey eq ${livePartition} and requestor eq ${requestorPartition(requestor)}`;
      return (await firstRows(await tables.requests(), [filter], most)).length;
    },

    async ofPolicy(policyId, since, most = 1_000) {
      const before = invertedTime(new Date(since.getTime() - 1));
      const filter = odata`PartitionKey eq ${policyPartition(policyId)} and RowKey lt ${before}`;
      const rows = await firstRows(await tables.requests(), [filter], most);
      return rows.map((row) => unpackBody<AccessRequest>(row));
    },

    list: async (query) => listRequests(await tables.requests(), query),
  };
}

/** Applies all changes in order to one reading and writes once; a change that throws fails alone. */
async function changeTogether(
  client: TableClient,
  pause: Pause,
  requestId: string,
  group: readonly WaitingChange[],
): Promise<void> {
  const place = await findPlace(client, requestId);
  const tell = await untilUndisturbed(pause, async () => {
    const row = place && (await unlessMissing(client.getEntity(place.partitionKey, place.rowKey)));
    if (place === undefined || row === undefined) {
      return group.map((waiting) => () => waiting.resolve(undefined));
    }
    const stored = unpackBody<AccessRequest>(row);
    const { result, answers } = applyAll(stored, group);
    if (!isDeepStrictEqual(asStored(result), stored)) {
      await client.updateEntity({ ...place, ...packBody(result) }, "Replace", { etag: row.etag });
    }
    if (isLive(stored) && !isLive(result)) {
      await forgetLive(client, requestId);
    }
    return answers;
  });
  for (const answer of tell) {
    answer();
  }
}

function applyAll(stored: AccessRequest, group: readonly WaitingChange[]) {
  const answers: (() => void)[] = [];
  let result = stored;
  for (const waiting of group) {
    try {
      const changed = waiting.input(result);
      result = changed;
      answers.push(() => waiting.resolve(changed));
    } catch (error) {
      answers.push(() => waiting.reject(error));
    }
  }
  return { result, answers };
}

async function readRequest(
  client: TableClient,
  requestId: string,
): Promise<AccessRequest | undefined> {
  const place = await findPlace(client, requestId);
  const row = place && (await unlessMissing(client.getEntity(place.partitionKey, place.rowKey)));
  return row && unpackBody<AccessRequest>(row);
}

/** By the clock of the storage, which is near enough ours: an hour is long after every call has ended. */
function isOld({ timestamp }: Row): boolean {
  return Date.now() - Date.parse(timestamp ?? "") > 3_600_000;
}

async function forgetLive(client: TableClient, requestId: string): Promise<void> {
  const { partitionKey, rowKey } = liveKeys(requestId);
  await unlessMissing(client.deleteEntity(partitionKey, rowKey));
}

/** Writes the index row; for a request that has one already, answers the place that says. */
async function claimPlace(client: TableClient, request: AccessRequest): Promise<Place> {
  const place = { partitionKey: policyPartition(request.policyId), rowKey: rowKeyOf(request) };
  const isNew = await insertOnce(client, {
    ...indexKeys(request.id),
    partition: place.partitionKey,
    row: place.rowKey,
  });
  return isNew ? place : ((await findPlace(client, request.id)) ?? place);
}

async function findPlace(client: TableClient, requestId: string): Promise<Place | undefined> {
  const { partitionKey, rowKey } = indexKeys(requestId);
  const index = await unlessMissing(
    client.getEntity<{ partition: string; row: string }>(partitionKey, rowKey),
  );
  return index && { partitionKey: index.partition, rowKey: index.row };
}

async function insertOnce(
  client: TableClient,
  row: Place & Record<string, unknown>,
): Promise<boolean> {
  try {
    await client.createEntity(row);
    return true;
  } catch (error) {
    if (alreadyExists(error)) {
      return false;
    }
    throw error;
  }
}

/** The one partition of what is not over: as many rows as there are live requests, however long the history. */
const livePartition = "live";

function liveKeys(requestId: string) {
  return { partitionKey: livePartition, rowKey: encodeKey(requestId), requestId };
}

function indexKeys(requestId: string): Place {
  return { partitionKey: `id|${encodeKey(requestId)}`, rowKey: "index" };
}
