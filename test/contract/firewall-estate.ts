import type { Machine } from "../../src/ports.ts";
import type { Firewall, FirewallRule } from "../../src/rules/firewall.ts";
import { ownGroupName } from "../../src/rules/owned.ts";
import { anOwner } from "../support/builders.ts";

/** Where all of it lies. */
export const subscription = "5b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31";
const network = `/subscriptions/${subscription}/resourceGroups/rg-network/providers/Microsoft.Network`;
const demo = `/subscriptions/${subscription}/resourceGroups/rg-demo/providers`;
const policyId = `${network}/firewallPolicies/fwp-hub`;
const ids = {
  edge: `${network}/azureFirewalls/fw-edge`,
  hub: `${policyId}/ruleCollectionGroups/${ownGroupName(anOwner)}`,
};

/** A rule of a customer, of a classic firewall if nothing else is said. */
export const customer = (rule: Partial<FirewallRule>): FirewallRule => ({
  name: "dns-out",
  kind: "network",
  access: "Allow",
  collection: "allow-dns",
  order: [200],
  protocols: ["UDP", "TCP"],
  sources: ["10.20.1.0/24"],
  destinations: ["*"],
  destinationPorts: ["53"],
  description: "",
  ...rule,
});

/** Firewalls that the network under test has, with rules of customers alone: a classic one, and a policy with a parent. */
export const firewalls = {
  edge: {
    id: ids.edge,
    kind: "classic",
    name: "fw-edge",
    rules: [
      customer({
        name: "web",
        kind: "dnat",
        collection: "publish-web",
        protocols: ["TCP"],
        sources: ["*"],
        destinations: ["192.0.2.40"],
        destinationPorts: ["443"],
        translatedAddress: "10.20.1.4",
        translatedPort: "443",
      }),
      customer({}),
      customer({
        name: "ssh-and-rdp-from-bastion-net",
        collection: "allow-admins",
        order: [300],
        protocols: ["TCP"],
        sources: ["10.20.9.0/24"],
        destinations: ["10.20.1.0/24"],
        destinationPorts: ["22", "3389"],
        description: "Jump hosts",
      }),
    ],
    groupPriorities: [],
    publicAddresses: ["192.0.2.40", "192.0.2.41"],
  },
  hub: {
    id: ids.hub,
    kind: "policy",
    name: "fwp-hub",
    rules: [
      customer({
        name: "telnet",
        access: "Deny",
        collection: "deny-telnet",
        order: [0, 100, 100],
        protocols: ["TCP"],
        sources: ["*"],
        destinationPorts: ["23"],
      }),
      customer({
        name: "web",
        kind: "dnat",
        collection: "publish-web",
        order: [1, 100, 100],
        protocols: ["TCP"],
        sources: ["*"],
        destinations: ["192.0.2.50"],
        destinationPorts: ["443"],
        translatedAddress: "10.31.1.4",
        translatedPort: "443",
      }),
      customer({
        name: "ssh-from-offices",
        collection: "allow-offices",
        order: [1, 200, 100],
        protocols: ["TCP"],
        sources: ["198.51.100.0/24"],
        destinations: ["10.31.1.0/24"],
        destinationPorts: ["22"],
      }),
      customer({ order: [1, 200, 200], sources: ["10.31.1.0/24"] }),
    ],
    groupPriorities: [100, 200],
    publicAddresses: ["192.0.2.50"],
  },
} as const satisfies Record<string, Firewall>;

const behind = (name: string, address: string, path: Machine["addresses"][0]["firewalls"]) => ({
  id: `${demo}/Microsoft.Compute/virtualMachines/vm-${name}`,
  name: `vm-${name}`,
  location: "westeurope",
  addresses: [
    {
      address,
      family: 4 as const,
      networkInterfaceId: `${demo}/Microsoft.Network/networkInterfaces/nic-vm-${name}`,
      gates: [
        ...(path ?? []).map(({ gateId }) => gateId),
        `${network}/networkSecurityGroups/nsg-${name}`,
      ],
      firewalls: path,
    },
  ],
});

/** VMs behind them: in the firewall's own virtual network, and in one peered with it. */
export const machinesBehind: readonly Machine[] = [
  behind("edge", "10.20.1.4", [
    {
      gateId: ids.edge,
      firewallId: ids.edge,
      publicAddresses: firewalls.edge.publicAddresses,
      subnets: ["10.20.0.0/26"],
    },
  ]),
  behind("spoke", "10.31.1.4", [
    {
      gateId: ids.hub,
      firewallId: `${network}/azureFirewalls/fw-hub`,
      publicAddresses: firewalls.hub.publicAddresses,
      subnets: ["10.30.0.0/26"],
    },
  ]),
];
