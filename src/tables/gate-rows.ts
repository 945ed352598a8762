import type { TableEntity } from "@azure/data-tables";
import { idKey } from "../policy/resource-id.ts";
import type { GateRecord, ProvenRule } from "../ports.ts";
import type { Finding } from "../reasons.ts";
import type { DesiredDeny, DesiredWindow, Leftover, WindowResult } from "../rules/intent.ts";
import { leadOf } from "../rules/update-time.ts";
import type { GateWriting } from "../rules/writing.ts";
import { packBody, unpackBody } from "./codec.ts";
import { encodeKey } from "./keys.ts";

/** Sorts before every other row of a partition, so that a long reading sees it first and its ETag guards all that follows. */
export const metaRowKey = "0meta";

/** Stands for "no window": after every time there is. */
export const never = "9999-12-31T23:59:59.999Z";

/** The `meta` row of a gate. Everything that changes a row of the partition changes it too, so its ETag stands for the whole. */
export interface GateMeta {
  readonly gateId: string;
  readonly desired: number;
  readonly applied: number;
  /** Empty when nobody holds the lease. */
  readonly leaseHolder: string;
  /** Never goes back, not even with a new holder: a lease seen long ago cannot look like one of today. */
  readonly leaseBeat: number;
  /** When the beat was raised, by the clock of the storage; empty when that is the row's own timestamp: nobody has written it since. */
  readonly beatAt: string;
  /** Who completed last, until somebody takes the lease: tells a repeated `complete` from a late one. */
  readonly completedBy: string;
  /** A write was begun and no settlement has been recorded since. */
  readonly isInterrupted: boolean;
  /** The earliest end among windows that were taken away and are not proven gone yet; {@link never} when there is none. */
  readonly owedSince: string;
  /** When the last settlement read the gate, and its ETag then; empty where there was none. */
  readonly provenAt: string;
  readonly provenEtag: string;
  /** So many milliseconds before its end a window has to be taken off this gate; 0 where writes are waited for. */
  readonly leadMs: number;
}

interface DenyRow {
  readonly deny: DesiredDeny;
}

export interface WindowRow {
  readonly window: DesiredWindow;
  readonly result?: WindowResult | undefined;
  /** The desired revision with which the window came or last changed; absent until it is written. */
  readonly revision?: number | undefined;
}

/** What the last settle found; there only when it found something. */
interface FindingsRow {
  readonly findings: readonly Finding[];
}

/** Our rules as the last settlement read them back; there once the gate has been settled. */
interface ProvenRow {
  readonly proven: readonly ProvenRule[];
}

/** Rules of another product that may go; there until the next settlement. */
interface LeftoversRow {
  readonly leftovers: readonly Leftover[];
}

/** Updates of a firewall; there once one has been begun. */
export interface UpdatesRow {
  readonly updates: Pick<GateRecord, "operation" | "touched" | "failures" | "updateTimes">;
}

/** A write that was begun and not settled since. */
interface WritingRow {
  readonly writing: GateWriting;
}

/** What was told to keep ports open; there only when something was. */
interface ExposedRow {
  readonly exposed: readonly Finding[];
}

export type GateRow =
  | DenyRow
  | WindowRow
  | FindingsRow
  | ProvenRow
  | LeftoversRow
  | UpdatesRow
  | WritingRow
  | ExposedRow;

/** The rows of a gate by row key. Values are never changed in place: a row that is the same object is the same row. */
export type GateRows = ReadonlyMap<string, GateRow>;

/** The row keys of what a gate has one row of. */
export const [findingsKey, provenKey, leftoversKey, updatesKey, writingKey, exposedKey] = [
  "findings",
  "proven",
  "leftovers",
  "updates",
  "writing",
  "exposed",
] as const;

export function newMeta(gateId: string): GateMeta {
  return {
    gateId,
    desired: 0,
    applied: 0,
    leaseHolder: "",
    leaseBeat: 0,
    beatAt: "",
    completedBy: "",
    isInterrupted: false,
    owedSince: never,
    provenAt: "",
    provenEtag: "",
    leadMs: leadOf({ gateId }),
  };
}

export function readMeta(row: Readonly<Record<string, unknown>>): GateMeta {
  const {
    gateId,
    desired,
    applied,
    leaseHolder,
    leaseBeat,
    beatAt,
    completedBy,
    isInterrupted,
    owedSince,
    provenAt,
    provenEtag,
    leadMs,
  } = row;
  return {
    gateId: String(gateId),
    desired: Number(desired),
    applied: Number(applied),
    leaseHolder: String(leaseHolder),
    leaseBeat: Number(leaseBeat),
    beatAt: String(beatAt),
    completedBy: String(completedBy),
    isInterrupted: isInterrupted === true,
    owedSince: String(owedSince),
    provenAt: String(provenAt ?? ""),
    provenEtag: String(provenEtag ?? ""),
    leadMs: Number(leadMs ?? 0),
  };
}

/**
 * The row of `meta`, with the columns by which the sweep finds gates: `behind` (or not proven since a write began), `nextDueAt` (when the first window has to be taken
 * off) and `nextClosesAt` (when the first one ends).
 */
export function metaRow(partitionKey: string, meta: GateMeta, nextClosesAt: string): TableEntity {
  return {
    partitionKey,
    rowKey: metaRowKey,
    ...meta,
    behind: meta.applied < meta.desired || meta.isInterrupted,
    nextClosesAt,
    nextDueAt:
      nextClosesAt === never
        ? never
        : new Date(Date.parse(nextClosesAt) - meta.leadMs).toISOString(),
  };
}

export function readRow(row: Readonly<Record<string, unknown>>): GateRow {
  return unpackBody<GateRow>(row);
}

/** The row with the revision it is written with, unless it was written before. */
export function entityRow(
  partitionKey: string,
  rowKey: string,
  row: GateRow,
  revision: number,
): TableEntity {
  return { partitionKey, rowKey, ...packBody("window" in row ? { revision, ...row } : row) };
}

/** The earliest end among the windows, in a form that sorts as text. */
export function nextClosesAt(...all: readonly GateRows[]): string {
  return all
    .flatMap((rows) => [...rows.values()])
    .reduce((earliest, row) => {
      const closesAt = "window" in row ? closingTime(row.window) : never;
      return closesAt < earliest ? closesAt : earliest;
    }, never);
}

/** The end of a window as UTC text with milliseconds; throws a RangeError when it is no time. */
export function closingTime(window: Pick<DesiredWindow, "closesAt">): string {
  return new Date(window.closesAt).toISOString();
}

/** `quietForMs`: how long the lease's beat has stood still, where somebody holds it and the storage tells the time. */
export function recordOf(meta: GateMeta, rows: GateRows, quietForMs?: number): GateRecord {
  const all = [...rows.values()];
  const windows = all.filter((row) => "window" in row);
  const leftovers = all.flatMap((row) => ("leftovers" in row ? row.leftovers : []));
  const proven = all.find((row) => "proven" in row)?.proven;
  const updates = all.find((row) => "updates" in row)?.updates ?? {};
  const writing = all.find((row) => "writing" in row)?.writing;
  const exposed = all.find((row) => "exposed" in row)?.exposed;
  const etag = meta.provenEtag === "" ? {} : { etag: meta.provenEtag };
  const waiting = windows
    .filter(({ revision = Number.POSITIVE_INFINITY }) => revision > meta.applied)
    .map(({ window }) => window.windowId);
  return {
    gateId: meta.gateId,
    intent: {
      denies: all.flatMap((row) => ("deny" in row ? [row.deny] : [])),
      windows: windows.map((row) => row.window),
      ...(leftovers.length === 0 ? {} : { leftovers }),
    },
    desiredRevision: meta.desired,
    appliedRevision: meta.applied,
    results: Object.fromEntries(
      windows.flatMap((row) =>
        row.result === undefined ? [] : [[row.window.windowId, row.result]],
      ),
    ),
    findings: all.flatMap((row) => ("findings" in row ? row.findings : [])),
    ...(proven === undefined ? {} : { proven }),
    ...(meta.provenAt === "" ? {} : { proof: { readAt: meta.provenAt, ...etag } }),
    ...(meta.isInterrupted ? { isInterrupted: true } : {}),
    ...(writing === undefined ? {} : { writing }),
    ...(exposed === undefined ? {} : { exposed }),
    ...(waiting.length === 0 ? {} : { waiting }),
    ...updates,
    ...(meta.leaseHolder === ""
      ? {}
      : {
          lease: {
            holder: meta.leaseHolder,
            beat: meta.leaseBeat,
            ...(quietForMs === undefined ? {} : { quietForMs }),
          },
        }),
  };
}

/** The row key of a window. */
export function windowKey(windowId: string): string {
  return `window|${encodeKey(windowId)}`;
}

/** The row key of what a policy wants closed for a VM. */
export function denyKey(deny: DesiredDeny): string {
  return `deny|${encodeKey(`${idKey(deny.policyId)} ${idKey(deny.vmId)}`)}`;
}
