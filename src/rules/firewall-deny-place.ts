import { indexWhere } from "./effective-ranges.ts";
import { type Firewall, type FirewallRule, firewallLimits } from "./firewall.ts";
import type { Closing } from "./firewall-drafts.ts";
import type { Exposing } from "./firewall-exposing.ts";
import { placeOf } from "./firewall-order.ts";
import type { Owner } from "./intent.ts";
import { ownCollections, sameName, tookPriority } from "./owned.ts";

/** Numbers that a collection, or our group of a policy, may have. */
export interface Lane {
  readonly taken: ReadonlySet<number>;
  readonly first: number;
  /** Where it stands now. */
  readonly present: number | undefined;
}

/** A deny rule, and the customer rules that let its traffic through. */
interface Concern {
  readonly closing: Closing;
  /** In the order in which they are read. */
  readonly exposing: readonly FirewallRule[];
  readonly isPresent: boolean;
  /** It stands there and has a place of its own: it yields only to what is before it. */
  readonly isSettled: boolean;
}

/**
 * The place of all deny rules together. It is behind each customer's allow rule that one of them yields to: a new one yields
 * to all that speak about its ports, one that stands there already to those that were before it. Among those places it is
 * before as many of the others as can be, which those that take priority are not to be behind; a present place that is
 * as good stays.
 */
export function placeDenies(
  firewall: Firewall,
  exposing: Exposing,
  owner: Owner,
  lane: Lane,
): { readonly place: number | undefined; readonly withoutPlace: readonly Closing[] } {
  const all = concernsOf(firewall, exposing, owner);
  const placeAt = placeIn(firewall);
  const firstOf = (concern: Concern) => firstFor(concern, lane, placeAt);
  const hopeless = new Set(
    all.filter(
      (concern) => !concern.isPresent && lowestFree(lane.taken, firstOf(concern)) === undefined,
    ),
  );
  const concerns = all.filter((concern) => !hopeless.has(concern));
  const first = concerns.map(firstOf).reduce((most, each) => Math.max(most, each), lane.first);
  const lowest = lowestFree(lane.taken, first) ?? keepable(lane, lane.first);
  const pressed = concerns.filter(({ closing }) => closing.takesPriority);
  const countBefore = (place: number) =>
    pressed.reduce(
      (sum, concern) => sum + indexWhere(concern.exposing, (rule) => placeAt(rule) >= place),
      0,
    );
  const kept = keepable(lane, first);
  const place =
    kept !== undefined && lowest !== undefined && countBefore(kept) === countBefore(lowest)
      ? kept
      : lowest;
  const without = place === undefined ? all : [...hopeless];
  return { place, withoutPlace: without.map(({ closing }) => closing) };
}

function concernsOf(firewall: Firewall, exposing: Exposing, owner: Owner): readonly Concern[] {
  const { deny } = ownCollections(owner);
  const standing = new Map(
    firewall.rules
      .filter((rule) => rule.kind === "network" && sameName(rule.collection, deny))
      .map((rule) => [rule.name.toLowerCase(), rule]),
  );
  return [...exposing].map(([closing, rules]) => {
    const present = standing.get(closing.rule.name.toLowerCase());
    // NB. It went before others and shall not any longer: unlike one that others came behind, it yields to them again.
    const isFreed = present !== undefined && tookPriority(present) && !closing.takesPriority;
    return {
      closing,
      exposing: rules,
      isPresent: present !== undefined,
      isSettled: present !== undefined && !isFreed,
    };
  });
}

/** By what a place can be before or behind a rule; all that can be placed is behind the rules of parents. */
const placeIn = (firewall: Firewall) => (rule: FirewallRule) => placeOf(firewall, rule) ?? 0;

/** The first place that is behind all that the deny rule yields to. */
function firstFor(
  { closing, exposing, isSettled }: Concern,
  { first, present }: Lane,
  placeAt: (rule: FirewallRule) => number,
): number {
  const before = isSettled && present !== undefined ? present : Number.POSITIVE_INFINITY;
  const last = closing.takesPriority
    ? undefined
    : exposing.findLast((rule) => placeAt(rule) < before);
  return last === undefined ? first : Math.max(first, placeAt(last) + 1);
}

function keepable({ taken, present }: Lane, first: number): number | undefined {
  return present !== undefined &&
    present >= first &&
    present <= firewallLimits.highestPriority &&
    !taken.has(present)
    ? present
    : undefined;
}

/** The lowest number from `first` on that nothing has. */
export function lowestFree(
  taken: ReadonlySet<number>,
  first: number = firewallLimits.lowestPriority,
): number | undefined {
  for (let place = first; place <= firewallLimits.highestPriority; place += 1) {
    if (!taken.has(place)) {
      return place;
    }
  }
  return undefined;
}
