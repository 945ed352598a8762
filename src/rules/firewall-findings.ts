import { resourceName } from "../policy/resource-id.ts";
import type { Finding } from "../reasons.ts";
import type { Firewall, FirewallRule } from "./firewall.ts";
import type { Closing, FirewallDraft } from "./firewall-drafts.ts";
import { full } from "./firewall-entrances.ts";
import { inOrder, isBefore, type Order } from "./firewall-order.ts";
import { certainlyTakes, mayTouch } from "./firewall-overlap.ts";
import { gateName, gateNoun } from "./gate.ts";
import { leadsTo } from "./mapped-ports.ts";

/** What is told of a deny rule without a place. */
export function noPlace(firewall: Firewall, { vmId }: Closing): Finding {
  const what =
    "no free priority, behind the customer rules that it yields to, for the deny rule of";
  return { ...full(firewall, `${what} '${resourceName(vmId)}'`), vmId };
}

/**
 * Customer rules that keep a protected port of a VM open: allow rules read before its deny rule, and DNAT rules that lead
 * to it. `firewall` carries the customer's rules alone.
 */
export function exposures(
  firewall: Firewall,
  closing: Closing,
  order: Order | undefined,
): readonly Finding[] {
  const { rule: deny } = closing;
  const isExposing = (rule: FirewallRule) =>
    rule.kind === "dnat"
      ? leadsToAny(rule, deny)
      : order !== undefined &&
        rule.access === "Allow" &&
        isBefore(rule.order, order) &&
        mayTouch(rule, deny);
  return firewall.rules
    .filter(isExposing)
    .toSorted(inOrder)
    .map((rule) => exposure(firewall, closing, rule));
}

/** NB. A rule that leads to a host name is not told of: whose name that is, no firewall says. */
function leadsToAny(
  rule: FirewallRule,
  { destinations, destinationPorts }: FirewallDraft,
): boolean {
  return destinations.some((address) =>
    destinationPorts.some((port) => leadsTo(rule, { address, port: Number(port) })),
  );
}

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

/** As {@link exposures}, the customer's rule that would keep an allow rule of ours from being read, and what is to be done. */
export function blocking(firewall: Firewall, allow: FirewallRule): Finding | undefined {
  const rule = firewall.rules.find(
    (other) =>
      other.kind === "network" &&
      other.access === "Deny" &&
      isBefore(other.order, allow.order) &&
      certainlyTakes(other, allow),
  );
  return (
    rule && {
      code: "BlockedByCustomerRule",
      message: `${named(firewall, rule)} denies this traffic before an allow rule of ours would be read. Its owner has to narrow it or move it behind '${allow.collection}'.`,
      target: rule.name,
    }
  );
}

const named = ({ id }: Firewall, { name, collection }: FirewallRule): string =>
  `Rule '${name}' (collection '${collection}') of ${gateNoun(id)} '${gateName(id)}'`;
