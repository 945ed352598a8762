import { resourceName } from "../policy/resource-id.ts";
import type { Finding } from "../reasons.ts";
import { readRange } from "./address-range.ts";
import { type Firewall, type FirewallRule, firewallLimits } from "./firewall.ts";
import { type FirewallDraft, ipv4, type Opening } from "./firewall-drafts.ts";
import { inOrder, isBefore } from "./firewall-order.ts";
import { coversAll, hasPublic, mayHold, protocolsCover, transportsOf } from "./firewall-overlap.ts";
import { gateName, gateTitle } from "./gate.ts";
import type { Entrance, GateIntent, Owner } from "./intent.ts";
import {
  assignEntrances,
  type Entrances,
  leadsTo,
  type Target,
  targetKey,
  targetsOf,
} from "./mapped-ports.ts";
import { dnatRuleName, ownCollections } from "./owned.ts";
import { portListTouches } from "./ports.ts";

/** How people come to the VM of a window: by which public address and port, and by which rule of ours, if it needs one. */
export type Way =
  | { readonly entrance?: Entrance | undefined; readonly rule?: FirewallDraft | undefined }
  | { readonly fault: Finding };

/**
 * Finds the way for each opening. Whoever comes from inside, and whoever comes to a firewall without a public address, needs
 * none. A customer's DNAT rule that leads the same people to the same port is an entrance as good as ours, and is not changed.
 */
export function waysOf(
  firewall: Firewall,
  rules: Entrances,
  { denies }: GateIntent,
  openings: readonly Opening[],
  owner: Owner,
): ReadonlyMap<Opening, Way> {
  const needy = openings.filter(needsEntrance);
  const targets = targetsOf(denies, needy, firewall.publicAddresses);
  const byKey = new Map(targets.map((target) => [targetKey(target), target]));
  const entrances = assignEntrances(targets, rules);
  const drafts = needy.map((opening) => {
    const target = byKey.get(keyOf(opening));
    const entrance = entrances.get(keyOf(opening));
    const isLed = rules.own.some(
      (rule) => target !== undefined && leadsTo(rule, target) && comesBy(rule, entrance),
    );
    const reused =
      isLed || target === undefined ? undefined : reusable(rules.customer, opening, target);
    return { opening, entrance, reused, isLed };
  });
  const ways = new Map<Opening, Way>(openings.map((opening) => [opening, {}]));
  for (const { opening, reused } of drafts) {
    ways.set(opening, { entrance: reused });
  }
  const used = destinationsOf(rules.customer);
  // What people are led by now stays: nobody new takes its place.
  for (const { opening, entrance } of drafts
    .filter(({ reused }) => reused === undefined)
    .toSorted((left, right) => Number(right.isLed) - Number(left.isLed))) {
    ways.set(opening, wayBy(firewall, opening, entrance, used, owner));
  }
  return ways;
}

const needsEntrance = ({ window, rule }: Opening): boolean =>
  ipv4(window.publicAddresses ?? []).length > 0 && hasPublic(rule.sources);

const keyOf = ({ window, address }: Opening): string =>
  targetKey({ vmId: window.vmId, address, port: window.port });

/** Whether traffic to the entrance comes by this rule. */
const comesBy = (rule: FirewallRule, entrance: Entrance | undefined): boolean =>
  entrance !== undefined &&
  ipv4(rule.destinations).includes(entrance.address) &&
  rule.destinationPorts.includes(String(entrance.port));

/** A rule of ours to the opening's VM, counted among `used` if there is room for it. */
function wayBy(
  firewall: Firewall,
  opening: Opening,
  entrance: Entrance | undefined,
  used: Set<string>,
  owner: Owner,
): Way {
  if (entrance === undefined) {
    return {
      fault: full(
        firewall,
        `no free port on a public address that could lead to port ${opening.window.port} of '${resourceName(opening.window.vmId)}'`,
      ),
    };
  }
  const rule = dnatRule(opening, entrance, owner);
  const more = new Set([...used, ...destinationsOf([rule])]);
  if (firewall.publicAddresses.length + more.size > firewallLimits.dnat && more.size > used.size) {
    return {
      fault: full(
        firewall,
        `${firewall.publicAddresses.length} public addresses and ${used.size} destinations of DNAT rules, of ${firewallLimits.dnat} that Azure allows together (TCP and UDP are two)`,
      ),
    };
  }
  for (const destination of more) {
    used.add(destination);
  }
  return { entrance, rule };
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
  { publicAddresses }: Target,
): Entrance | undefined {
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
      portListTouches(other.destinationPorts, [port]) &&
      (other.isPartlyUnknown === true ||
        at === undefined ||
        mayHold(other.destinations, [at.range])),
  );
}
