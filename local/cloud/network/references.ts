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

interface Reference {
  readonly id: string;
}

/** Who points at what: references by the key of the id they point at. */
type Index = ReadonlyMap<string, readonly Reference[]>;

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

/** The ipConfigurations of all NICs whose property `member` points at the id. */
export function ipConfigurationsAt(
  resources: Resources,
  member: "subnet" | "publicIPAddress",
  id: string,
): readonly Reference[] {
  return ipConfigurationsBy[member](resources.list(networkType.nic)).get(idKey(id)) ?? [];
}

/** The machine a NIC is attached to. */
export function machineOfNic(resources: Resources, nicId: string): Reference | undefined {
  const machines = machinesByNic(resources.list("Microsoft.Compute/virtualMachines"));
  return machines.get(idKey(nicId))?.[0];
}

const interfacesByNsg = indexed(({ id, properties }) =>
  pointer(properties, "networkSecurityGroup").map((target) => ({ target, id })),
);

const subnetsByNsg = indexed((vnet) =>
  childrenOf(vnet, "subnets").flatMap(({ name, properties }) =>
    pointer(properties, "networkSecurityGroup").map((target) => ({
      target,
      id: `${vnet.id}/subnets/${name}`,
    })),
  ),
);

const ipConfigurationsBy = {
  subnet: ipConfigurationsBySome("subnet"),
  publicIPAddress: ipConfigurationsBySome("publicIPAddress"),
};

function ipConfigurationsBySome(member: string): (held: readonly Held[]) => Index {
  return indexed((nic) =>
    childrenOf(nic, "ipConfigurations").flatMap(({ name, properties }) =>
      pointer(properties, member).map((target) => ({
        target,
        id: `${nic.id}/ipConfigurations/${name}`,
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
function pointer(properties: Readonly<Record<string, unknown>>, member: string): string[] {
  const reference = properties[member];
  const id = isObject(reference) ? reference["id"] : undefined;
  return typeof id === "string" ? [id] : [];
}

/** Built once per list: `Resources.list` answers the same array until something in it changes, and another one after. */
function indexed(
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
