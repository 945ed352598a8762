import { resourceName } from "../policy/resource-id.ts";
import type { Finding } from "../reasons.ts";
import { indexWhere } from "./effective-ranges.ts";
import type { Firewall, FirewallRule } from "./firewall.ts";
import type { Closing, Opening } from "./firewall-drafts.ts";
import { full } from "./firewall-entrances.ts";
import type { Exposing } from "./firewall-exposing.ts";
import { inOrder, isBefore, type Order } from "./firewall-order.ts";
import { certainlyTakes } from "./firewall-overlap.ts";
import { touchedBy } from "./firewall-touching.ts";
import { gateName, gateNoun } from "./gate.ts";
import { leadsWhere, placeKey } from "./mapped-ports.ts";

/** What is told of a deny rule without a place. */
export function noPlace(firewall: Firewall, { vmId }: Closing): Finding {
  const what =
    "no free priority, behind the customer rules that it yields to, for the deny rule of";
  return { ...full(firewall, `${what} '${resourceName(vmId)}'`), vmId };
}

/** What keeps protected ports open, and what of it is told. */
interface Exposed {
  /** Where a deny rule stands; nothing where it does not. */
  readonly orderOf: (closing: Closing) => Order | undefined;
  /** Allow rules, whether they are read before deny rules or not. */
  readonly exposing: readonly Exposing[];
  /** DNAT rules. */
  readonly leading: readonly FirewallRule[];
  /** So many findings are made at most: others are counted. */
  readonly listed: number;
}

/**
 * Customer rules that keep a protected port of a VM open: DNAT rules that lead to it, and allow rules read before its deny rule.
 * NB. A rule that leads to a host name is not told of: whose name that is, no firewall says.
 */
export function exposures(
  firewall: Firewall,
  closings: readonly Closing[],
  { orderOf, exposing, leading, listed }: Exposed,
): { readonly findings: readonly Finding[]; readonly more: number } {
  const leadingTo = Map.groupBy(leading.toSorted(inOrder), leadsWhere);
  const findings: Finding[] = [];
  let count = 0;
  for (const closing of closings) {
    const { destinations, destinationPorts } = closing.rule;
    const places = destinations.flatMap((address) =>
      destinationPorts.map((port) => placeKey(address, Number(port))),
    );
    const order = orderOf(closing);
    const allowing = exposing.map((each) => readBefore(each.get(closing) ?? [], order));
    for (const rules of [...places.map((place) => leadingTo.get(place) ?? []), ...allowing]) {
      count += rules.length;
      const told = rules.slice(0, listed - findings.length);
      findings.push(...told.map((rule) => exposure(firewall, closing, rule)));
    }
  }
  return { findings, more: count - findings.length };
}

/** Of rules in the order in which they are read, those before a place of ours. */
const readBefore = (
  rules: readonly FirewallRule[],
  order: Order | undefined,
): readonly FirewallRule[] =>
  order === undefined
    ? []
    : rules.slice(
        0,
        indexWhere(rules, (rule) => !isBefore(rule.order, order)),
      );

function exposure(firewall: Firewall, { vmId }: Closing, rule: FirewallRule): Finding {
  const lets = rule.isPartlyUnknown === true ? "may let" : "lets";
  const what =
    rule.kind === "dnat"
      ? `leads from a public address to a protected port of '${resourceName(vmId)}', past our deny rule if Azure reads no further.`
      : `${lets} traffic to a protected port of '${resourceName(vmId)}' through before our deny rule is read.`;
  return {
    code: "ExposedByCustomerRule",
    message: `${named(firewall, rule)} ${what}`,
    target: rule.name,
    vmId,
  };
}

/** By opening, the customer's rule that would keep its allow rule from being read, and what is to be done. */
export function blocking(
  firewall: Firewall,
  openings: readonly Opening[],
  order: Order,
): ReadonlyMap<Opening, Finding> {
  const denying = firewall.rules.filter(
    (rule) => rule.kind === "network" && rule.access === "Deny" && isBefore(rule.order, order),
  );
  return new Map(
    [...touchedBy(denying, openings)].flatMap(([opening, rules]) => {
      const rule = rules.find((each) => certainlyTakes(each, opening.rule));
      return rule === undefined ? [] : [[opening, blocked(firewall, rule, opening)] as const];
    }),
  );
}

const blocked = (firewall: Firewall, rule: FirewallRule, { rule: allow }: Opening): Finding => ({
  code: "BlockedByCustomerRule",
  message: `${named(firewall, rule)} denies this traffic before an allow rule of ours would be read. Its owner has to narrow it or move it behind '${allow.collection}'.`,
  target: rule.name,
});

const named = ({ id }: Firewall, { name, collection }: FirewallRule): string =>
  `Rule '${name}' (collection '${collection}') of ${gateNoun(id)} '${gateName(id)}'`;
