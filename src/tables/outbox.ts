import { odata, type TableClient } from "@azure/data-tables";
import type { Notification } from "../notify/event.ts";
import type { Outbox, OutboxEntry, WaitingEntry } from "../notify/outbox.ts";
import { isUrgent } from "../notify/summary.ts";
import type { Tables } from "./client.ts";
import { packBody, unpackBody } from "./codec.ts";
import { alreadyExists, changedMeanwhile, isMissing, unlessMissing } from "./etag.ts";
import { inParallel } from "./in-parallel.ts";
import { encodeKey } from "./keys.ts";
import { firstRows, type Row } from "./paging.ts";

/** One partition, so that the two rows of an entry are written together: a thousand notifications a second would fit. */
const partitionKey = "outbox";

/** So many rows are forgotten at once, and so often in one go. */
const [mostForgotten, mostRounds] = [1_000, 50];

/**
 * The outbox: an entry is a `told` row, by which it is known for as long as it is remembered, and a `waiting` row until it is
 * delivered. Both are written in one transaction, so a second adding finds the first one and changes nothing; looking for
 * what is due reads only what waits: what is urgent first, then those that were added first.
 */
export function createOutbox(tables: Tables): Outbox {
  return {
    async add(entry) {
      const client = await tables.outbox();
      const { told, waiting } = rowKeysOf(entry);
      try {
        await client.submitTransaction([
          ["create", { partitionKey, rowKey: told, addedAt: entry.addedAt }],
          ["create", { partitionKey, rowKey: waiting, ...columnsOf(entry) }],
        ]);
      } catch (error) {
        if (!alreadyExists(error)) {
          throw error;
        }
      }
    },

    async due(webhook, now, most) {
      const prefix = `waiting|${encodeKey(webhook)}`;
      const filter = `${rowsOf(prefix)} and ${odata`nextAttemptAt le ${now.toISOString()}`}`;
      return (await firstRows(await tables.outbox(), [filter], most)).map(entryOf);
    },

    async claim(entry, until) {
      const attempts = entry.attempts + 1;
      const etag = await update(await tables.outbox(), entry, {
        nextAttemptAt: until.toISOString(),
        attempts,
      });
      return etag === undefined ? undefined : { ...entry, attempts, etag };
    },

    async finish({ key }) {
      const client = await tables.outbox();
      // NB. Whoever holds it now: delivered is delivered.
      await unlessMissing(client.deleteEntity(partitionKey, key));
    },

    async postpone(entry, until) {
      await update(await tables.outbox(), entry, { nextAttemptAt: until.toISOString() });
    },

    async purge(before) {
      const client = await tables.outbox();
      const old = odata`addedAt lt ${before.toISOString()}`;
      for (const prefix of ["waiting", "told"]) {
        const filter = `${rowsOf(prefix)} and ${old}`;
        for (let round = 1; round <= mostRounds; round += 1) {
          const rows = await firstRows(client, [filter], mostForgotten);
          await inParallel(rows, ({ rowKey = "" }) =>
            unlessMissing(client.deleteEntity(partitionKey, rowKey)),
          );
          if (rows.length < mostForgotten) {
            break;
          }
        }
      }
    },
  };
}

function rowKeysOf({ webhook, notification, addedAt }: OutboxEntry) {
  const [name, id] = [encodeKey(webhook), encodeKey(notification.id)];
  // Keys sort: a flood of what is usual keeps nobody from what is urgent.
  const rank = isUrgent(notification) ? "0" : "1";
  return { told: `told|${name}|${id}`, waiting: `waiting|${name}|${rank}${addedAt}|${id}` };
}

/** `|` is in no encoded key, and `}` follows it. */
function rowsOf(prefix: string): string {
  return odata`PartitionKey eq ${partitionKey} and RowKey gt ${`${prefix}|`} and RowKey lt ${`${prefix}}`}`;
}

function columnsOf({ webhook, notification, addedAt }: OutboxEntry) {
  return { webhook, addedAt, nextAttemptAt: addedAt, attempts: 0, ...packBody(notification) };
}

function entryOf(row: Row): WaitingEntry {
  return {
    key: row.rowKey ?? "",
    etag: row.etag,
    webhook: String(row["webhook"]),
    addedAt: String(row["addedAt"]),
    attempts: Number(row["attempts"]),
    notification: unpackBody<Notification>(row),
  };
}

/** The new ETag; nothing when somebody else has changed it since, or it is gone. */
async function update(
  client: TableClient,
  { key, etag }: WaitingEntry,
  columns: Readonly<Record<string, string | number>>,
): Promise<string | undefined> {
  try {
    const answer = await client.updateEntity({ partitionKey, rowKey: key, ...columns }, "Merge", {
      etag,
    });
    return answer.etag;
  } catch (error) {
    if (changedMeanwhile(error) || isMissing(error)) {
      return undefined;
    }
    throw error;
  }
}
