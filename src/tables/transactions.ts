import type { TableEntity } from "@azure/data-tables";

/**
 * Azure's limits for an entity group transaction are 100 rows and 4 MiB of payload; a quarter of it is left free.
 * @see https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
 */
const limits = { rows: 100, bytes: 3 * 1_024 * 1_024 } as const;

/** What is sent around a row: headers of its part, address, names and types of columns. */
const bytesAround = 2_048;

/** Rows of one partition in their order, in groups that one transaction takes each, beside so many other small rows. */
export function transactionsOf<T extends TableEntity>(
  rows: readonly T[],
  others = 0,
): readonly (readonly T[])[] {
  const groups: T[][] = [];
  let bytes = 0;
  for (const row of rows) {
    const group = groups.at(-1);
    const size = sentBytes(row);
    if (
      group === undefined ||
      group.length + others >= limits.rows ||
      bytes + size > limits.bytes
    ) {
      groups.push([row]);
      bytes = size;
    } else {
      group.push(row);
      bytes += size;
    }
  }
  return groups;
}

/** How long the row is as it is sent: JSON, binary columns in base64. */
function sentBytes(row: TableEntity): number {
  return Object.values(row).reduce<number>(
    (sum, value) =>
      sum +
      (value instanceof Uint8Array
        ? Math.ceil(value.length / 3) * 4
        : Buffer.byteLength(JSON.stringify(value) ?? "")),
    bytesAround,
  );
}
