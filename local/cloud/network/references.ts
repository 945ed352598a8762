import { isObject } from "../answers.ts";
import { idKey } from "../arm-id.ts";
import type { ArmResource } from "../estate.ts";
import type { Held, Resources } from "../resources.ts";

export const networkType = {
  nic: "Microsoft.Network/networkInterfaces",
  vnet: "Microsoft.Network/virtualNetworks",
  publicIp: "Microsoft.Network/publicIPAddresses",
  asg: "Microsoft.Network/applicationSecurityGroups",
  nsg: "Microsoft.Network/networkSecurityGroups",
  routeTable: "Microsoft.Network/routeTables",
  firewall: "Microsoft.Network/azureFirewalls",
  firewallPolicy: "Microsoft.Network/firewallPolicies",
  ruleCollectionGroup: "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
  ipGroup: "Microsoft.Network/ipGroups",
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

/** As ARM refers to a resource. */
export interface Reference {
  readonly id: string;
}

/** Who points at what: references by the key of the id they point at. */
export type Index = ReadonlyMap<string, readonly Reference[]>;

/** What stands behind an NSG, as ARM lists it: `networkInterfaces` and `subnets`. */
export function usersOfNsg(
  resources: Resources,
  nsgId: string,
): { readonly networkInterfaces: readonly Reference[]; readonly subnets: readonly Reference[] } {
  const key = idKey(nsgId);
  return {
    networkInterfaces: interfacesByNsg(resources.list(networkType.nic)).get(key) ?? [],
    subnets: subnetsByNsg(resources.list(networkType.vnet)).get(key) ?? [],
  };
}

/** The subnets that a route table is for. */
export function subnetsOfRouteTable(resources: Resources, id: string): readonly Reference[] {
  return subnetsByRouteTable(resources.list(networkType.vnet)).get(idKey(id)) ?? [];
}

/** The ipConfigurations of all NICs and firewalls whose property `member` points at the id. */
export function ipConfigurationsAt(
  resources: Resources,
  member: "subnet" | "publicIPAddress",
  id: string,
): readonly Reference[] {
  const { ofNics, ofFirewalls } = ipConfigurationsBy[member];
  const key = idKey(id);
  return [
    ...(ofNics(resources.list(networkType.nic)).get(key) ?? []),
    ...(ofFirewalls(resources.list(networkType.firewall)).get(key) ?? []),
  ];
}

/** The machine a NIC is attached to. */
export function machineOfNic(resources: Resources, nicId: string): Reference | undefined {
  const machines = machinesByNic(resources.list("Microsoft.Compute/virtualMachines"));
  return machines.get(idKey(nicId))?.[0];
}

const interfacesByNsg = indexed(({ id, properties }) =>
  pointer(properties, "networkSecurityGroup").map((target) => ({ target, id })),
);

const subnetsByNsg = childrenBy("subnets", "networkSecurityGroup");
const subnetsByRouteTable = childrenBy("subnets", "routeTable");

const ipConfigurationsBy = {
  subnet: ipConfigurationsBySome("subnet"),
  publicIPAddress: ipConfigurationsBySome("publicIPAddress"),
};

function ipConfigurationsBySome(member: string) {
  return {
    ofNics: childrenBy("ipConfigurations", member),
    ofFirewalls: childrenBy("ipConfigurations", member, "azureFirewallIpConfigurations"),
  };
}

/** Children by what their property `member` points at; `collection` is how ids call the array, where that differs. */
function childrenBy(
  array: string,
  member: string,
  collection = array,
): (held: readonly Held[]) => Index {
  return indexed((parent) =>
    childrenOf(parent, array).flatMap(({ name, properties }) =>
      pointer(properties, member).map((target) => ({
        target,
        id: `${parent.id}/${collection}/${name}`,
      })),
    ),
  );
}

const machinesByNic = indexed((machine) => {
  const profile = machine.properties["networkProfile"];
  const list = isObject(profile) ? profile["networkInterfaces"] : undefined;
  return Array.isArray(list)
    ? list.map((entry: Reference) => ({ target: entry.id, id: machine.id }))
    : [];
});

/** The id in `{ [member]: { id } }`, if there is one. */
export function pointer(properties: Readonly<Record<string, unknown>>, member: string): string[] {
  const reference = properties[member];
  const id = isObject(reference) ? reference["id"] : undefined;
  return typeof id === "string" ? [id] : [];
}

/** Built once per list: `Resources.list` answers the same array until something in it changes, and another one after. */
export function indexed(
  pointersOf: (
    resource: ArmResource,
  ) => readonly { readonly target: string; readonly id: string }[],
): (held: readonly Held[]) => Index {
  const built = new WeakMap<readonly Held[], Index>();
  return (held) => {
    const index = built.get(held) ?? build(held);
    built.set(held, index);
    return index;
  };

  function build(held: readonly Held[]): Index {
    const index = new Map<string, Reference[]>();
    for (const { resource } of held) {
      for (const { target, id } of pointersOf(resource)) {
        const key = idKey(target);
        const users = index.get(key) ?? [];
        users.push({ id });
        index.set(key, users);
      }
    }
    return index;
  }
}
