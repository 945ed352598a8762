import type { GateReading, GateRecord } from "../ports.ts";
import type { Reason } from "../reasons.ts";
import type { Gate, GateRule } from "../rules/gate.ts";
import type { GatePlan } from "../rules/nsg-plan.ts";
import { sameName } from "../rules/owned.ts";
import { leadOf } from "../rules/update-time.ts";
import { planFor, withStrangers } from "./settlement.ts";
import { untouched } from "./touched.ts";
import type { SettlePorts } from "./turn.ts";

/** An update that is over, or that there was none: whether it came to its end as asked, or as far as Azure tells came to nothing. */
export interface Over {
  readonly isDone?: boolean;
  readonly failure?: { readonly reason: Reason; readonly retryAfterMs: number };
}

/**
 * The plan for the moment by which an update could be in effect: a window that ends before is over for it. NB. A reading may be
 * older than the last write. That a rule is gone which was put, or proven to stand, is therefore not believed before it has been
 * taken away once.
 */
export function planAhead(
  { clock, owner }: SettlePorts,
  record: GateRecord,
  reading: GateReading,
): { readonly plan: GatePlan<GateRule>; readonly seen: Gate } {
  const { touched = untouched, proven = [] } = record;
  const inEffectAt = new Date(clock.now().getTime() + leadOf(record));
  const seen = withStrangers(record, reading.gate, owner, touched.put);
  const plan = planFor(record, seen, inEffectAt, owner);
  if (plan.changes.length > 0) {
    return { plan, seen };
  }
  const rules: readonly GateRule[] = seen.rules;
  const isIn = (names: readonly string[], name: string) =>
    names.some((other) => sameName(other, name));
  const present = rules.map(({ name }) => name);
  const unseen = [...new Set([...touched.put, ...proven.map(({ name }) => name)])].filter(
    (name) => !(isIn(present, name) || isIn(touched.removed, name)),
  );
  const changes = unseen.map((name) => ({ kind: "delete", name }) as const);
  return { plan: { ...plan, changes }, seen };
}

/**
 * Whether nothing has to be written. NB. After a write that failed the rules may be there to read, and not in effect: it is sent
 * again. Not after one that came to its end: then something else has failed, such as another firewall of the policy.
 */
export const isAsWanted = (
  { changes }: GatePlan<GateRule>,
  { isFailed }: GateReading,
  { failures = 0, touched, isInterrupted }: GateRecord,
  { isDone }: Over,
): boolean => {
  const wasWritten = failures > 0 || touched !== undefined || isInterrupted === true;
  const hasToRepeat = isFailed === true && isDone !== true && wasWritten;
  return changes.length === 0 && !hasToRepeat;
};

/**
 * The record without the windows that could not be closed in time by an update after the next one: they go with that one, as
 * no other update can begin while it runs. NB. They are wanted no longer from then on, so that none of them comes back.
 */
export async function withoutEnding(
  { clock, gates }: SettlePorts,
  record: GateRecord,
): Promise<GateRecord> {
  const tooLate = clock.now().getTime() + 2 * leadOf(record);
  const removeWindows = record.intent.windows
    .filter(({ closesAt }) => Date.parse(closesAt) <= tooLate)
    .map(({ windowId }) => windowId);
  if (removeWindows.length === 0) {
    return record;
  }
  await gates.change(record.gateId, { removeWindows });
  return gates.read(record.gateId);
}
