import { resourceName } from "../policy/resource-id.ts";
import type { Finding } from "../reasons.ts";
import type { RuleDraft } from "./desired-rules.ts";
import type { Owner } from "./intent.ts";
import { type NetworkSecurityGroup, nsgLimits, type SecurityRule } from "./nsg.ts";
import { isOwned, sameName } from "./owned.ts";

/**
 * Priorities kept for allow rules. Deny rules stay behind this band unless they have to go before a customer rule that
 * stands in it. 200 windows at once on one gate are far more than people open, and leave 3,797 numbers to customers and
 * deny rules.
 */
export const allowBand = { first: 100, last: 299 } as const;

/** What became of a draft: a rule with its place, or why it has none. */
export type Placed =
  | { readonly draft: RuleDraft; readonly rule: SecurityRule }
  | { readonly draft: RuleDraft; readonly fault: Finding };

/** A group's priorities while drafts get theirs. */
export interface Places {
  /** The rules of ours that are there now, and those that stand under a name that a rule of ours needs. */
  readonly owned: readonly SecurityRule[];
  readonly group: NetworkSecurityGroup;
  /** Inbound rules that are not ours. */
  readonly customer: readonly SecurityRule[];
  readonly taken: Set<number>;
  /** Our deny rules that have a place. */
  readonly denies: Set<SecurityRule>;
  /** By deny draft, the customer rules that would let its traffic through: found once, asked for often. */
  readonly exposing: Map<RuleDraft, readonly SecurityRule[]>;
  /** How many rules the group has once everything placed so far is in it. */
  count: number;
}

/**
 * A group of which nothing but the customer's rules is settled yet.
 * NB. A name is unique in its group, so a put replaces whatever bears it. Under the very name of a rule wanted now stands
 * one of ours that somebody edited, outbound perhaps: it is counted and healed as ours.
 */
export function customerPlaces(
  group: NetworkSecurityGroup,
  owner: Owner,
  wanted: readonly RuleDraft[],
): Places {
  const needed = new Set(wanted.map((draft) => draft.rule.name.toLowerCase()));
  const isOurs = (rule: SecurityRule) =>
    isOwned(rule, owner) || needed.has(rule.name.toLowerCase());
  const owned = group.rules.filter(isOurs);
  const others = group.rules.filter((rule) => !isOurs(rule));
  const customer = others.filter((rule) => rule.direction === "Inbound");
  return {
    group,
    owned,
    customer,
    taken: new Set(customer.map((rule) => rule.priority)),
    denies: new Set(),
    exposing: new Map(),
    count: others.length,
  };
}

/** The rule that stands under the draft's name now. */
export function presentRule(places: Places, draft: RuleDraft): SecurityRule | undefined {
  return places.owned.find((rule) => sameName(rule.name, draft.rule.name));
}

/**
 * The number at which the draft's rule stands now, where it could stay: inbound, in the range, and nobody else's.
 * NB. There may be no room left for it: a deny rule that another made way for is placed before it.
 */
export function presentPlace(
  places: Places,
  draft: RuleDraft,
  first: number,
  last: number,
): number | undefined {
  const present = presentRule(places, draft);
  return present?.direction === "Inbound" &&
    present.priority >= first &&
    present.priority <= last &&
    !places.taken.has(present.priority) &&
    isRoomLeft(places)
    ? present.priority
    : undefined;
}

/** Gives the draft a place. */
export function hold(places: Places, draft: RuleDraft, priority: number): Placed {
  const rule = { ...draft.rule, priority };
  places.taken.add(priority);
  places.count += 1;
  if (rule.access === "Deny") {
    places.denies.add(rule);
  }
  return { draft, rule };
}

/** Lets go of a place again. */
export function release(places: Places, placed: Placed): void {
  if ("rule" in placed) {
    places.taken.delete(placed.rule.priority);
    places.denies.delete(placed.rule);
    places.count -= 1;
  }
}

/** The lowest free number of the range, in a group that has room for another rule. */
export function lowestFree(places: Places, first: number, last: number): number | undefined {
  for (let priority = first; priority <= last && isRoomLeft(places); priority += 1) {
    if (!places.taken.has(priority)) {
      return priority;
    }
  }
  return undefined;
}

/** As {@link lowestFree}, the highest. */
export function highestFree(places: Places, first: number, last: number): number | undefined {
  for (let priority = last; priority >= first && isRoomLeft(places); priority -= 1) {
    if (!places.taken.has(priority)) {
      return priority;
    }
  }
  return undefined;
}

const isRoomLeft = ({ count }: Places): boolean => count < nsgLimits.rules;

/** Why there is no place: for want of numbers, or of room. */
export function full({ group }: Places, what: string): Finding {
  const target = resourceName(group.id);
  const message = `Network security group '${target}' has ${what}, or holds ${nsgLimits.rules} rules already.`;
  return { code: "GateFull", message, target };
}
