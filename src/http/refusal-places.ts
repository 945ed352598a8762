import type { Principal } from "../caller/caller.ts";
import { guidPattern } from "../policy/resource-id.ts";
import type { Clock } from "../ports.ts";

/**
 * In so many subscriptions a day refusals of one caller are filed. NB. Who has no rights anywhere can name subscriptions that do not exist, each
 * of which would be a history of its own; anchors and retention go through all of them, one by one.
 */
const mostADay = 20;

/** Callers that are remembered. */
const mostCallers = 10_000;

/** Where refusals are filed: with the subscription that was named, or with the service's own. */
export type RefusalPlaces = (caller: Principal, named: string) => string;

/** Counts in this process alone, by UTC days. */
export function createRefusalPlaces(
  clock: Pick<Clock, "now">,
  homeSubscriptionId: string,
): RefusalPlaces {
  const named = new Map<string, Set<string>>();
  let day = "";

  function namedBy({ tenantId, objectId }: Principal): Set<string> {
    const today = clock.now().toISOString().slice(0, 10);
    if (today !== day || named.size >= mostCallers) {
      named.clear();
      day = today;
    }
    const who = `${tenantId}/${objectId}`.toLowerCase();
    const known = named.get(who) ?? new Set();
    named.set(who, known);
    return known;
  }

  return (caller, subscriptionId) => {
    const key = subscriptionId.toLowerCase();
    const known = namedBy(caller);
    if (!guidPattern.test(key) || (!known.has(key) && known.size >= mostADay)) {
      return homeSubscriptionId;
    }
    known.add(key);
    return subscriptionId;
  };
}
