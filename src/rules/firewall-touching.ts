import { indexWhere } from "./effective-ranges.ts";
import type { FirewallRule } from "./firewall.ts";
import type { FirewallDraft } from "./firewall-drafts.ts";
import { addressesOf, mayShareTransport, possibleDestinations } from "./firewall-overlap.ts";

/** Something of ours with a rule of its own. */
interface Ours {
  readonly rule: FirewallDraft;
}

/**
 * The rules that may speak about a packet of each of ours, whoever sends it; in the order in which they are given. Careful: what
 * cannot be read counts as touching; a service tag does where it may speak of the addresses.
 *
 * NB. A firewall may have thousands of rules and hundreds of VMs behind it, and the lease of the gate has to beat while it is
 * planned: no rule is compared with each of ours. It looks up what of ours lies where it speaks of.
 */
export function touchedBy<T extends Ours>(
  rules: readonly FirewallRule[],
  ours: readonly T[],
): ReadonlyMap<T, readonly FirewallRule[]> {
  const touched = new Map<T, FirewallRule[]>(ours.map((one) => [one, []]));
  // Most VMs have the same ports protected.
  const alike = Map.groupBy(ours, ({ rule }) =>
    JSON.stringify([rule.protocols, rule.destinationPorts]),
  );
  for (const some of alike.values()) {
    const [{ rule: traffic } = { rule: undefined }] = some;
    const stretches = stretchesOf(some);
    for (const rule of rules) {
      if (traffic !== undefined && mayShareTransport(rule, traffic)) {
        for (const one of within(stretches, rule)) {
          touched.get(one)?.push(rule);
        }
      }
    }
  }
  return touched;
}

/** Addresses of one of ours, as numbers: bigints are slow, and there are millions of comparisons. */
interface Stretch<T> {
  readonly first: number;
  readonly last: number;
  /** The last address of all stretches up to this one. */
  readonly reach: number;
  readonly one: T;
}

function stretchesOf<T extends Ours>(ours: readonly T[]): readonly Stretch<T>[] {
  let reach = 0;
  return ours
    .flatMap((one) =>
      addressesOf(one.rule.destinations).map(({ first, last }) => ({
        first: Number(first),
        last: Number(last),
        one,
      })),
    )
    .toSorted((left, right) => left.first - right.first)
    .map((stretch) => {
      reach = Math.max(reach, stretch.last);
      return { ...stretch, reach };
    });
}

/** Those of which some address may be a destination of the rule, each once. */
function within<T>(stretches: readonly Stretch<T>[], rule: FirewallRule): ReadonlySet<T> {
  const found = new Set<T>();
  for (const range of possibleDestinations(rule)) {
    const [first, last] = [Number(range.first), Number(range.last)];
    const from = indexWhere(stretches, ({ reach }) => reach >= first);
    for (let index = from; index < stretches.length; index += 1) {
      const stretch = stretches[index];
      if (stretch === undefined || stretch.first > last) {
        break;
      }
      if (stretch.last >= first) {
        found.add(stretch.one);
      }
    }
  }
  return found;
}
