import { type Firewall, type FirewallRule, firewallRuleText } from "./firewall.ts";
import { type NetworkSecurityGroup, ruleText, type SecurityRule } from "./nsg.ts";

/** A gate as it was read, of either kind. */
export type Gate = NetworkSecurityGroup | Firewall;

/** A rule of either kind of gate. */
export type GateRule = SecurityRule | FirewallRule;

export const isFirewall = (gate: Gate): gate is Firewall => "kind" in gate;

export const isFirewallRule = (rule: GateRule): rule is FirewallRule => "kind" in rule;

/** Everything a rule says but its name, as text: equal for two rules that say the same. */
export const gateRuleText = (rule: GateRule): string =>
  isFirewallRule(rule) ? firewallRuleText(rule) : ruleText(rule);

const firewallIds =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Network\/(azureFirewalls\/[^/]+|firewallPolicies\/[^/]+\/ruleCollectionGroups\/[^/]+)$/i;

/**
 * Whether a gate is an Azure Firewall or a firewall policy's rule collection group, by its id. Their updates take minutes, one
 * at a time: nobody waits for one, and the end of a window has to be begun in time.
 */
export const isFirewallGate = (gateId: string): boolean => firewallIds.test(gateId);

/** What a gate is called in messages. */
export function gateNoun(gateId: string): string {
  if (!isFirewallGate(gateId)) {
    return "network security group";
  }
  return /\/firewallPolicies\//i.test(gateId) ? "firewall policy" : "firewall";
}

/** What a gate is called at the beginning of a sentence. */
export function gateTitle(gateId: string): string {
  const noun = gateNoun(gateId);
  return `${noun.slice(0, 1).toUpperCase()}${noun.slice(1)} '${gateName(gateId)}'`;
}

/** The name by which people know a gate: of a rule collection group that of its policy. */
export function gateName(gateId: string): string {
  const [, policy] = /\/firewallPolicies\/([^/]+)\//i.exec(gateId) ?? [];
  return policy ?? gateId.slice(gateId.lastIndexOf("/") + 1);
}
