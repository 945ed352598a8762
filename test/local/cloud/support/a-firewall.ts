import { apiVersion } from "./running-cloud.ts";

/** Where the firewalls of the sample are, and what belongs to them. */
export function firewallPaths(subscriptionId: string) {
  const network = `/subscriptions/${subscriptionId}/resourceGroups/rg-network/providers/Microsoft.Network`;
  const at = (path: string) => `${network}/${path}?${apiVersion}`;
  return {
    firewall: (name: string) => at(`azureFirewalls/${name}`),
    edge: at("azureFirewalls/fw-edge"),
    hub: at("azureFirewalls/fw-hub"),
    policy: (name: string) => at(`firewallPolicies/${name}`),
    group: (policy: string, name: string) =>
      at(`firewallPolicies/${policy}/ruleCollectionGroups/${name}`),
    ipGroup: at("ipGroups/ipg-offices"),
    at,
  };
}

const where = {
  sourceAddresses: ["203.0.113.7"],
  destinationPorts: ["13022"],
  translatedPort: "22",
};

/** A DNAT rule to vm-edge's SSH as a classic firewall has it; members of `more` replace its own. */
export function natRule(more: object = {}) {
  return {
    name: "ssh",
    protocols: ["TCP"],
    destinationAddresses: ["192.0.2.40"],
    translatedAddress: "10.20.1.4",
    ...where,
    ...more,
  };
}

/** A collection with that rule, as ARM wraps it; members of `more` replace those inside. */
export function natCollection(more: object = {}) {
  return {
    name: "ours",
    properties: { priority: 150, action: { type: "Dnat" }, rules: [natRule()], ...more },
  };
}

/** A DNAT rule to vm-spoke's SSH as a policy has it. */
export function policyNatRule(more: object = {}) {
  return {
    ruleType: "NatRule",
    name: "ssh",
    ipProtocols: ["TCP"],
    destinationAddresses: ["192.0.2.50"],
    translatedAddress: "10.31.1.4",
    ...where,
    ...more,
  };
}

/** A collection with that rule; members of `more` replace its own. */
export function policyNatCollection(more: object = {}) {
  return {
    ruleCollectionType: "FirewallPolicyNatRuleCollection",
    name: "ours",
    priority: 150,
    action: { type: "DNAT" },
    rules: [policyNatRule()],
    ...more,
  };
}
