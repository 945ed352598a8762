import { isDeepStrictEqual } from "node:util";
import { idKey } from "../policy/resource-id.ts";
import type { IntentChange, Settlement } from "../ports.ts";
import { endedAt } from "../rules/changed-intent.ts";
import type { DesiredDeny, DesiredWindow, Leftover } from "../rules/intent.ts";
import { asStored } from "./codec.ts";
import {
  denyKey,
  exposedKey,
  findingsKey,
  type GateRow,
  type GateRows,
  leftoversKey,
  nextClosesAt,
  provenKey,
  type UpdatesRow,
  updatesKey,
  type WindowRow,
  windowKey,
  writingKey,
} from "./gate-rows.ts";

/** The rows after a change: what it removes goes before what it adds. A row that would be the same stays the same object. */
export function applyChange(rows: GateRows, change: IntentChange): GateRows {
  const next = new Map(rows);
  const { removeWindowsOfPolicy, removeWindows = [], addWindows = [], denies } = change;
  const { addLeftovers = [], endWindows = [] } = change;
  if (removeWindowsOfPolicy !== undefined) {
    deleteWhere(next, (row) => "window" in row && isOfPolicy(row.window, removeWindowsOfPolicy));
  }
  for (const windowId of removeWindows) {
    next.delete(windowKey(windowId));
  }
  for (const window of addWindows) {
    next.set(
      windowKey(window.windowId),
      nextWindow(windowRow(rows, window.windowId), asStored(window)),
    );
  }
  for (const { windowId, closesAt } of endWindows) {
    const row = windowRow(next, windowId);
    if (row !== undefined) {
      // The revision stays: a settlement that has seen the window has seen its rules.
      setIfOther(next, windowKey(windowId), { ...row, window: endedAt(row.window, closesAt) });
    }
  }
  if (denies !== undefined) {
    deleteWhere(next, (row) => "deny" in row && isOfPolicy(row.deny, denies.policyId));
    for (const deny of denies.rows) {
      next.set(denyKey(deny), nextDeny(rows.get(denyKey(deny)), asStored(deny)));
    }
  }
  if (addLeftovers.length > 0) {
    setIfOther(next, leftoversKey, { leftovers: mergedLeftovers(rows, asStored(addLeftovers)) });
  }
  return next;
}

/**
 * The rows after a settlement. NB. A window that changed after the settler had read it (a later revision) is not dropped,
 * whatever the settler says: somebody has extended it.
 */
export function applySettlement(rows: GateRows, settlement: Settlement): GateRows {
  const { revision, expired } = settlement;
  const { results, findings, proven, exposed = [] } = asStored(settlement);
  const next = new Map(rows);
  for (const [windowId, result] of Object.entries(results)) {
    const row = windowRow(rows, windowId);
    if (row !== undefined && !isDeepStrictEqual(row.result, result)) {
      next.set(windowKey(windowId), { ...row, result });
    }
  }
  for (const windowId of expired) {
    if ((windowRow(rows, windowId)?.revision ?? Number.POSITIVE_INFINITY) <= revision) {
      next.delete(windowKey(windowId));
    }
  }
  if (findings.length === 0) {
    next.delete(findingsKey);
  } else {
    setIfOther(next, findingsKey, { findings });
  }
  if (exposed.length === 0) {
    next.delete(exposedKey);
  } else {
    setIfOther(next, exposedKey, { exposed });
  }
  setIfOther(next, provenKey, { proven });
  next.delete(writingKey);
  const updates = next.get(updatesKey);
  if (updates !== undefined && "updates" in updates) {
    const { touched: _, failures: __, ...rest } = updates.updates;
    setIfOther(next, updatesKey, { updates: rest });
  }
  return next;
}

/** The rows with other updates of a firewall. */
export function withUpdates(
  rows: GateRows,
  change: (updates: UpdatesRow["updates"]) => UpdatesRow["updates"],
): GateRows {
  const row = rows.get(updatesKey);
  const before = row !== undefined && "updates" in row ? row.updates : {};
  return new Map(rows).set(updatesKey, { updates: asStored(change(before)) });
}

/** The rows without the leftovers: only for a settlement that has seen every change of the gate. */
export function withoutLeftovers(rows: GateRows): GateRows {
  const next = new Map(rows);
  next.delete(leftoversKey);
  return next;
}

/** The earliest end among the windows that are in the one and not in the other any more. */
export function earliestRemoved(before: GateRows, after: GateRows): string {
  return nextClosesAt(new Map([...before].filter(([key]) => !after.has(key))));
}

function mergedLeftovers(rows: GateRows, added: readonly Leftover[]): readonly Leftover[] {
  const row = rows.get(leftoversKey);
  const before = row !== undefined && "leftovers" in row ? row.leftovers : [];
  const names = new Set(added.map((leftover) => leftover.name.toLowerCase()));
  return [...before.filter((leftover) => !names.has(leftover.name.toLowerCase())), ...added];
}

function setIfOther(rows: Map<string, GateRow>, key: string, row: GateRow): void {
  if (!isDeepStrictEqual(rows.get(key), row)) {
    rows.set(key, row);
  }
}

function nextWindow(before: WindowRow | undefined, window: DesiredWindow): WindowRow {
  if (before === undefined) {
    return { window };
  }
  // A window that changes keeps its result: it has been settled, if in an earlier form.
  return isDeepStrictEqual(before.window, window) ? before : { window, result: before.result };
}

function nextDeny(before: GateRow | undefined, deny: DesiredDeny): GateRow {
  return before !== undefined && isDeepStrictEqual(before, { deny }) ? before : { deny };
}

function windowRow(rows: GateRows, windowId: string): WindowRow | undefined {
  const row = rows.get(windowKey(windowId));
  return row !== undefined && "window" in row ? row : undefined;
}

function isOfPolicy(wanted: { readonly policyId: string }, policyId: string): boolean {
  return idKey(wanted.policyId) === idKey(policyId);
}

function deleteWhere(rows: Map<string, GateRow>, matches: (row: GateRow) => boolean): void {
  for (const [key, row] of rows) {
    if (matches(row)) {
      rows.delete(key);
    }
  }
}
