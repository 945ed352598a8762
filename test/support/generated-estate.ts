import type { ArmResource, Estate } from "../../local/cloud/estate.ts";

/** A VM to be made; its name becomes part of the names of all that belongs to it. */
export interface GeneratedVm {
  readonly name: string;
  readonly location: string;
}

/** Resource names of a generated VM and of what stands in front of it. */
export const namesOf = (name: string) =>
  ({
    vm: `vm-${name}`,
    card: `nic-${name}`,
    network: `vnet-${name}`,
    cardGate: `nsg-${name}-card`,
    subnetGate: `nsg-${name}-subnet`,
  }) as const;

export const generatedGroup = "rg-demo";

/**
 * The sample estate with more VMs. Each has a network interface, a virtual network and two NSGs of its own, one on its
 * interface and one on its subnet, so that no two of them ever meet on one resource.
 */
export function withGeneratedVms(sample: Estate, vms: readonly GeneratedVm[]): Estate {
  const added = vms.flatMap((vm, index) => resourcesOf(sample.subscriptionId, vm, index));
  return { ...sample, resources: [...sample.resources, ...added] };
}

function resourcesOf(
  subscriptionId: string,
  { name, location }: GeneratedVm,
  index: number,
): readonly ArmResource[] {
  const names = namesOf(name);
  const resource = (type: string, own: string, properties: ArmResource["properties"]) => ({
    id: `/subscriptions/${subscriptionId}/resourceGroups/${generatedGroup}/providers/${type}/${own}`,
    name: own,
    type,
    location,
    properties,
  });
  const gateOf = (own: string, kind: number) =>
    resource("Microsoft.Network/networkSecurityGroups", own, {
      resourceGuid: guidOf(kind, index),
      securityRules: customerRules,
    });
  const [cardGate, subnetGate] = [gateOf(names.cardGate, 5), gateOf(names.subnetGate, 6)];
  const network = resource("Microsoft.Network/virtualNetworks", names.network, {
    addressSpace: { addressPrefixes: ["10.0.0.0/16"] },
    subnets: [
      {
        name: "default",
        properties: { addressPrefix: "10.0.0.0/24", networkSecurityGroup: { id: subnetGate.id } },
      },
    ],
  });
  const card = resource("Microsoft.Network/networkInterfaces", names.card, {
    primary: true,
    networkSecurityGroup: { id: cardGate.id },
    ipConfigurations: [
      {
        name: "ipconfig1",
        properties: {
          privateIPAddress: "10.0.0.4",
          privateIPAddressVersion: "IPv4",
          privateIPAllocationMethod: "Dynamic",
          primary: true,
          subnet: { id: `${network.id}/subnets/default` },
        },
      },
    ],
  });
  const vm = resource("Microsoft.Compute/virtualMachines", names.vm, {
    vmId: guidOf(4, index),
    hardwareProfile: { vmSize: "Standard_D2s_v5" },
    storageProfile: { osDisk: { osType: "Linux", createOption: "FromImage" } },
    networkProfile: { networkInterfaces: [{ id: card.id, properties: { primary: true } }] },
  });
  return [cardGate, subnetGate, network, card, vm];
}

const guidOf = (kind: number, index: number): string =>
  `0000000${kind}-0000-4000-8000-${String(index).padStart(12, "0")}`;

/** What a customer may have there already; none of it opens or blocks a management port. */
const customerRules = [
  {
    name: "allow-web",
    properties: {
      description: "Öffentliche Website",
      protocol: "Tcp",
      sourcePortRange: "*",
      destinationPortRange: "443",
      sourceAddressPrefix: "*",
      destinationAddressPrefix: "*",
      access: "Allow",
      priority: 300,
      direction: "Inbound",
    },
  },
  {
    name: "deny-smtp-out",
    properties: {
      protocol: "Tcp",
      sourcePortRange: "*",
      destinationPortRange: "25",
      sourceAddressPrefix: "*",
      destinationAddressPrefix: "Internet",
      access: "Deny",
      priority: 200,
      direction: "Outbound",
    },
  },
];
