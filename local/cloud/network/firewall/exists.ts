import type { ArmResource } from "../../estate.ts";
import { type Resources, sameText } from "../../resources.ts";
import { type Child, childrenOf, pointer } from "../references.ts";

/** Whether there is a resource, or a subnet, with this id. */
export function exists(resources: Resources, id: string): boolean {
  return resources.get(id) !== undefined || subnetAt(resources, id) !== undefined;
}

/** The subnet with this id, as it stands in its virtual network. */
export function subnetAt(resources: Resources, id: string): Child | undefined {
  const [, vnetId = "", name] = /^(.*)\/subnets\/([^/]+)$/i.exec(id) ?? [];
  const vnet = resources.get(vnetId);
  if (vnet === undefined) return undefined;
  return childrenOf(vnet.resource, "subnets").find((subnet) => sameText(name, subnet.name));
}

/** The public addresses of a firewall that have been given out. */
export function publicAddressesOf(firewall: ArmResource, resources: Resources): readonly string[] {
  return childrenOf(firewall, "ipConfigurations")
    .flatMap(({ properties }) => pointer(properties, "publicIPAddress"))
    .flatMap((id) => resources.get(id)?.resource.properties["ipAddress"] ?? [])
    .filter((address) => typeof address === "string");
}
