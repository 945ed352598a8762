import type { TableEntity } from "@azure/data-tables";
import { eventName, type HistoryEvent, type ParentLink } from "./history.ts";
import { hasEnded, type InstanceRow, type RuntimeStatus } from "./store.ts";
import { fromColumns, piecesOf, ROW_CHARS, toAscii, toColumns } from "./text-columns.ts";

export type Entity = TableEntity<Record<string, unknown>>;

/** An instance as a row: the instance is the partition, long texts are spread over columns. */
export function toEntity(row: InstanceRow): Entity {
  const { instanceId, input, output, customStatus, parent, consumed, ...plain } = row;
  return {
    partitionKey: toKey(instanceId),
    rowKey: "",
    ...plain,
    isOpen: !hasEnded(row.runtimeStatus),
    ...toColumns("input", input),
    ...toColumns("output", output),
    ...toColumns("customStatus", customStatus),
    ...toColumns("parent", parent && JSON.stringify(parent)),
    ...toColumns("consumed", JSON.stringify(consumed)),
  };
}

/** Reads what `toEntity` made. */
export function fromEntity(entity: Entity): InstanceRow {
  const text = (name: string) => String(entity[name] ?? "");
  const parent = fromColumns("parent", entity);
  return {
    instanceId: fromKey(String(entity.partitionKey)),
    name: text("name"),
    version: text("version"),
    executionId: text("executionId"),
    runtimeStatus: text("runtimeStatus") as RuntimeStatus,
    input: fromColumns("input", entity),
    output: fromColumns("output", entity),
    customStatus: fromColumns("customStatus", entity),
    createdAt: text("createdAt"),
    updatedAt: text("updatedAt"),
    parent: parent === null ? null : (JSON.parse(parent) as ParentLink),
    consumed: JSON.parse(fromColumns("consumed", entity) ?? "[]"),
  };
}

/** One row as a rule; a turn of more than a row's worth of text is cut into several, written together. */
export function toTurnRows(
  instanceId: string,
  executionId: string,
  turn: number,
  events: readonly HistoryEvent[],
): Entity[] {
  const text = toAscii(JSON.stringify(events));
  const number = turn.toString(16).padStart(8, "0");
  const pieces = piecesOf(text, ROW_CHARS);
  return pieces.map((piece, part) => ({
    partitionKey: toKey(instanceId),
    rowKey: `${executionId}-${number}${part.toString(16).padStart(8, "0")}`,
    turn: number,
    part,
    parts: pieces.length,
    // For whoever looks at the table by hand.
    kinds: events.slice(0, 50).map(eventName).join(" "),
    ...toColumns("events", piece),
  }));
}

/** Keys may not contain / \ # ? or control characters; percent signs mark what was replaced. */
export function toKey(instanceId: string): string {
  return instanceId.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly what a table key refuses.
    /[%/\\#?\u0000-\u001f\u007f-\u009f]/g,
    (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** The instance id a key was made of. */
export function fromKey(key: string): string {
  return key.replace(/%([0-9a-f]{2})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** The turns in rows that `toTurnRows` made, given in the order of their keys. */
export function fromTurnRows(rows: readonly Entity[]): HistoryEvent[][] {
  const turns = new Map<string, { text: string; parts: number }>();
  for (const row of rows) {
    const { turn, part, parts } = row as Entity & { turn: string; part: number; parts: number };
    const found = part === 0 ? { text: "", parts } : turns.get(turn);
    // A longer attempt at the same turn, given up, may have left rows behind.
    if (!found || part >= found.parts) continue;
    turns.set(turn, { parts: found.parts, text: found.text + (fromColumns("events", row) ?? "") });
  }
  return [...turns.values()].map(({ text }): HistoryEvent[] => JSON.parse(text));
}
