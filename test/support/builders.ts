import type { Circumstances } from "../../src/access/decide.ts";
import type { AccessRequest, Requestor, Window } from "../../src/access/request.ts";
import type { Fact } from "../../src/activity/fact.ts";
import type { AccessRulesContext } from "../../src/policy/circle-body.ts";
import type { Policy, PolicyVirtualMachine, PortRule } from "../../src/policy/policy.ts";
import type { Firewall, FirewallRule } from "../../src/rules/firewall.ts";
import type { DesiredDeny, DesiredWindow, Owner } from "../../src/rules/intent.ts";
import type { NetworkSecurityGroup, SecurityRule } from "../../src/rules/nsg.ts";

export const subscriptionId = "5b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31";

/** When everything happens, unless a test says otherwise. */
export const noon = new Date("2030-01-31T12:00:00.000Z");

/** A moment so many seconds after {@link noon}, ISO 8601. */
export const afterNoon = (seconds: number): string =>
  new Date(noon.getTime() + seconds * 1_000).toISOString();

export const vmId = (name = "web-1"): string =>
  `/subscriptions/${subscriptionId}/resourceGroups/shop/providers/Microsoft.Compute/virtualMachines/${name}`;

/** SSH from anywhere in 203.0.113.0/24, for three hours at most. */
export const aPort = (values: Partial<PortRule> = {}): PortRule => ({
  number: 22,
  protocol: "TCP",
  ...(values.allowedSourceAddressPrefixes === undefined
    ? { allowedSourceAddressPrefix: "203.0.113.0/24" }
    : {}),
  maxRequestAccessDuration: "PT3H",
  ...values,
});

export const aVirtualMachine = (
  values: Partial<PolicyVirtualMachine> = {},
): PolicyVirtualMachine => ({ id: vmId(), ports: [aPort()], ...values });

/** `ports` are those of the one VM it protects; give `virtualMachines` for several. */
export const aPolicy = ({
  ports = [aPort()],
  ...values
}: Partial<Policy> & { ports?: readonly PortRule[] } = {}): Policy => ({
  id: `/subscriptions/${subscriptionId}/resourceGroups/shop/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default`,
  subscriptionId,
  resourceGroup: "shop",
  location: "westeurope",
  name: "default",
  kind: "Basic",
  virtualMachines: [aVirtualMachine({ ports })],
  gates: [],
  state: "settled",
  changedAt: afterNoon(-3_600),
  ...values,
});

export const requestId = "0d2f4c1e-90aa-4f0e-8a53-6a1f0f7c2b11";

export const alice: Requestor = {
  tenantId: "11111111-0000-0000-0000-000000000001",
  objectId: "22222222-0000-0000-0000-000000000001",
  name: "alice@contoso.example",
};

/** Alice configures, where groups can be looked up. */
export const aContext: AccessRulesContext = {
  callerTenantId: alice.tenantId,
  groupsUsable: true,
};

/** A call by Alice from 203.0.113.7 at noon. */
export const circumstances = (values: Partial<Circumstances> = {}): Circumstances => ({
  requestId,
  requestor: alice,
  callerAddress: "203.0.113.7",
  now: noon,
  ...values,
});

/** A window of a request, waiting to be opened for an hour. */
export const aWindow = (values: Partial<Window> = {}): Window => ({
  id: `${requestId}-0-${values.port ?? 22}`,
  vmId: vmId(),
  port: 22,
  protocol: "TCP",
  sources: ["203.0.113.7"],
  closesAt: afterNoon(3_600),
  state: "opening",
  ...values,
});

export const anAccessRequest = (values: Partial<AccessRequest> = {}): AccessRequest => ({
  id: requestId,
  policyId: aPolicy().id,
  requestor: alice,
  createdAt: noon.toISOString(),
  windows: [aWindow()],
  ...values,
});

/** A customer's rule: web traffic to everything behind the gate. */
export const aRule = (values: Partial<SecurityRule> = {}): SecurityRule => ({
  name: "allow-web",
  priority: 400,
  direction: "Inbound",
  access: "Allow",
  protocol: "Tcp",
  sources: ["*"],
  sourceGroups: [],
  sourcePorts: ["*"],
  destinations: ["*"],
  destinationGroups: [],
  destinationPorts: ["443"],
  description: "",
  ...values,
});

export const aGroup = (...rules: readonly SecurityRule[]): NetworkSecurityGroup => ({
  id: `/subscriptions/${subscriptionId}/resourceGroups/shop/providers/Microsoft.Network/networkSecurityGroups/shop-nsg`,
  rules,
});

export const anOwner: Owner = { name: "default", tag: "37a8ee" };

/** SSH of web-1, closed. */
export const aDesiredDeny = (values: Partial<DesiredDeny> = {}): DesiredDeny => ({
  policyId: aPolicy().id,
  vmId: vmId(),
  vmKey: "0123456789abcdef",
  addresses: ["10.0.0.4"],
  ports: [22],
  ...values,
});

/** SSH of web-1, open to 203.0.113.7 for an hour. */
export const aDesiredWindow = (values: Partial<DesiredWindow> = {}): DesiredWindow => ({
  windowId: `${values.requestId ?? requestId}-0-${values.port ?? 22}`,
  requestId,
  policyId: aPolicy().id,
  vmId: vmId(),
  addresses: ["10.0.0.4"],
  port: 22,
  protocol: "TCP",
  sources: ["203.0.113.7"],
  closesAt: afterNoon(3_600),
  ...values,
});

/** A customer's network rule of a classic firewall: the office may reach the web servers. */
export const aFirewallRule = (values: Partial<FirewallRule> = {}): FirewallRule => ({
  name: "office-web",
  kind: "network",
  access: "Allow",
  collection: `customer-${values.order?.join("-") ?? 400}`,
  order: [400],
  protocols: ["TCP"],
  sources: ["192.168.0.0/16"],
  destinations: ["10.0.0.0/16"],
  destinationPorts: ["443"],
  description: "",
  ...values,
});

/** A customer's DNAT rule of a classic firewall: the web shop. */
export const aDnatRule = (values: Partial<FirewallRule> = {}): FirewallRule =>
  aFirewallRule({
    name: "shop",
    kind: "dnat",
    collection: `customer-nat-${values.order?.join("-") ?? 400}`,
    sources: ["*"],
    destinations: [publicAddresses[0]],
    destinationPorts: ["443"],
    translatedAddress: "10.0.0.9",
    translatedPort: "443",
    ...values,
  });

/** The public addresses of {@link aFirewall}. */
export const publicAddresses = ["198.51.100.1", "198.51.100.2"] as const;

/** A classic firewall with two public addresses. */
export const aFirewall = (...rules: readonly FirewallRule[]): Firewall => ({
  id: `/subscriptions/${subscriptionId}/resourceGroups/hub/providers/Microsoft.Network/azureFirewalls/edge`,
  kind: "classic",
  name: "edge",
  rules,
  groupPriorities: [],
  publicAddresses,
});

/** A firewall policy whose other groups are those of the rules. */
export const aFirewallPolicy = (...rules: readonly FirewallRule[]): Firewall => ({
  id: `/subscriptions/${subscriptionId}/resourceGroups/hub/providers/Microsoft.Network/firewallPolicies/edge-policy/ruleCollectionGroups/JitAccess-37a8ee`,
  kind: "policy",
  name: "edge-policy",
  rules,
  groupPriorities: [
    ...new Set(rules.flatMap(({ order: [level, group] }) => (level === 1 && group ? [group] : []))),
  ],
  publicAddresses,
});

/** A minute before noon a port of web-1 was proven open. Facts of one test need ids of their own. */
export const aFact = (values: Partial<Fact> = {}): Fact => ({
  version: 1,
  id: "fact",
  at: afterNoon(-60),
  operation: "access.open",
  outcome: "done",
  subscriptionId,
  policyId: aPolicy().id,
  vmId: vmId(),
  ...values,
});
