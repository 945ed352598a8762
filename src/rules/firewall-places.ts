import {
  type Firewall,
  type FirewallPlace,
  type FirewallRule,
  firewallLimits,
} from "./firewall.ts";
import { lowestFree, placeDenies } from "./firewall-deny-place.ts";
import type { Closing } from "./firewall-drafts.ts";
import type { Exposing } from "./firewall-exposing.ts";
import { isInOurGroup, type Order, placeOf } from "./firewall-order.ts";
import type { Owner } from "./intent.ts";
import { isOwned, ownCollections, sameName } from "./owned.ts";

/** Where our collections are read; nothing for one that finds no place. */
export interface CollectionPlaces {
  readonly dnat: Order | undefined;
  readonly allow: Order | undefined;
  readonly deny: Order | undefined;
  /** Deny rules that cannot stand behind the customer rules that they yield to: they are not written. */
  readonly withoutPlace: readonly Closing[];
}

/**
 * Finds places for our collections, each of which is read as a whole. One with a good place keeps it.
 *
 * Classic: each collection by itself, the allow rules as far in front as can be, a number before the deny rules for them
 * whether there are any or not: a window that opens moves no deny rule. Policy: one group with fixed numbers inside, which
 * has the place of the deny rules. `exposing` has what is to be closed.
 */
export function placeCollections(
  firewall: Firewall,
  exposing: Exposing,
  owner: Owner,
): CollectionPlaces {
  return firewall.kind === "classic"
    ? classicPlaces(firewall, exposing, owner)
    : groupPlaces(firewall, exposing, owner);
}

function groupPlaces(firewall: Firewall, exposing: Exposing, owner: Owner): CollectionPlaces {
  const present = firewall.rules.find((rule) => isInOurGroup(firewall, rule));
  const { place, withoutPlace } = placeDenies(firewall, exposing, owner, {
    taken: new Set(firewall.groupPriorities),
    first: firewallLimits.lowestPriority,
    present: present === undefined ? undefined : placeOf(firewall, present),
  });
  const at = (inside: number) => (place === undefined ? undefined : [1, place, inside]);
  return { dnat: at(100), allow: at(200), deny: at(300), withoutPlace };
}

function classicPlaces(firewall: Firewall, exposing: Exposing, owner: Owner): CollectionPlaces {
  const own = ownCollections(owner);
  const network = numbersOf(firewall, "network", [own.allow, own.deny], owner);
  const nat = numbersOf(firewall, "dnat", [own.dnat], owner);
  const front = lowestFree(new Set([...network.taken, ...network.held(own.deny)]));
  const beforeDenies = front ?? firewallLimits.highestPriority;
  const { place, withoutPlace } = placeDenies(firewall, exposing, owner, {
    taken: new Set([...network.taken, ...network.held(own.allow), beforeDenies]),
    first: beforeDenies + 1,
    present: network.present(own.deny),
  });
  // Where no deny rule will stand, allow rules have nothing to be before.
  const deny = withoutPlace.length < exposing.size ? place : undefined;
  const allowPresent = network.present(own.allow);
  const isAllowGood =
    allowPresent !== undefined &&
    !network.taken.has(allowPresent) &&
    (deny === undefined || allowPresent < deny) &&
    !network.denies.some((at) => front !== undefined && at > front && at < allowPresent);
  const natPresent = nat.present(own.dnat);
  const isNatGood = natPresent !== undefined && !nat.taken.has(natPresent);
  return {
    dnat: orderAt(isNatGood ? natPresent : lowestFree(nat.taken)),
    allow: orderAt(isAllowGood ? allowPresent : front),
    deny: orderAt(deny),
    withoutPlace,
  };
}

const orderAt = (place: number | undefined): Order | undefined =>
  place === undefined ? undefined : [place];

/** The numbers that collections of one kind have. */
function numbersOf(
  { kind: of, rules, emptyCollections = [] }: Firewall,
  kind: FirewallRule["kind"],
  ours: readonly string[],
  owner: Owner,
) {
  const all = rules.filter((rule) => rule.kind === kind);
  const isIn = (name: string) => (place: FirewallPlace) => sameName(place.collection, name);
  const isOurs = (place: FirewallPlace) => ours.some((name) => isIn(name)(place));
  const numbers = (some: readonly FirewallPlace[]) =>
    some.flatMap((place) => placeOf({ kind: of }, place) ?? []);
  const others = all.filter((rule) => !isOurs(rule));
  // One of ours without a rule goes with the next write.
  const empty = emptyCollections.filter((place) => place.kind === kind && !isOurs(place));
  return {
    taken: new Set(numbers([...others, ...empty])),
    /** Of customer rules that deny. */
    denies: numbers(others.filter((rule) => rule.access === "Deny")),
    present: (name: string) => numbers(all.filter(isIn(name)))[0],
    /** The number of a collection of ours that stays, whatever becomes of our rules, as a customer's rule is in it. */
    held: (name: string) =>
      numbers(all.filter((rule) => isIn(name)(rule) && !isOwned(rule, owner))),
  };
}

/**
 * A customer's rule as it will stand once rules of ours are put. NB. One that a customer put into a collection or group of ours is never changed, but it
 * goes where that goes.
 */
export function carriedAlong(
  firewall: Firewall,
  rule: FirewallRule,
  places: CollectionPlaces,
  owner: Owner,
): FirewallRule {
  const collections = ownCollections(owner);
  const [own] = (["dnat", "allow", "deny"] as const).filter((which) =>
    sameName(collections[which], rule.collection),
  );
  const order = own === undefined ? undefined : places[own];
  const group = places.allow?.[1];
  if (order !== undefined) {
    return { ...rule, order };
  }
  return group !== undefined && isInOurGroup(firewall, rule)
    ? { ...rule, order: rule.order.with(1, group) }
    : rule;
}
