import type { GateRecord, Touched } from "../ports.ts";
import type { GateRule } from "../rules/gate.ts";
import type { GatePlan } from "../rules/nsg-plan.ts";
import { sameName } from "../rules/owned.ts";
import type { Turn } from "./turn.ts";

/** What a firewall that is settled has of touched rules. */
export const untouched: Touched = { put: [], removed: [] };

/** All that was written since the last settlement, with these changes. */
export function touchedBy(
  { touched = untouched }: GateRecord,
  turn: Turn,
  { changes }: GatePlan<GateRule>,
): Touched {
  const put = changes.flatMap((change) => (change.kind === "put" ? [change.rule.name] : []));
  const removed = changes.flatMap((change) => (change.kind === "delete" ? [change.name] : []));
  const without = (names: readonly string[], others: readonly string[]) =>
    names.filter((name) => !others.some((other) => sameName(other, name)));
  const repair =
    touched.repair ??
    (turn.found.length > 0 ? { id: turn.repairId, found: turn.found } : undefined);
  return {
    put: [...new Set([...without(touched.put, removed), ...put])],
    removed: [...new Set([...without(touched.removed, put), ...without(removed, put)])],
    ...(repair === undefined ? {} : { repair }),
  };
}

/**
 * What a write touched that was not taken up, as far as is known. NB. What it was to remove is not believed to be gone by a reading
 * that is as old as the one before; but for what an earlier write has removed.
 */
export const notRemoved = (now: Touched, { touched = untouched }: GateRecord): Touched => ({
  ...now,
  removed: touched.removed,
});
