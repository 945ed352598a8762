import { type Firewall, type FirewallRule, firewallLimits } from "./firewall.ts";
import type { Closing } from "./firewall-drafts.ts";
import { isInOurGroup, placeOf } from "./firewall-order.ts";
import { mayTouch } from "./firewall-overlap.ts";
import type { Owner } from "./intent.ts";
import { isOwnCollection, ownCollections, sameName, tookPriority } from "./owned.ts";

/** Numbers that a collection, or our group of a policy, may have. */
export interface Lane {
  readonly taken: ReadonlySet<number>;
  readonly first: number;
  /** Where it stands now. */
  readonly present: number | undefined;
}

/** A deny rule, and where customer rules stand that let its traffic through. */
interface Concern {
  readonly closing: Closing;
  readonly exposing: readonly number[];
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
  closings: readonly Closing[],
  owner: Owner,
  lane: Lane,
): { readonly place: number | undefined; readonly withoutPlace: readonly Closing[] } {
  const all = concernsOf(firewall, closings, owner);
  const hopeless = all.filter((concern) => !concern.isPresent && !hasRoomBehind(concern, lane));
  const concerns = all.filter((concern) => !hopeless.includes(concern));
  const first = Math.max(
    lane.first,
    behindAll(concerns.flatMap((concern) => yieldsTo(concern, lane))),
  );
  const lowest = lowestFree(lane.taken, first) ?? keepable(lane, lane.first);
  const pressed = concerns
    .filter(({ closing }) => closing.takesPriority)
    .flatMap(({ exposing }) => exposing);
  const countBefore = (place: number) => pressed.filter((at) => at < place).length;
  const kept = keepable(lane, first);
  const place =
    kept !== undefined && lowest !== undefined && countBefore(kept) === countBefore(lowest)
      ? kept
      : lowest;
  return {
    place,
    withoutPlace: (place === undefined ? all : hopeless).map(({ closing }) => closing),
  };
}

function concernsOf(
  firewall: Firewall,
  closings: readonly Closing[],
  owner: Owner,
): readonly Concern[] {
  const { deny } = ownCollections(owner);
  const network = firewall.rules.filter((rule) => rule.kind === "network");
  const standing = new Map(
    network
      .filter((rule) => sameName(rule.collection, deny))
      .map((rule) => [rule.name.toLowerCase(), rule]),
  );
  const yieldable = network.flatMap((rule) => {
    const at = isYieldable(firewall, rule, owner) ? placeOf(firewall, rule) : undefined;
    return at === undefined ? [] : [{ rule, at }];
  });
  return closings.map((closing) => {
    const present = standing.get(closing.rule.name.toLowerCase());
    // NB. It went before others and shall not any longer: unlike one that others came behind, it yields to them again.
    const isFreed = present !== undefined && tookPriority(present) && !closing.takesPriority;
    return {
      closing,
      exposing: yieldable.filter(({ rule }) => mayTouch(rule, closing.rule)).map(({ at }) => at),
      isPresent: present !== undefined,
      isSettled: present !== undefined && !isFreed,
    };
  });
}

/** NB. Not a customer's rule in a collection or group of ours: it moves along, so there is no getting past it. */
const isYieldable = (firewall: Firewall, rule: FirewallRule, owner: Owner): boolean =>
  rule.access === "Allow" &&
  !isOwnCollection(rule.collection, owner) &&
  !isInOurGroup(firewall, rule);

function yieldsTo({ closing, exposing, isSettled }: Concern, { present }: Lane): readonly number[] {
  if (closing.takesPriority) {
    return [];
  }
  return isSettled && present !== undefined ? exposing.filter((at) => at < present) : exposing;
}

const hasRoomBehind = ({ closing, exposing }: Concern, { taken, first }: Lane): boolean =>
  closing.takesPriority || lowestFree(taken, Math.max(first, behindAll(exposing))) !== undefined;

const behindAll = (places: readonly number[]): number =>
  places.reduce((after, at) => Math.max(after, at + 1), firewallLimits.lowestPriority);

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
