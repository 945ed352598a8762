import type { Firewall, FirewallRule } from "./firewall.ts";
import type { Closing } from "./firewall-drafts.ts";
import { inOrder, isInOurGroup } from "./firewall-order.ts";
import { touchedBy } from "./firewall-touching.ts";
import type { Owner } from "./intent.ts";
import { isOwnCollection, isOwned } from "./owned.ts";

/** By deny rule the customer's allow rules that may let its traffic through, in the order in which they are read. */
export type Exposing = ReadonlyMap<Closing, readonly FirewallRule[]>;

/** Those with a place of their own: our deny rules can be before or behind them. */
export function exposingOutside(
  firewall: Firewall,
  closings: readonly Closing[],
  owner: Owner,
): Exposing {
  return exposing(
    firewall.rules.filter((rule) => !movesAlong(firewall, rule, owner)),
    closings,
  );
}

/** Those in a collection or group of ours: they move along, so there is no getting past them. */
export function exposingInside(
  firewall: Firewall,
  closings: readonly Closing[],
  owner: Owner,
): Exposing {
  return exposing(
    firewall.rules.filter((rule) => movesAlong(firewall, rule, owner) && !isOwned(rule, owner)),
    closings,
  );
}

const exposing = (rules: readonly FirewallRule[], closings: readonly Closing[]): Exposing =>
  touchedBy(
    rules.filter((rule) => rule.kind === "network" && rule.access === "Allow").toSorted(inOrder),
    closings,
  );

const movesAlong = (firewall: Firewall, rule: FirewallRule, owner: Owner): boolean =>
  isOwnCollection(rule.collection, owner) || isInOurGroup(firewall, rule);
