import type { Window } from "../access/request.ts";
import type { FactGate } from "../activity/fact.ts";
import { idKey } from "../policy/resource-id.ts";
import type { GateRecord } from "../ports.ts";
import { sameName, windowOfRule } from "../rules/owned.ts";
import type { WindowPorts } from "./open-windows.ts";

/** What storage knew of the gates of windows before these were taken off them, by gate key. */
export type Before = ReadonlyMap<string, GateRecord>;

/** Reads what is known of the rules of windows, while it is. */
export async function rulesBefore(
  { gates }: WindowPorts,
  windows: readonly Window[],
): Promise<Before> {
  const ids = [...new Set(windows.flatMap((window) => window.gates ?? []))];
  // NB. It only makes the fact say more: a fault of storage here keeps nothing from being closed.
  const records = await Promise.all(ids.map((id) => gates.read(id).catch(() => undefined)));
  return new Map(
    records.flatMap((record) => (record === undefined ? [] : [[idKey(record.gateId), record]])),
  );
}

/**
 * A window's gates as they were read back without it: with the names of its rules that had been there, where they are known, and are
 * not there any more. One that it shared with another window may be.
 */
export function provenGone(
  { id: windowId, gates = [] }: Window,
  before: Before,
  after: readonly GateRecord[],
): readonly FactGate[] {
  return gates.map((id) => {
    const settled = after.find((record) => idKey(record.gateId) === idKey(id));
    const left = settled?.proven ?? [];
    const gone = rulesOf(windowId, before.get(idKey(id))).filter(
      (name) => !left.some((rule) => sameName(rule.name, name)),
    );
    return { id, rules: gone, ...settled?.proof };
  });
}

function rulesOf(windowId: string, record: GateRecord | undefined): readonly string[] {
  const result = record?.results[windowId];
  if (result?.state === "open") {
    return result.rules;
  }
  // It is wanted no longer: whoever took it off its gates has left its rules to whoever settles them.
  return (record?.proven ?? [])
    .map(({ name }) => name)
    .filter((name) => windowOfRule(name) === windowId.toLowerCase());
}
