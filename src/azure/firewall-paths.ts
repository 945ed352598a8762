import { isIP } from "node:net";
import type { z } from "zod";
import { mapLimited } from "../map-limited.ts";
import { idKey } from "../policy/resource-id.ts";
import type { Detour, FirewallPath } from "../ports.ts";
import { contains, isPrefix, parsePrefix } from "../rules/cidr.ts";
import type { Owner } from "../rules/intent.ts";
import { ownGroupName } from "../rules/owned.ts";
import { parallelReads, policyOf, publicAddressesOf } from "./firewall-reading.ts";
import {
  type Firewall,
  firewallKind,
  routeTableKind,
  virtualNetworkKind,
} from "./resource-kinds.ts";
import type { Found, ReadResource } from "./resource-reads.ts";

/** A subnet whose traffic takes the ways of a route table. */
export interface RoutedSubnet {
  readonly networkId: string;
  readonly routeTableId: string;
}

/** Where a subnet's routes lead through. */
export interface Paths {
  readonly firewalls: readonly FirewallPath[];
  readonly detours: readonly Detour[];
}

type VirtualNetwork = z.infer<typeof virtualNetworkKind.schema>;
type Hop = FirewallPath | Detour;

const noPaths: Paths = { firewalls: [], detours: [] };
const isPath = (hop: Hop): hop is FirewallPath => "firewallId" in hop;
const isDetour = (hop: Hop): hop is Detour => !isPath(hop);

/**
 * The firewalls and other appliances that a subnet's IPv4 routes lead through, in an order that is the same whatever the order
 * of the routes. A firewall is known by its private address, in the subnet's own virtual network or one peered with it.
 */
export async function pathsOf(
  { networkId, routeTableId }: RoutedSubnet,
  read: ReadResource,
  owner: Pick<Owner, "tag">,
): Promise<Paths> {
  const table = await read(routeTableKind, routeTableId);
  if (table.is === "hidden") {
    return { firewalls: [], detours: [{ nextHop: routeTableId, why: "not readable" }] };
  }
  const nextHops = table.is === "there" ? appliancesIn(table.value) : [];
  if (nextHops.length === 0) {
    return noPaths;
  }
  const network = await read(virtualNetworkKind, networkId);
  const hops = await mapLimited(nextHops, parallelReads, (nextHop) =>
    follow(nextHop, network, read, owner),
  );
  const firewalls = new Map(
    hops.filter(isPath).map((path) => [idKey(path.firewallId), path] as const),
  );
  return {
    firewalls: [...firewalls].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path),
    detours: hops.filter(isDetour).toSorted((a, b) => (a.nextHop < b.nextHop ? -1 : 1)),
  };
}

/** The IPv4 next hops of all routes through an appliance, each once. */
function appliancesIn({ properties }: z.infer<typeof routeTableKind.schema>): readonly string[] {
  const hops = (properties?.routes ?? []).flatMap(({ properties: route }) =>
    route?.nextHopType?.toLowerCase() === "virtualappliance" ? (route.nextHopIpAddress ?? []) : [],
  );
  return [...new Set(hops)].filter((hop) => isIP(hop) === 4);
}

async function follow(
  nextHop: string,
  network: Found<VirtualNetwork>,
  read: ReadResource,
  owner: Pick<Owner, "tag">,
): Promise<Hop> {
  const here = await lookIn(network, nextHop, read, owner);
  if (here !== undefined || network.is !== "there") {
    return here ?? { nextHop, why: "not readable" };
  }
  const found = await mapLimited(peersWith(network.value, nextHop), parallelReads, async (id) =>
    isOfHub(id)
      ? ({ nextHop, why: "virtual hub" } as const)
      : await lookIn(await read(virtualNetworkKind, id), nextHop, read, owner),
  );
  const hops = found.filter((hop) => hop !== undefined);
  return hops.find(isPath) ?? hops[0] ?? { nextHop, why: "not a firewall" };
}

/** A hub's own network, to which Azure peers the networks that are connected to the hub. */
const isOfHub = (networkId: string): boolean => /\/virtualNetworks\/HV_[^/]*$/i.test(networkId);

/** The connected networks in whose address space the address lies, as far as that is told. */
function peersWith({ properties }: VirtualNetwork, address: string): readonly string[] {
  return (properties.virtualNetworkPeerings ?? []).flatMap(({ properties: peering }) => {
    const space = peering?.remoteAddressSpace?.addressPrefixes ?? [];
    const isConnected = peering?.peeringState?.toLowerCase() === "connected";
    return isConnected && (space.length === 0 || holds(space, address))
      ? (peering.remoteVirtualNetwork?.id ?? [])
      : [];
  });
}

function holds(prefixes: readonly string[], address: string): boolean {
  const inner = parsePrefix(address);
  return (
    isPrefix(inner) &&
    prefixes.map(parsePrefix).some((outer) => isPrefix(outer) && contains(outer, inner))
  );
}

/** The firewall that has the address in this network; a detour where one may have it; nothing where none has. */
async function lookIn(
  network: Found<VirtualNetwork>,
  nextHop: string,
  read: ReadResource,
  owner: Pick<Owner, "tag">,
): Promise<Hop | undefined> {
  if (network.is !== "there") {
    return { nextHop, why: "not readable" };
  }
  const subnet = firewallSubnet(network.value);
  if (subnet === undefined || !holds(subnet.prefixes, nextHop)) {
    return undefined;
  }
  const found = await mapLimited(subnet.firewallIds, parallelReads, (id) => read(firewallKind, id));
  const own = found
    .flatMap((firewall) => (firewall.is === "there" ? [firewall.value] : []))
    .find((firewall) => privateAddressesOf(firewall).includes(nextHop));
  if (own === undefined) {
    return found.some(({ is }) => is !== "there") ? { nextHop, why: "not readable" } : undefined;
  }
  const { sku, virtualHub } = own.properties;
  if (sku?.name?.toLowerCase() === "azfw_hub" || virtualHub?.id) {
    return { nextHop, why: "virtual hub" };
  }
  const policyId = policyOf(own);
  return {
    gateId:
      policyId === undefined ? own.id : `${policyId}/ruleCollectionGroups/${ownGroupName(owner)}`,
    firewallId: own.id,
    publicAddresses: await publicAddressesOf(own, read),
    subnets: subnet.prefixes,
  };
}

const privateAddressesOf = ({ properties }: Firewall): readonly string[] =>
  (properties.ipConfigurations ?? []).flatMap(({ properties: own }) => own?.privateIPAddress ?? []);

/** The subnet that Azure wants firewalls in, by its name. */
function firewallSubnet({ properties }: VirtualNetwork) {
  const subnet = (properties.subnets ?? []).find(
    ({ id }) => id.slice(id.lastIndexOf("/") + 1).toLowerCase() === "azurefirewallsubnet",
  );
  const { addressPrefix, addressPrefixes, ipConfigurations } = subnet?.properties ?? {};
  const firewallIds = (ipConfigurations ?? []).flatMap(({ id }) => firewallOf(id ?? "") ?? []);
  const prefixes = [
    ...new Set([...(addressPrefix ? [addressPrefix] : []), ...(addressPrefixes ?? [])]),
  ];
  return subnet && { prefixes, firewallIds: [...new Set(firewallIds)] };
}

/** The firewall of an IP configuration. */
const firewallOf = (configurationId: string): string | undefined =>
  /^(.+\/azureFirewalls\/[^/]+)\/azureFirewallIpConfigurations\/[^/]+$/i.exec(configurationId)?.[1];

/** Whether a firewall stands in the network. */
export const hasFirewall = (network: VirtualNetwork): boolean =>
  (firewallSubnet(network)?.firewallIds ?? []).length > 0;
