import { isIPv6 } from "node:net";
import { isObject } from "../answers.ts";
import { idKey } from "../arm-id.ts";
import type { ArmResource, DataPlaneEntry } from "../estate.ts";
import { type Child, childrenOf, networkType } from "../network/references.ts";
import { type Resources, sameText } from "../resources.ts";

/** Where a packet for a machine arrives: one ipConfiguration of one of its NICs, and what stands in front of that. */
export interface Destination {
  readonly address: string;
  /** In the order in which Azure asks them: the subnet's, then the NIC's. */
  readonly nsgIds: readonly string[];
  /** Address prefixes of the virtual network. */
  readonly virtualNetwork: readonly string[];
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
  if (place === undefined) return undefined;
  const { properties } = place.configuration;
  const { vnet, subnet } = subnetAt(resources, referenced(properties, "subnet"));
  const publicIp = resources.get(referenced(properties, "publicIPAddress") ?? "")?.resource;
  return {
    address: place.address,
    nsgIds: [subnet, place.nic].flatMap(
      (each) => referenced(each?.properties, "networkSecurityGroup") ?? [],
    ),
    virtualNetwork: vnet === undefined ? [] : prefixesOf(vnet),
    isClosedWithoutNsg: isObject(publicIp?.["sku"]) && publicIp["sku"]["name"] === "Standard",
  };
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
    return childrenOf(nic, "ipConfigurations").map((configuration) => ({
      nic,
      configuration,
      address: String(configuration.properties["privateIPAddress"]),
      isPrimary: isPrimaryNic && configuration.properties["primary"] === true,
    }));
  });
}

function subnetAt(
  resources: Resources,
  id = "",
): { readonly vnet?: ArmResource | undefined; readonly subnet?: Child | undefined } {
  const [vnetId = "", name = ""] = id.split(/\/subnets\//i);
  const vnet = resources.get(vnetId)?.resource;
  if (vnet === undefined) return {};
  return { vnet, subnet: childrenOf(vnet, "subnets").find((each) => sameText(each.name, name)) };
}

function prefixesOf(vnet: ArmResource): readonly string[] {
  const space = vnet.properties["addressSpace"];
  const prefixes = isObject(space) ? space["addressPrefixes"] : undefined;
  return Array.isArray(prefixes) ? prefixes : [];
}

function referenced(
  properties: Readonly<Record<string, unknown>> | undefined,
  member: string,
): string | undefined {
  const reference = properties?.[member];
  return isObject(reference) && typeof reference["id"] === "string" ? reference["id"] : undefined;
}
