import { isObject } from "../answers.ts";
import { idKey } from "../arm-id.ts";
import type { ArmResource } from "../estate.ts";
import { type Child, childrenOf } from "../network/references.ts";
import { type Resources, sameText } from "../resources.ts";

/** A subnet with the virtual network that it is a part of; both undefined when the estate does not hold them. */
export interface SubnetPlace {
  readonly vnet?: ArmResource | undefined;
  readonly subnet?: Child | undefined;
}

export function subnetAt(resources: Resources, id = ""): SubnetPlace {
  const [vnetId = "", name = ""] = id.split(/\/subnets\//i);
  const vnet = resources.get(vnetId)?.resource;
  if (vnet === undefined) return {};
  return { vnet, subnet: childrenOf(vnet, "subnets").find((each) => sameText(each.name, name)) };
}

export function prefixesOf(vnet: ArmResource | undefined): readonly string[] {
  const space = vnet?.properties["addressSpace"];
  const prefixes = isObject(space) ? space["addressPrefixes"] : undefined;
  return Array.isArray(prefixes) ? prefixes : [];
}

/** The virtual networks that packets reach from this one: those whose peering is Connected, as far as the estate holds them. */
export function peersOf(
  resources: Resources,
  vnet: ArmResource | undefined,
): readonly ArmResource[] {
  if (vnet === undefined) return [];
  return childrenOf(vnet, "virtualNetworkPeerings")
    .filter(({ properties }) => properties["peeringState"] === "Connected")
    .map(({ properties }) => referenced(properties, "remoteVirtualNetwork") ?? "")
    .map((id) => resources.get(id)?.resource)
    .filter((peer) => peer !== undefined);
}

export function isSame(left: ArmResource, right: ArmResource): boolean {
  return idKey(left.id) === idKey(right.id);
}

/** The id in `{ [member]: { id } }`. */
export function referenced(
  properties: Readonly<Record<string, unknown>> | undefined,
  member: string,
): string | undefined {
  const reference = properties?.[member];
  return isObject(reference) && typeof reference["id"] === "string" ? reference["id"] : undefined;
}
