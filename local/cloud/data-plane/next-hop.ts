import type { ArmResource } from "../estate.ts";
import { type Child, childrenOf, networkType } from "../network/references.ts";
import type { Resources } from "../resources.ts";
import { isInside } from "./address-ranges.ts";
import type { Destination } from "./destination.ts";
import { privateAddressOf, reachOf } from "./firewall.ts";
import type { InForce } from "./in-force.ts";
import { isSame, peersOf, prefixesOf, referenced } from "./virtual-network.ts";

interface Hop {
  readonly prefix: string;
  /** The appliance's address; undefined when packets go straight there, to the Internet or nowhere. */
  readonly appliance: string | undefined;
}

/**
 * The Azure Firewall that a packet from this source passes before it reaches the machine: the one to which the machine's
 * subnet sends what it answers. Whoever comes to the machine's own public address, or from its virtual network, passes none.
 *
 * NB. Not modelled: that the way there is chosen by the routes of the source's side, so that the two ways may differ and a
 * firewall then drops the answer, which it takes for the middle of a connection it never saw. Nor are routes of gateways
 * (BGP), appliances other than Azure Firewall (they let everything pass), and firewalls in a virtual WAN hub.
 */
export function firewallBefore(
  inForce: InForce,
  destination: Destination,
  source: string,
): ArmResource | undefined {
  const { vnet, hasPublicIp } = destination;
  if (vnet === undefined || hasPublicIp || isInside(prefixesOf(vnet), source)) return undefined;
  const appliance = nextHop(inForce.resources, destination, source)?.appliance;
  if (appliance === undefined) return undefined;
  return inForce
    .list(networkType.firewall)
    .find(
      (firewall) =>
        privateAddressOf(firewall) === appliance &&
        reachOf(inForce.resources, firewall).some((reached) => isSame(reached, vnet)),
    );
}

/** Prefixes that the destination's subnet sends to an appliance. */
export function routedToAppliances(resources: Resources, { subnet }: Destination): string[] {
  return routesOf(resources, subnet).flatMap(({ prefix, appliance }) =>
    appliance === undefined ? [] : [prefix],
  );
}

/** The longest prefix wins; of equally long ones the subnet's own route, as in Azure. */
function nextHop(
  resources: Resources,
  { vnet, subnet }: Destination,
  address: string,
): Hop | undefined {
  const toPeers = peersOf(resources, vnet)
    .flatMap(prefixesOf)
    .map((prefix): Hop => ({ prefix, appliance: undefined }));
  return [...routesOf(resources, subnet), ...toPeers]
    .filter(({ prefix }) => isInside([prefix], address))
    .toSorted((left, right) => lengthOf(right) - lengthOf(left))[0];
}

function routesOf(resources: Resources, subnet: Child | undefined): readonly Hop[] {
  const table = resources.get(referenced(subnet?.properties, "routeTable") ?? "")?.resource;
  if (table === undefined) return [];
  return childrenOf(table, "routes").map(({ properties }) => ({
    prefix: String(properties["addressPrefix"]),
    appliance:
      properties["nextHopType"] === "VirtualAppliance"
        ? String(properties["nextHopIpAddress"])
        : undefined,
  }));
}

function lengthOf({ prefix }: Hop): number {
  return Number(prefix.split("/")[1] ?? 128);
}
