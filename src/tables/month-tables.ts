import type { TableClient, TableServiceClient } from "@azure/data-tables";
import { odata } from "@azure/data-tables";

/** A list of the months is believed for so long, in milliseconds: another process may have begun one, or dropped one. */
const believedFor = 30_000;

/** The tables of the activity, one for each month that has facts. Months are written `2026-11`. */
export interface MonthTables {
  /** Creates the table at the first use. Throws `TableBeingDeleted` (409) for a while after it was dropped. */
  toWrite(month: string): Promise<TableClient>;
  /** The table, whether it exists or not. */
  toRead(month: string): TableClient;
  /** Months that have a table, oldest first. A list that lacks the month named, if any, is not believed but read again. */
  months(including?: string): Promise<readonly string[]>;
  /** To be told when a table turns out to be gone that was there before: no table is taken for created any more. */
  forgetAll(): void;
  /** Done already is done. */
  drop(month: string): Promise<void>;
}

/** The month tables of an account; their names are the prefix and six digits. */
export function createMonthTables(
  service: TableServiceClient,
  prefix: string,
  open: (name: string) => TableClient,
): MonthTables {
  const clients = new Map<string, TableClient>();
  const created = new Map<string, Promise<unknown>>();
  let listed: { readonly at: number; readonly months: ReadonlySet<string> } | undefined;

  function toRead(month: string): TableClient {
    const client = clients.get(month) ?? open(`${prefix}${month.replace("-", "")}`);
    clients.set(month, client);
    return client;
  }

  async function list(): Promise<ReadonlySet<string>> {
    const months = new Set<string>();
    // `:` comes after the digits.
    const filter = odata`TableName ge ${prefix} and TableName lt ${`${prefix}:`}`;
    for await (const { name = "" } of service.listTables({ queryOptions: { filter } })) {
      const [, year, month] = /^(\d{4})(\d{2})$/.exec(name.slice(prefix.length)) ?? [];
      if (year !== undefined && month !== undefined) {
        months.add(`${year}-${month}`);
      }
    }
    return months;
  }

  function forget(month: string): void {
    created.delete(month);
    listed = undefined;
  }

  return {
    toRead,
    forgetAll() {
      created.clear();
      listed = undefined;
    },

    async toWrite(month) {
      const client = toRead(month);
      // The SDK takes "already exists" for success.
      const creation = created.get(month) ?? client.createTable();
      created.set(month, creation);
      try {
        await creation;
      } catch (error) {
        forget(month);
        throw error;
      }
      return client;
    },

    async months(including) {
      const known = listed;
      const isBelieved =
        known !== undefined &&
        Date.now() - known.at < believedFor &&
        (including === undefined || known.months.has(including));
      const months = isBelieved ? known.months : await list();
      if (!isBelieved) {
        listed = { at: Date.now(), months };
      }
      return [...new Set([...months, ...created.keys()])].sort();
    },

    async drop(month) {
      await toRead(month).deleteTable();
      forget(month);
    },
  };
}
