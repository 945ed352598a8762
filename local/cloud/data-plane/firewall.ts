import type { ArmResource } from "../estate.ts";
import { childrenOf } from "../network/references.ts";
import type { Resources } from "../resources.ts";
import { peersOf, referenced, subnetAt } from "./virtual-network.ts";

/** The address that routes name as their next hop, and the source of what the firewall translates. */
export function privateAddressOf(firewall: ArmResource): string | undefined {
  const [address] = childrenOf(firewall, "ipConfigurations").flatMap(({ properties }) =>
    typeof properties["privateIPAddress"] === "string" ? [properties["privateIPAddress"]] : [],
  );
  return address;
}

export function hasPublicAddress(
  resources: Resources,
  firewall: ArmResource,
  address: string,
): boolean {
  return childrenOf(firewall, "ipConfigurations")
    .map(({ properties }) => referenced(properties, "publicIPAddress") ?? "")
    .some((id) => resources.get(id)?.resource.properties["ipAddress"] === address);
}

/** Its own virtual network and the peers of that: whoever is elsewhere the firewall cannot send a packet to. */
export function reachOf(resources: Resources, firewall: ArmResource): readonly ArmResource[] {
  const [vnet] = childrenOf(firewall, "ipConfigurations").flatMap(({ properties }) => {
    const place = subnetAt(resources, referenced(properties, "subnet"));
    return place.vnet === undefined ? [] : [place.vnet];
  });
  return vnet === undefined ? [] : [vnet, ...peersOf(resources, vnet)];
}
