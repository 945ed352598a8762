import { isObject } from "../answers.ts";
import { idKey } from "../arm-id.ts";
import type { ArmResource } from "../estate.ts";
import type { Resources } from "../resources.ts";

export const networkType = {
  nic: "Microsoft.Network/networkInterfaces",
  vnet: "Microsoft.Network/virtualNetworks",
  publicIp: "Microsoft.Network/publicIPAddresses",
  asg: "Microsoft.Network/applicationSecurityGroups",
  nsg: "Microsoft.Network/networkSecurityGroups",
} as const;

/** A member of an ARM array that has a name and properties: a subnet, an ipConfiguration, a security rule. */
export interface Child {
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly [more: string]: unknown;
}

/** The children a resource carries in one of its arrays. */
export function childrenOf(resource: { properties: object }, member: string): readonly Child[] {
  const list = (resource.properties as Record<string, unknown>)[member];
  return Array.isArray(list) ? (list as Child[]) : [];
}

/** Whether `{ [member]: { id } }` points at the resource with this id. */
function pointsAt(
  properties: Readonly<Record<string, unknown>>,
  member: string,
  id: string,
): boolean {
  const reference = properties[member];
  return isObject(reference) && typeof reference["id"] === "string"
    ? idKey(reference["id"]) === idKey(id)
    : false;
}

interface Reference {
  readonly id: string;
}

/** What stands behind an NSG, as ARM lists it: `networkInterfaces` and `subnets`. */
export function usersOfNsg(
  resources: Resources,
  nsgId: string,
): { readonly networkInterfaces: readonly Reference[]; readonly subnets: readonly Reference[] } {
  return {
    networkInterfaces: resources
      .list(networkType.nic)
      .filter(({ resource }) => pointsAt(resource.properties, "networkSecurityGroup", nsgId))
      .map(({ resource }) => ({ id: resource.id })),
    subnets: allSubnets(resources)
      .filter(({ subnet }) => pointsAt(subnet.properties, "networkSecurityGroup", nsgId))
      .map(({ id }) => ({ id })),
  };
}

function allSubnets(resources: Resources): { id: string; subnet: Child }[] {
  return resources.list(networkType.vnet).flatMap(({ resource }) =>
    childrenOf(resource, "subnets").map((subnet) => ({
      id: `${resource.id}/subnets/${subnet.name}`,
      subnet,
    })),
  );
}

/** The ipConfigurations of all NICs whose property `member` (`subnet`, `publicIPAddress`) points at the id. */
export function ipConfigurationsAt(
  resources: Resources,
  member: string,
  id: string,
): readonly Reference[] {
  return resources.list(networkType.nic).flatMap(({ resource }) =>
    childrenOf(resource, "ipConfigurations")
      .filter((configuration) => pointsAt(configuration.properties, member, id))
      .map((configuration) => ({ id: `${resource.id}/ipConfigurations/${configuration.name}` })),
  );
}

/** The machine a NIC is attached to. */
export function machineOfNic(resources: Resources, nicId: string): Reference | undefined {
  const machine = resources
    .list("Microsoft.Compute/virtualMachines")
    .find(({ resource }) => nicIds(resource).some((id) => idKey(id) === idKey(nicId)));
  return machine === undefined ? undefined : { id: machine.resource.id };
}

function nicIds(machine: ArmResource): string[] {
  const profile = machine.properties["networkProfile"];
  const list = isObject(profile) ? profile["networkInterfaces"] : undefined;
  return Array.isArray(list) ? list.map((entry: Reference) => entry.id) : [];
}
