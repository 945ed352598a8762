import { randomInt } from "node:crypto";
import type { ArmResource, Estate, FirewallEntry } from "../../local/cloud/estate.ts";
import { generatedGroup } from "./generated-estate.ts";

/** A VM to be made behind a firewall of its own; its name becomes part of the names of all that belongs to it. */
export interface FirewalledVm {
  readonly name: string;
  readonly location: string;
  readonly kind: "classic" | "policy";
}

/** Resource names of a generated VM behind a firewall, and of what stands in front of it. */
export const firewalledNames = (name: string) =>
  ({
    vm: `vm-${name}`,
    card: `nic-${name}`,
    network: `vnet-${name}`,
    routes: `rt-${name}`,
    firewall: `fw-${name}`,
    policy: `fwp-${name}`,
    publicIp: `pip-${name}`,
  }) as const;

/** The address that clients of generated firewalls come from. */
const clientOfFirewalls = "203.0.113.7";

/**
 * The sample estate with more VMs. Each has a virtual network and a firewall of its own in front of it, and no NSG, so that no two
 * of them ever meet on one resource. The firewalls answer on loopback addresses that hardly another cloud on this computer has.
 */
export function withFirewalledVms(sample: Estate, vms: readonly FirewalledVm[]): Estate {
  const second = randomInt(10, 250);
  const made = vms.map((vm, index) => resourcesOf(sample.subscriptionId, vm, index));
  const entries = made.map(
    ({ firewall, address }, index): FirewallEntry => ({
      firewall: firewall.id,
      publicIpAddress: address,
      listenOn: `127.${second}.${Math.floor(index / 250)}.${(index % 250) + 1}`,
      source: clientOfFirewalls,
    }),
  );
  return {
    ...sample,
    resources: [...sample.resources, ...made.flatMap(({ all }) => all)],
    dataPlane: [...(sample.dataPlane ?? []), ...entries],
  };
}

const [privateAddress, machineAddress] = ["10.0.0.4", "10.0.1.4"] as const;

function resourcesOf(subscriptionId: string, vm: FirewalledVm, index: number) {
  const names = firewalledNames(vm.name);
  // Addresses for benchmarks of networks (RFC 2544).
  const address = `198.18.${Math.floor(index / 250)}.${(index % 250) + 1}`;
  const idOf = (type: string, own: string) =>
    `/subscriptions/${subscriptionId}/resourceGroups/${generatedGroup}/providers/${type}/${own}`;
  const made = (type: string, own: string, properties: ArmResource["properties"]): ArmResource => ({
    ...{ id: idOf(type, own), name: own, type, location: vm.location, properties },
  });
  const networkId = idOf("Microsoft.Network/virtualNetworks", names.network);
  const publicIp = made("Microsoft.Network/publicIPAddresses", names.publicIp, {
    ipAddress: address,
    publicIPAddressVersion: "IPv4",
    publicIPAllocationMethod: "Static",
  });
  const policyId = idOf("Microsoft.Network/firewallPolicies", names.policy);
  const firewall = made("Microsoft.Network/azureFirewalls", names.firewall, {
    sku: { name: "AZFW_VNet", tier: "Standard" },
    threatIntelMode: "Alert",
    ...(vm.kind === "policy" ? { firewallPolicy: { id: policyId } } : {}),
    ipConfigurations: [
      {
        name: "ipconfig-1",
        properties: {
          privateIPAddress: privateAddress,
          subnet: { id: `${networkId}/subnets/AzureFirewallSubnet` },
          publicIPAddress: { id: publicIp.id },
        },
      },
    ],
    applicationRuleCollections: [],
    natRuleCollections: [],
    networkRuleCollections: vm.kind === "policy" ? [] : [customerCollection],
  });
  const policy =
    vm.kind === "policy"
      ? [
          made("Microsoft.Network/firewallPolicies", names.policy, { sku: { tier: "Standard" } }),
          customerGroup(policyId),
        ]
      : [];
  const networked = machineOf(vm, { idOf, made, networkId });
  return { address, firewall, all: [publicIp, ...policy, firewall, ...networked] };
}

function machineOf(
  { name }: FirewalledVm,
  {
    idOf,
    made,
    networkId,
  }: {
    readonly idOf: (type: string, own: string) => string;
    readonly made: (type: string, own: string, more: ArmResource["properties"]) => ArmResource;
    readonly networkId: string;
  },
): readonly ArmResource[] {
  const names = firewalledNames(name);
  const routeTable = { id: idOf("Microsoft.Network/routeTables", names.routes) };
  const card = made("Microsoft.Network/networkInterfaces", names.card, {
    primary: true,
    ipConfigurations: [
      {
        name: "ipconfig1",
        properties: {
          privateIPAddress: machineAddress,
          privateIPAddressVersion: "IPv4",
          privateIPAllocationMethod: "Dynamic",
          primary: true,
          subnet: { id: `${networkId}/subnets/default` },
        },
      },
    ],
  });
  return [
    made("Microsoft.Network/routeTables", names.routes, {
      routes: [
        {
          name: "default",
          properties: {
            addressPrefix: "0.0.0.0/0",
            nextHopType: "VirtualAppliance",
            nextHopIpAddress: privateAddress,
          },
        },
      ],
    }),
    made("Microsoft.Network/virtualNetworks", names.network, {
      addressSpace: { addressPrefixes: ["10.0.0.0/16"] },
      subnets: [
        { name: "AzureFirewallSubnet", properties: { addressPrefix: "10.0.0.0/26" } },
        { name: "default", properties: { addressPrefix: "10.0.1.0/24", routeTable } },
      ],
    }),
    card,
    made("Microsoft.Compute/virtualMachines", names.vm, {
      hardwareProfile: { vmSize: "Standard_D2s_v5" },
      storageProfile: { osDisk: { osType: "Linux", createOption: "FromImage" } },
      networkProfile: { networkInterfaces: [{ id: card.id, properties: { primary: true } }] },
    }),
  ];
}

/** What a customer may have there already: DNS out for everybody. */
const customerCollection = {
  name: "names",
  properties: {
    priority: 200,
    action: { type: "Allow" },
    rules: [
      {
        name: "dns-out",
        protocols: ["UDP", "TCP"],
        sourceAddresses: ["10.0.1.0/24"],
        destinationAddresses: ["*"],
        destinationPorts: ["53"],
      },
    ],
  },
};

const customerGroup = (policyId: string): ArmResource => ({
  id: `${policyId}/ruleCollectionGroups/DefaultNetworkRuleCollectionGroup`,
  name: "DefaultNetworkRuleCollectionGroup",
  type: "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
  properties: {
    priority: 200,
    ruleCollections: [
      {
        ruleCollectionType: "FirewallPolicyFilterRuleCollection",
        name: "names",
        priority: 200,
        action: { type: "Allow" },
        rules: [
          {
            ruleType: "NetworkRule",
            name: "dns-out",
            ipProtocols: ["UDP", "TCP"],
            sourceAddresses: ["10.0.1.0/24"],
            destinationAddresses: ["*"],
            destinationPorts: ["53"],
          },
        ],
      },
    ],
  },
});
