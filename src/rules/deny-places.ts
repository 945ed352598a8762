import { resourceName } from "../policy/resource-id.ts";
import type { Finding } from "../reasons.ts";
import type { RuleDraft } from "./desired-rules.ts";
import { nsgLimits, type SecurityRule } from "./nsg.ts";
import { mayTouch } from "./overlap.ts";
import { tookPriority } from "./owned.ts";
import {
  allowBand,
  full,
  highestFree,
  hold,
  lowestFree,
  type Placed,
  type Places,
  presentPlace,
  presentRule,
  release,
} from "./places.ts";

/** Where deny rules stand that need not go before a customer rule of the band for allow rules. */
const denyBand = { first: allowBand.last + 1, last: nsgLimits.highestPriority } as const;

/** A deny rule in the band for allow rules leaves one number at least to them. */
const firstInFront = allowBand.first + 1;

/**
 * Keeps a deny rule where it stands, when that is a good place: for one that takes priority also a place behind, until
 * {@link placeDeny} finds it one in front.
 */
export function keepDeny(places: Places, draft: RuleDraft): Placed | undefined {
  const present = presentRule(places, draft);
  // NB. It went before others and shall not any longer: unlike one that others came behind, it yields to them again.
  if (present !== undefined && tookPriority(present) && !draft.takesPriority) {
    return undefined;
  }
  const first = draft.takesPriority ? firstInFront : denyBand.first;
  const priority = presentPlace(places, draft, first, denyBand.last);
  const isGood =
    priority !== undefined && (priority >= denyBand.first || isInFront(places, draft, priority));
  return isGood ? hold(places, draft, priority) : undefined;
}

/**
 * Finds a place for a deny rule that has none, or a better one for a rule that takes priority and stands behind.
 *
 * A deny rule yields to the customer's allow rules that stand when it is first placed; where it stands later is its place.
 * Customer deny rules do not matter to it: two denies have the same effect in either order, and a closing deny-all at 4096
 * would leave no room behind itself. One that takes priority goes before those allow rules, if need be into the band for
 * allow rules, and where there is no room before them behind them like any other.
 */
export function placeDeny(
  places: Places,
  draft: RuleDraft,
  current: Placed | undefined,
): Placed | undefined {
  const stands = current !== undefined && "rule" in current ? current.rule.priority : undefined;
  if (stands !== undefined && (!draft.takesPriority || isInFront(places, draft, stands))) {
    return current;
  }
  if (current !== undefined) {
    release(places, current);
  }
  const priority =
    (draft.takesPriority ? freeInFront(places, draft) : undefined) ??
    stands ??
    lowestFree(places, behindAll(places, draft), denyBand.last) ??
    presentPlace(places, draft, denyBand.first, denyBand.last);
  return priority === undefined ? undefined : hold(places, draft, priority);
}

/** What is told of a deny rule without a place. */
export function noPlace(places: Places, draft: RuleDraft): Placed {
  const range = `${behindAll(places, draft)} to ${denyBand.last}`;
  const { vmId } = draft;
  const what = `no free priority from ${range} for the deny rule of '${resourceName(vmId)}'`;
  return { draft, fault: { ...full(places, what), vmId } };
}

/** Customer allow rules that are read before a deny rule of ours and leave one of its ports open. */
export function exposures(
  places: Places,
  draft: RuleDraft,
  rule: SecurityRule,
): readonly Finding[] {
  const { vmId } = draft;
  const groupName = resourceName(places.group.id);
  return exposing(places, draft)
    .filter((other) => other.priority < rule.priority)
    .map((other) => ({
      code: "ExposedByCustomerRule",
      message: `Rule '${other.name}' (priority ${other.priority}) of network security group '${groupName}' lets traffic to a protected port of '${resourceName(vmId)}' through before our deny rule is read.`,
      target: other.name,
      vmId,
    }));
}

/** Customer rules that let traffic of the deny rule through where they are read before it. */
function exposing(places: Places, draft: RuleDraft): readonly SecurityRule[] {
  const known = places.exposing.get(draft);
  if (known !== undefined) {
    return known;
  }
  const found = places.customer.filter(
    (rule) => rule.access === "Allow" && mayTouch(rule, draft.rule),
  );
  places.exposing.set(draft, found);
  return found;
}

const isInFront = (places: Places, draft: RuleDraft, priority: number): boolean =>
  exposing(places, draft).every((rule) => rule.priority > priority);

function freeInFront(places: Places, draft: RuleDraft): number | undefined {
  const last = exposing(places, draft).reduce<number>(
    (before, rule) => Math.min(before, rule.priority - 1),
    denyBand.last,
  );
  return (
    lowestFree(places, denyBand.first, last) ??
    highestFree(places, firstInFront, Math.min(last, allowBand.last))
  );
}

const behindAll = (places: Places, draft: RuleDraft): number =>
  exposing(places, draft).reduce<number>(
    (after, rule) => Math.max(after, rule.priority + 1),
    denyBand.first,
  );
