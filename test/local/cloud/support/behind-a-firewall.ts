import type { ArmResource, FirewallEntry } from "../../../../local/cloud/estate.ts";

/** Classic: rules of the firewall's own. Policy: in a rule collection group. */
export type Kind = "classic" | "policy";

export const alice = "203.0.113.7";
export const publicAddress = "192.0.2.60";
const firewallAddress = "10.60.0.4";
export const machineAddress = "10.61.1.4";

export const ids = {
  firewall: id("Microsoft.Network/azureFirewalls", "fw-test"),
  policy: id("Microsoft.Network/firewallPolicies", "fwp-test"),
  parent: id("Microsoft.Network/firewallPolicies", "fwp-parent"),
  group: id("Microsoft.Network/firewallPolicies", "fwp-test/ruleCollectionGroups/rcg-test"),
  ipGroup: id("Microsoft.Network/ipGroups", "ipg-test"),
  hub: id("Microsoft.Network/virtualNetworks", "vnet-hub"),
  spoke: id("Microsoft.Network/virtualNetworks", "vnet-spoke"),
  nsg: id("Microsoft.Network/networkSecurityGroups", "nsg-test"),
  routes: id("Microsoft.Network/routeTables", "rt-test"),
  publicIp: id("Microsoft.Network/publicIPAddresses", "pip-test"),
  machine: id("Microsoft.Compute/virtualMachines", "vm-test"),
  nic: id("Microsoft.Network/networkInterfaces", "nic-test"),
};

type Members = Readonly<Record<string, unknown>>;

export interface Collection {
  readonly name?: string;
  readonly priority?: number;
  readonly access?: "Allow" | "Deny";
  readonly rules: readonly Members[];
}

interface Rules {
  readonly dnat?: readonly Collection[];
  readonly network?: readonly Collection[];
}

/** From alice at port 41234 of the public address to SSH of the machine; members of `more` replace its own. */
export function aDnatRule(more: Members = {}): Members {
  return {
    name: "ssh",
    protocols: ["TCP"],
    sourceAddresses: [alice],
    destinationAddresses: [publicAddress],
    destinationPorts: ["41234"],
    translatedAddress: machineAddress,
    translatedPort: "22",
    ...more,
  };
}

/** About SSH of the machine, from anywhere. */
export function aNetworkRule(more: Members = {}): Members {
  return {
    name: "net",
    protocols: ["TCP"],
    sourceAddresses: ["*"],
    destinationAddresses: [machineAddress],
    destinationPorts: ["22"],
    ...more,
  };
}

/** What carries the rules: the classic firewall itself, or a group of the policy's rules. */
export function carrierOf(kind: Kind, rules: Rules, state = "Succeeded"): ArmResource {
  return kind === "classic" ? aFirewall(kind, rules, state) : aGroup(rules, { state });
}

function aFirewall(kind: Kind, rules: Rules = {}, provisioningState = "Succeeded") {
  const classic = {
    natRuleCollections: rules.dnat?.map((each) => classicCollection(each, "Dnat")) ?? [],
    networkRuleCollections: rules.network?.map((each) => classicCollection(each)) ?? [],
  };
  const ipConfiguration = {
    privateIPAddress: firewallAddress,
    subnet: { id: `${ids.hub}/subnets/AzureFirewallSubnet` },
    publicIPAddress: { id: ids.publicIp },
  };
  return resource(ids.firewall, {
    provisioningState,
    ipConfigurations: [{ name: "ipconfig-1", properties: ipConfiguration }],
    ...(kind === "classic" ? classic : { firewallPolicy: { id: ids.policy } }),
  });
}

export function aGroup(
  rules: Rules,
  more: { readonly id?: string; readonly priority?: number; readonly state?: string } = {},
): ArmResource {
  const { id: groupId = ids.group, priority = 100, state = "Succeeded" } = more;
  const dnat = rules.dnat?.map((each) => policyCollection(each, "Nat", "DNAT")) ?? [];
  const network = rules.network?.map((each) => policyCollection(each, "Filter")) ?? [];
  return resource(groupId, {
    provisioningState: state,
    priority,
    ruleCollections: [...network, ...dnat],
  });
}

/** A hub with the firewall, a peered spoke with the machine, and the way between them; the NSG lets in from the firewall's subnet only. */
export function aTown(kind: Kind, rules: Rules = {}): readonly ArmResource[] {
  const policy =
    kind === "classic"
      ? []
      : [resource(ids.policy, { basePolicy: { id: ids.parent } }), resource(ids.parent, {})];
  const carrier = kind === "classic" ? [] : [aGroup(rules)];
  return [
    ...ground,
    aFirewall(kind, rules),
    ...policy,
    ...carrier,
    anNsg([nsgRule("from-firewall", 200, "Allow", "10.60.0.0/26"), denyAll]),
    resource(ids.ipGroup, { ipAddresses: ["198.51.100.0/24"] }),
  ];
}

export function anEntry(more: Partial<FirewallEntry> = {}): FirewallEntry {
  return {
    firewall: ids.firewall,
    publicIpAddress: publicAddress,
    listenOn: "127.0.0.1",
    source: alice,
    ...more,
  };
}

export function anNsg(securityRules: readonly unknown[]): ArmResource {
  return resource(ids.nsg, { securityRules });
}

export function nsgRule(name: string, priority: number, access: string, source: string) {
  const ends = { sourceAddressPrefix: source, destinationAddressPrefix: "*" };
  const ports = { sourcePortRange: "*", destinationPortRange: "*" };
  const rest = { protocol: "*", direction: "Inbound", priority, access };
  return { name, properties: { ...rest, ...ends, ...ports } };
}

export const denyAll = nsgRule("deny-all", 4_000, "Deny", "*");

export function aRouteTable(routes: readonly Members[]): ArmResource {
  return resource(ids.routes, {
    routes: routes.map((properties, index) => ({ name: `route-${index}`, properties })),
  });
}

export const toFirewall = { nextHopType: "VirtualAppliance", nextHopIpAddress: firewallAddress };

export function aNic(more: Members = {}): ArmResource {
  const configuration = {
    privateIPAddress: machineAddress,
    primary: true,
    subnet: { id: `${ids.spoke}/subnets/snet` },
    ...more,
  };
  return resource(ids.nic, {
    ipConfigurations: [{ name: "ipconfig1", properties: configuration }],
  });
}

export function aVnet(vnet: "hub" | "spoke", peeringState = "Connected"): ArmResource {
  const [own, peer] = vnet === "hub" ? [ids.hub, ids.spoke] : [ids.spoke, ids.hub];
  const guards = { networkSecurityGroup: { id: ids.nsg }, routeTable: { id: ids.routes } };
  return resource(own, {
    addressSpace: { addressPrefixes: [vnet === "hub" ? "10.60.0.0/16" : "10.61.0.0/16"] },
    subnets:
      vnet === "hub"
        ? [{ name: "AzureFirewallSubnet", properties: { addressPrefix: "10.60.0.0/26" } }]
        : [{ name: "snet", properties: { addressPrefix: "10.61.1.0/24", ...guards } }],
    virtualNetworkPeerings: [
      { name: "peer", properties: { peeringState, remoteVirtualNetwork: { id: peer } } },
    ],
  });
}

const ground = [
  aVnet("hub"),
  aVnet("spoke"),
  resource(ids.publicIp, { ipAddress: publicAddress }),
  aRouteTable([{ addressPrefix: "0.0.0.0/0", ...toFirewall }]),
  aNic(),
  resource(ids.machine, { networkProfile: { networkInterfaces: [{ id: ids.nic }] } }),
];

function classicCollection(collection: Collection, dnat?: "Dnat"): Members {
  const { name = "collection", priority = 200, access = "Allow", rules } = collection;
  return { name, properties: { priority, action: { type: dnat ?? access }, rules } };
}

function policyCollection(collection: Collection, kind: "Nat" | "Filter", dnat?: "DNAT"): Members {
  const { name = "collection", priority = 200, access = "Allow", rules } = collection;
  return {
    ruleCollectionType: `FirewallPolicy${kind}RuleCollection`,
    name,
    priority,
    action: { type: dnat ?? access },
    rules: rules.map(({ protocols, ...members }) => ({
      ruleType: kind === "Nat" ? "NatRule" : "NetworkRule",
      ipProtocols: protocols,
      ...members,
    })),
  };
}

/** Its type is that of its id: `Microsoft.Network/a/b` of one that ends in `Microsoft.Network/a/{a}/b/{b}`. */
function resource(resourceId: string, properties: Members): ArmResource {
  const [provider = "", ...segments] = resourceId.split("/providers/")[1]?.split("/") ?? [];
  const types = segments.filter((_segment, index) => index % 2 === 0);
  return {
    id: resourceId,
    name: segments.at(-1) ?? "",
    type: [provider, ...types].join("/"),
    properties,
  };
}

function id(type: string, name: string): string {
  return `/subscriptions/5b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31/resourceGroups/rg-test/providers/${type}/${name}`;
}
