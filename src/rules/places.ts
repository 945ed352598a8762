import { resourceName } from "../policy/resource-id.ts";
import type { Reason } from "../reasons.ts";
import type { RuleDraft } from "./desired-rules.ts";
import type { Owner } from "./intent.ts";
import { type NetworkSecurityGroup, nsgLimits, type SecurityRule } from "./nsg.ts";
import { certainlyBlocks, mayTouch } from "./overlap.ts";
import { isOwned, sameName } from "./owned.ts";

/**
 * Priorities kept for allow rules. Deny rules stay behind this band, so an allow rule is always read before them.
 * 200 windows at once on one gate are far more than people open, and leave 3,797 numbers to customers and deny rules.
 */
export const allowBand = { first: 100, last: 299 } as const;

/** Where deny rules may stand. */
const denyBand = { first: allowBand.last + 1, last: nsgLimits.highestPriority } as const;

/** What became of a draft: a rule with its place, or why it has none. */
export type Placed =
  | { readonly draft: RuleDraft; readonly rule: SecurityRule }
  | { readonly draft: RuleDraft; readonly fault: Reason };

/** A group's priorities while drafts get theirs. Whatever is placed first is not moved by what comes later. */
export interface Places {
  /** The rules of ours that are there now, and those that stand under a name that a rule of ours needs. */
  readonly owned: readonly SecurityRule[];
  readonly group: NetworkSecurityGroup;
  /** Inbound rules that are not ours. */
  readonly customer: readonly SecurityRule[];
  readonly taken: Set<number>;
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
    count: others.length,
  };
}

/** Keeps the draft where its rule stands, when that is a good place. */
export function keep(places: Places, draft: RuleDraft): Placed | undefined {
  const present = places.owned.find((rule) => sameName(rule.name, draft.rule.name));
  const band = draft.rule.access === "Allow" ? allowBand : denyBand;
  if (
    present?.direction !== "Inbound" ||
    present.priority < band.first ||
    present.priority > band.last ||
    places.taken.has(present.priority)
  ) {
    return undefined;
  }
  const rule = { ...draft.rule, priority: present.priority };
  return blockingRule(places, rule) === undefined ? hold(places, draft, rule) : undefined;
}

/** Lets go of a place again. */
export function release(places: Places, placed: Placed): void {
  if ("rule" in placed) {
    places.taken.delete(placed.rule.priority);
    places.count -= 1;
  }
}

/** Places an allow rule at the lowest free number of its band: if it is blocked there, it is blocked everywhere. */
export function placeAllow(places: Places, draft: RuleDraft): Placed {
  const { first, last } = allowBand;
  const priority = firstFree(places, first, last);
  if (priority === undefined) {
    return full(places, draft, `no free priority from ${first} to ${last} for another allow rule`);
  }
  const rule = { ...draft.rule, priority };
  const blocking = blockingRule(places, rule);
  if (blocking === undefined) {
    return hold(places, draft, rule);
  }
  const message = `Rule '${blocking.name}' (priority ${blocking.priority}) of network security group '${groupName(places)}' denies this traffic before an allow rule of ours would be read. Its owner has to narrow it or give it a higher number than ${last}.`;
  return { draft, fault: { code: "BlockedByCustomerRule", message, target: blocking.name } };
}

/**
 * Places a deny rule: it yields to the customer's allow rules that stand when it is first placed; where it stands later
 * is its place. Customer deny rules do not matter to it: two denies have the same effect in either order, and a closing
 * deny-all at 4096 would leave no room behind itself.
 */
export function placeDeny(places: Places, draft: RuleDraft): Placed {
  const after = places.customer
    .filter((rule) => rule.access === "Allow" && mayTouch(rule, draft.rule))
    .reduce((last, rule) => Math.max(last, rule.priority + 1), denyBand.first);
  const priority = firstFree(places, after, denyBand.last);
  return priority === undefined
    ? full(
        places,
        draft,
        `no free priority from ${after} to ${denyBand.last} for the deny rule of '${resourceName(draft.vmId)}'`,
      )
    : hold(places, draft, { ...draft.rule, priority });
}

/** Customer allow rules that are read before a deny rule of ours and leave one of its ports open. */
export function exposures(places: Places, rule: SecurityRule, vmId: string): readonly Reason[] {
  return places.customer
    .filter(
      (other) =>
        other.access === "Allow" && other.priority < rule.priority && mayTouch(other, rule),
    )
    .map((other) => ({
      code: "ExposedByCustomerRule",
      message: `Rule '${other.name}' (priority ${other.priority}) of network security group '${groupName(places)}' lets traffic to a protected port of '${resourceName(vmId)}' through before our deny rule is read.`,
      target: other.name,
    }));
}

function hold(places: Places, draft: RuleDraft, rule: SecurityRule): Placed {
  places.taken.add(rule.priority);
  places.count += 1;
  return { draft, rule };
}

/** The customer rule that would keep an allow rule from being read. */
function blockingRule(places: Places, rule: SecurityRule): SecurityRule | undefined {
  return rule.access === "Deny"
    ? undefined
    : places.customer.find(
        (other) =>
          other.access === "Deny" && other.priority < rule.priority && certainlyBlocks(other, rule),
      );
}

function firstFree(places: Places, first: number, last: number): number | undefined {
  if (places.count >= nsgLimits.rules) {
    return undefined;
  }
  for (let priority = first; priority <= last; priority += 1) {
    if (!places.taken.has(priority)) {
      return priority;
    }
  }
  return undefined;
}

function full(places: Places, draft: RuleDraft, what: string): Placed {
  const target = groupName(places);
  const message = `Network security group '${target}' has ${what}, or holds ${nsgLimits.rules} rules already.`;
  return { draft, fault: { code: "GateFull", message, target } };
}

const groupName = ({ group }: Places): string => resourceName(group.id);
