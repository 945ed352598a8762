import { isIPv6 } from "node:net";
import { isObject } from "../answers.ts";
import { idKey } from "../arm-id.ts";
import type { ArmResource, DataPlaneEntry } from "../estate.ts";
import { type Child, childrenOf, machineOfNic, networkType } from "../network/references.ts";
import { type Resources, sameText } from "../resources.ts";
import { peersOf, prefixesOf, referenced, type SubnetPlace, subnetAt } from "./virtual-network.ts";

/** Where a packet for a machine arrives: one ipConfiguration of one of its NICs, and what stands in front of that. */
export interface Destination extends SubnetPlace {
  readonly address: string;
  /** Undefined when the NIC is attached to none. */
  readonly virtualMachine: string | undefined;
  /** In the order in which Azure asks them: the subnet's, then the NIC's. */
  readonly nsgIds: readonly string[];
  /** Address prefixes of the virtual network and its peers. */
  readonly virtualNetwork: readonly string[];
  readonly hasPublicIp: boolean;
  /** A Standard public IP lets nothing in unless some NSG allows it. */
  readonly isClosedWithoutNsg: boolean;
}

interface Place {
  readonly nic: ArmResource;
  readonly configuration: Child;
  readonly address: string;
  readonly isPrimary: boolean;
}

/** Undefined when the machine is gone, or has no such address. Read anew for every packet: an estate may change. */
export function destinationOf(
  resources: Resources,
  entry: DataPlaneEntry,
): Destination | undefined {
  const places = placesOf(resources, entry.virtualMachine);
  const place =
    entry.destination === undefined
      ? defaultPlace(places, entry.source)
      : places.find(({ address }) => sameText(address, entry.destination as string));
  return place === undefined ? undefined : destinationAt(resources, place);
}

/** The machine that has a private address in one of these virtual networks: other networks may use the same addresses. */
export function destinationWithin(
  resources: Resources,
  vnets: readonly ArmResource[],
  address: string,
): Destination | undefined {
  const within = new Set(vnets.map(({ id }) => idKey(id)));
  return resources
    .list(networkType.nic)
    .flatMap(({ resource }) => placesOfNic(resource))
    .filter((place) => place.address === address)
    .map((place) => destinationAt(resources, place))
    .find(({ vnet }) => vnet !== undefined && within.has(idKey(vnet.id)));
}

/** Keys of the application security groups that an address belongs to; none for one outside the estate. */
export function groupsOf(resources: Resources, address: string): readonly string[] {
  return resources
    .list(networkType.nic)
    .flatMap(({ resource }) => childrenOf(resource, "ipConfigurations"))
    .filter(({ properties }) => properties["privateIPAddress"] === address)
    .flatMap((configuration) => childrenOf(configuration, "applicationSecurityGroups"))
    .map((group) => idKey(String(group["id"])));
}

function destinationAt(resources: Resources, place: Place): Destination {
  const { nic, address } = place;
  const { properties } = place.configuration;
  const { vnet, subnet } = subnetAt(resources, referenced(properties, "subnet"));
  const publicIp = resources.get(referenced(properties, "publicIPAddress") ?? "")?.resource;
  return {
    address,
    virtualMachine: machineOfNic(resources, nic.id)?.id,
    vnet,
    subnet,
    nsgIds: [subnet, nic].flatMap(
      (each) => referenced(each?.properties, "networkSecurityGroup") ?? [],
    ),
    virtualNetwork: [vnet, ...peersOf(resources, vnet)].flatMap(prefixesOf),
    hasPublicIp: publicIp !== undefined,
    isClosedWithoutNsg: isObject(publicIp?.["sku"]) && publicIp["sku"]["name"] === "Standard",
  };
}

/** The primary ipConfiguration of the primary NIC, if it speaks the client's IP version, else the first that does. */
function defaultPlace(places: readonly Place[], source: string): Place | undefined {
  const sameVersion = places.filter(({ address }) => isIPv6(address) === isIPv6(source));
  return sameVersion.find(({ isPrimary }) => isPrimary) ?? sameVersion[0];
}

function placesOf(resources: Resources, machineId: string): Place[] {
  const profile = resources.get(machineId)?.resource.properties["networkProfile"];
  const attached = childrenOf(
    { properties: isObject(profile) ? profile : {} },
    "networkInterfaces",
  );
  return attached.flatMap(({ id, properties }) => {
    const nic = resources.get(String(id))?.resource;
    if (nic === undefined) return [];
    const isPrimaryNic = attached.length === 1 || properties?.["primary"] === true;
    return placesOfNic(nic).map((place) => ({
      ...place,
      isPrimary: isPrimaryNic && place.isPrimary,
    }));
  });
}

function placesOfNic(nic: ArmResource): Place[] {
  return childrenOf(nic, "ipConfigurations").map((configuration) => ({
    nic,
    configuration,
    address: String(configuration.properties["privateIPAddress"]),
    isPrimary: configuration.properties["primary"] === true,
  }));
}
