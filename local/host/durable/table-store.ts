import { odata, RestError, TableClient, type TransactionAction } from "@azure/data-tables";
import { eventName, type HistoryEvent } from "./history.ts";
import type { DurableStore, InstanceRow, StoredMessage } from "./store.ts";
import {
  type Entity,
  fromEntity,
  fromKey,
  fromTurnRows,
  toEntity,
  toKey,
  toTurnRows,
} from "./table-rows.ts";
import { fromColumns, toColumns } from "./text-columns.ts";

/** A transaction takes at most this many rows of one partition. */
const TRANSACTION_ROWS = 100;

export interface TableStoreOptions {
  readonly connectionString: string;
  /** 3 to 45 letters and digits. */
  readonly hubName: string;
}

/**
 * Keeps a hub in three tables of its own names, so that the real extension never meets our rows. The partition is the instance; a turn of
 * history is one row, so that committing it is one atomic write and one round trip.
 */
export function createTableStore(options: TableStoreOptions): DurableStore {
  return new TableStore(options);
}

class TableStore implements DurableStore {
  readonly #instances: TableClient;
  readonly #history: TableClient;
  readonly #inbox: TableClient;

  constructor({ connectionString, hubName }: TableStoreOptions) {
    const client = (kind: string) =>
      TableClient.fromConnectionString(connectionString, `${hubName}Local${kind}`, {
        allowInsecureConnection: /TableEndpoint=http:|UseDevelopmentStorage=true/i.test(
          connectionString,
        ),
      });
    this.#instances = client("Instances");
    this.#history = client("History");
    this.#inbox = client("Inbox");
  }

  async open(): Promise<void> {
    const tables = [this.#instances, this.#history, this.#inbox];
    await Promise.all(tables.map((table) => table.createTable()));
  }

  async get(instanceId: string): Promise<InstanceRow | undefined> {
    const entity = await unless(404, this.#instances.getEntity(toKey(instanceId), ""));
    return entity && fromEntity(entity as Entity);
  }

  async list({ onlyOpen } = { onlyOpen: false }): Promise<InstanceRow[]> {
    const entities = await rowsOf(this.#instances, onlyOpen ? "isOpen eq true" : undefined);
    return entities.map(fromEntity).sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
  }

  async create(row: InstanceRow): Promise<boolean> {
    const created = await unless(409, this.#instances.createEntity(toEntity(row)));
    return created !== undefined;
  }

  async put(row: InstanceRow): Promise<void> {
    await this.#instances.upsertEntity(toEntity(row), "Replace");
  }

  async history(instanceId: string, executionId: string): Promise<HistoryEvent[][]> {
    const entities = await rowsOf(this.#history, ofExecution(instanceId, executionId));
    return fromTurnRows(entities);
  }

  async putTurn(
    instanceId: string,
    executionId: string,
    turn: number,
    events: readonly HistoryEvent[],
  ): Promise<void> {
    const [row, ...more] = toTurnRows(instanceId, executionId, turn, events);
    if (!row) return;
    if (more.length === 0) await this.#history.upsertEntity(row, "Replace");
    else await upsertTogether(this.#history, [row, ...more]);
  }

  async dropHistory(instanceId: string, executionId: string): Promise<void> {
    const keys = await keysOf(this.#history, ofExecution(instanceId, executionId));
    await remove(this.#history, instanceId, keys);
  }

  async enqueue({ instanceId, key, event }: StoredMessage): Promise<void> {
    await this.#inbox.upsertEntity(
      {
        partitionKey: toKey(instanceId),
        rowKey: key,
        kind: eventName(event),
        ...toColumns("event", JSON.stringify(event)),
      },
      "Replace",
    );
  }

  async inbox(instanceId?: string): Promise<StoredMessage[]> {
    const filter = instanceId === undefined ? undefined : ofInstance(instanceId);
    const entities = await rowsOf(this.#inbox, filter);
    return entities
      .map((entity) => ({
        instanceId: fromKey(String(entity.partitionKey)),
        key: String(entity.rowKey),
        event: JSON.parse(fromColumns("event", entity) ?? "null"),
      }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async ack(instanceId: string, keys: readonly string[]): Promise<void> {
    await remove(this.#inbox, instanceId, keys);
  }

  async purge(instanceId: string): Promise<void> {
    await remove(this.#inbox, instanceId, await keysOf(this.#inbox, ofInstance(instanceId)));
    await remove(this.#history, instanceId, await keysOf(this.#history, ofInstance(instanceId)));
    await remove(this.#instances, instanceId, [""]);
  }
}

async function rowsOf(table: TableClient, filter: string | undefined): Promise<Entity[]> {
  const rows: Entity[] = [];
  const queryOptions = filter === undefined ? {} : { filter };
  for await (const entity of table.listEntities({ queryOptions })) rows.push(entity as Entity);
  return rows;
}

function ofInstance(instanceId: string): string {
  return odata`PartitionKey eq ${toKey(instanceId)}`;
}

/** Row keys of a turn start with the execution and a minus; a dot is the character behind that. */
function ofExecution(instanceId: string, executionId: string): string {
  const [from, to] = [`${executionId}-`, `${executionId}.`];
  return odata`PartitionKey eq ${toKey(instanceId)} and RowKey ge ${from} and RowKey lt ${to}`;
}

async function keysOf(table: TableClient, filter: string): Promise<string[]> {
  const keys: string[] = [];
  const found = table.listEntities({ queryOptions: { filter, select: ["RowKey"] } });
  for await (const { rowKey } of found) keys.push(String(rowKey));
  return keys;
}

async function upsertTogether(table: TableClient, rows: readonly Entity[]): Promise<void> {
  await table.submitTransaction(rows.map((row): TransactionAction => ["upsert", row, "Replace"]));
}

/** A row that is gone already is no error. */
async function remove(
  table: TableClient,
  instanceId: string,
  keys: readonly string[],
): Promise<void> {
  const partitionKey = toKey(instanceId);
  for (let from = 0; from < keys.length; from += TRANSACTION_ROWS) {
    const some = keys.slice(from, from + TRANSACTION_ROWS);
    await Promise.all(some.map((key) => unless(404, table.deleteEntity(partitionKey, key))));
  }
}

/** The answer, or undefined when the service refuses with this status. */
async function unless<T>(status: number, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RestError && error.statusCode === status) return undefined;
    throw error;
  }
}
