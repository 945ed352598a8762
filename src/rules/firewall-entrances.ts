import { resourceName } from "../policy/resource-id.ts";
import type { Finding } from "../reasons.ts";
import { readRange } from "./address-range.ts";
import { type Firewall, type FirewallRule, firewallLimits, firewallRuleText } from "./firewall.ts";
import { type FirewallDraft, ipv4, type Opening } from "./firewall-drafts.ts";
import { inOrder, isBefore } from "./firewall-order.ts";
import { coversAll, hasPublic, mayHold, protocolsCover, transportsOf } from "./firewall-overlap.ts";
import { gateName, gateTitle } from "./gate.ts";
import type { DesiredDeny, Entrance, Owner } from "./intent.ts";
import {
  assignEntrances,
  bestFirst,
  type Entrances,
  leadsTo,
  targetKey,
  targetsOf,
  type Wishes,
  wishesOf,
} from "./mapped-ports.ts";
import { dnatRuleName, ownCollections } from "./owned.ts";
import { portsMayMeet } from "./port-ranges.ts";

/** How people come to the VM of a window: by which public address and port, and by which rule of ours, if it needs one. */
export type Way =
  | { readonly entrance?: Entrance | undefined; readonly rule?: FirewallDraft | undefined }
  | { readonly fault: Finding };

/**
 * Finds the way for each opening. Whoever comes from inside, and whoever comes to a firewall without a public address (the VM may
 * have one of its own), needs none. A customer's DNAT rule that leads the same people to the same port is an entrance as good as ours, and is not changed.
 */
export function waysOf(
  firewall: Firewall,
  rules: Entrances,
  denies: readonly DesiredDeny[],
  openings: readonly Opening[],
  owner: Owner,
): ReadonlyMap<Opening, Way> {
  const ways = new Map<Opening, Way>(openings.map((opening) => [opening, {}]));
  const targets = targetsOf(denies, openings.filter(needsEntrance), firewall.publicAddresses);
  const entrances = assignEntrances(targets, rules);
  const asked = openings.filter(needsEntrance).map((opening) => {
    const entrance = entrances.get(keyOf(opening));
    const rule = entrance && dnatRule(opening, entrance, owner);
    const isStanding = rule !== undefined && rules.own.some((each) => saysTheSame(each, rule));
    return { opening, entrance, rule, isStanding };
  });
  const used = destinationsOf(rules.customer);
  const wishes = wishesOf(denies);
  // Where people are led now stays: nobody new takes its place, and nobody is told of another entrance.
  for (const { opening, entrance, rule, isStanding } of asked.toSorted(
    (left, right) => Number(right.isStanding) - Number(left.isStanding),
  )) {
    const reused = isStanding ? undefined : reusable(rules.customer, opening, wishes);
    ways.set(
      opening,
      reused === undefined
        ? wayBy(firewall, { opening, entrance, rule }, used)
        : { entrance: reused },
    );
  }
  return ways;
}

const needsEntrance = ({ window, rule }: Opening): boolean =>
  ipv4(window.publicAddresses ?? []).length > 0 && hasPublic(rule.sources);

const keyOf = ({ window, address }: Opening): string =>
  targetKey({ vmId: window.vmId, address, port: window.port });

/** Whether a rule of ours leads the same people the same way, whatever it is called and tells. */
const saysTheSame = (present: FirewallRule, draft: FirewallDraft): boolean =>
  firewallRuleText({ ...draft, order: present.order, description: present.description }) ===
  firewallRuleText(present);

/** A way by a rule of ours, counted among the `used` destinations if there is room for it. */
function wayBy(firewall: Firewall, { opening, entrance, rule }: Asked, used: Set<string>): Way {
  if (rule === undefined) {
    return { fault: noPort(firewall, opening) };
  }
  const fault = takeRoom(firewall, rule, used);
  return fault === undefined ? { entrance, rule } : { fault };
}

/** An opening with the entrance that it would have, and the rule of ours that would lead there. */
interface Asked {
  readonly opening: Opening;
  readonly entrance: Entrance | undefined;
  readonly rule: FirewallDraft | undefined;
}

function noPort(firewall: Firewall, { window }: Opening): Finding {
  const what = "no free port on a public address that could lead to port";
  return full(firewall, `${what} ${window.port} of '${resourceName(window.vmId)}'`);
}

/** Counts a rule of ours among `used` if there is room for it, and tells why not. */
function takeRoom(
  { id, publicAddresses }: Firewall,
  rule: FirewallDraft,
  used: Set<string>,
): Finding | undefined {
  const more = [...destinationsOf([rule])].filter((destination) => !used.has(destination));
  if (publicAddresses.length + used.size + more.length > firewallLimits.dnat) {
    const what = `${publicAddresses.length} public addresses and ${used.size} destinations of DNAT rules`;
    return full(
      { id },
      `${what}, and Azure allows ${firewallLimits.dnat} of them together (TCP and UDP are two)`,
    );
  }
  for (const destination of more) {
    used.add(destination);
  }
  return undefined;
}

function dnatRule(
  { window, rule, address }: Opening,
  entrance: Entrance,
  owner: Owner,
): FirewallDraft {
  return {
    name: dnatRuleName(owner, window.windowId),
    kind: "dnat",
    access: "Allow",
    collection: ownCollections(owner).dnat,
    protocols: rule.protocols,
    sources: rule.sources,
    destinations: [entrance.address],
    destinationPorts: [String(entrance.port)],
    translatedAddress: address,
    translatedPort: String(window.port),
    description: rule.description,
  };
}

/** Why a firewall has no room for more. */
export function full({ id }: Pick<Firewall, "id">, what: string): Finding {
  return { code: "GateFull", message: `${gateTitle(id)} has ${what}.`, target: gateName(id) };
}

/**
 * What DNAT rules take of Azure's limit. Azure does not say how it counts ranges: an entry of a rule is taken for one.
 * @see https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits
 */
function destinationsOf(
  rules: readonly Pick<FirewallRule, "destinations" | "destinationPorts" | "protocols">[],
): Set<string> {
  return new Set(
    rules.flatMap(({ destinations, destinationPorts, protocols }) =>
      destinations.flatMap((address) =>
        destinationPorts.flatMap((port) =>
          transportsOf(protocols).map((protocol) => `${address.toLowerCase()} ${port} ${protocol}`),
        ),
      ),
    ),
  );
}

/** The entrance that a customer's DNAT rule is for everybody of an opening, the best address first. */
function reusable(
  customer: readonly FirewallRule[],
  { rule: allow, window }: Opening,
  wishes: Wishes,
): Entrance | undefined {
  const publicAddresses = bestFirst(wishes, window.vmId, window.publicAddresses ?? []);
  const leading = customer.filter(
    (rule) =>
      rule.kind === "dnat" &&
      allow.destinations.some((address) => leadsTo(rule, { address, port: window.port })) &&
      protocolsCover(rule.protocols, allow.protocols) &&
      coversAll(rule.sources, allow.sources),
  );
  const found = leading.toSorted(inOrder).flatMap((rule) =>
    ipv4(rule.destinations)
      .filter((address) => publicAddresses.includes(address))
      .flatMap((address) =>
        rule.destinationPorts
          .filter((port) => /^\d{1,5}$/.test(port))
          .map((port) => ({ address, port: Number(port) })),
      )
      .filter((entrance) => !isDiverted(customer, rule, entrance)),
  );
  return found.toSorted(
    (left, right) => publicAddresses.indexOf(left.address) - publicAddresses.indexOf(right.address),
  )[0];
}

/** Whether another DNAT rule, read before this one or in no known order beside it, may lead traffic to the entrance elsewhere. */
function isDiverted(
  customer: readonly FirewallRule[],
  rule: FirewallRule,
  { address, port }: Entrance,
): boolean {
  const at = readRange(address);
  return customer.some(
    (other) =>
      other !== rule &&
      other.kind === "dnat" &&
      !isBefore(rule.order, other.order) &&
      !(
        other.translatedAddress === rule.translatedAddress &&
        other.translatedPort === rule.translatedPort
      ) &&
      portsMayMeet(other.destinationPorts, [String(port)]) &&
      (at === undefined || mayHold(other, [at.range])),
  );
}
