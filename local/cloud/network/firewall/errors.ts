import type { CloudError } from "../../router.ts";
import { refused } from "../rule-errors.ts";

/*
 * Azure's refusals of firewall rules. Codes and words of the first four are those of public error reports (azurerm#18353,
 * azurerm#18766, azure-cli#16986, public deployment scripts). NB. Of the others only the rule itself is documented, not
 * Azure's code.
 */

export function badTranslatedPort(rule: string): CloudError {
  return refused(
    "AzureFirewallRuleInvalidDnatPortOrRangeFormat",
    `AzureFirewallRule ${rule}: Invalid DNat port value or range. Multiple values, * and ranges are not supported for DNAT translated port.`,
  );
}

/** Told by the result of the operation, after the write has been accepted. */
export function manyDestinationPorts(collection: string, rule: string) {
  return {
    code: "FirewallPolicyNatRuleInvalidDnatMultipleDestinationPortsExists",
    message: `Firewall Policy Nat Rule Collection: ${collection} Rule: ${rule} has Multiple Destination Ports on a DNAT Rule. This is not supported, please set only 1 destination port on this rule.`,
    details: [],
  };
}

/** The words are Azure's, the code is not known. */
export function badAddress(rule: string, value: string): CloudError {
  return refused(
    "AzureFirewallRuleInvalidIpAddressOrRange",
    `AzureFirewallRule ${rule}: Invalid IP address value or range or Service Tag ${value}.`,
  );
}

export function policyAndRules(firewall: string): CloudError {
  return refused(
    "AzureFirewallPolicyAndRuleCollectionsConflict",
    `Azure Firewall ${firewall} cannot have both a firewall policy and rule collections of its own.`,
  );
}

export function badPorts(rule: string, value: string): CloudError {
  return refused(
    "AzureFirewallRuleInvalidPortOrRangeFormat",
    `AzureFirewallRule ${rule}: Invalid port value or range ${value}. Valid range 0-65535.`,
  );
}

export function missingMember(rule: string, choices: string): CloudError {
  return refused(
    "AzureFirewallRuleParametersMissing",
    `AzureFirewallRule ${rule}: one of ${choices} is required and must not be empty.`,
  );
}

export function badTranslation(rule: string): CloudError {
  return refused(
    "AzureFirewallRuleInvalidTranslatedAddress",
    `AzureFirewallRule ${rule}: exactly one of translatedAddress, a single IPv4 address, and translatedFqdn is required.`,
  );
}

export function badProtocol(rule: string, value: unknown, allowed: string): CloudError {
  return refused(
    "AzureFirewallRuleInvalidProtocol",
    `AzureFirewallRule ${rule}: Invalid protocol ${value}. Allowed are ${allowed}.`,
  );
}

export function foreignDestination(rule: string, address: string): CloudError {
  return refused(
    "AzureFirewallNatRuleInvalidDestinationAddress",
    `AzureFirewallRule ${rule}: destination address ${address} of a DNAT rule must be a public IP address of the firewall.`,
  );
}

export function badPriority(what: string, value: unknown): CloudError {
  return refused(
    "AzureFirewallInvalidPriority",
    `${what} has invalid Priority. Value provided: ${value} Allowed range 100-65000.`,
  );
}

export function samePriority(name: string, other: string, priority: unknown): CloudError {
  return refused(
    "AzureFirewallRuleCollectionPriorityConflict",
    `Rule collections ${name} and ${other} have the same priority ${priority}.`,
  );
}

export function sameName(what: string, name: string): CloudError {
  return refused("DuplicateResourceName", `${what} has two children with the same name (${name}).`);
}

export function noRules(collection: string): CloudError {
  return refused(
    "AzureFirewallRuleCollectionEmpty",
    `Rule collection ${collection} must have at least one rule.`,
  );
}

export function mixedRules(collection: string): CloudError {
  return refused(
    "FirewallPolicyRuleCollectionMixedRuleTypes",
    `Rule collection ${collection} must have either network rules or application rules.`,
  );
}

export function badReference(id: unknown, by: string): CloudError {
  return refused(
    "InvalidResourceReference",
    `Resource ${id} referenced by resource ${by} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.`,
  );
}

export function tooManyDnat(target: string, count: number, most: number): CloudError {
  return refused(
    "AzureFirewallDnatLimitExceeded",
    `${target} would have ${count} public IP addresses and unique DNAT destinations; at most ${most} are supported.`,
  );
}

export function tooManyGroups(policy: string, most: number): CloudError {
  return refused(
    "FirewallPolicyRuleCollectionGroupLimitExceeded",
    `Firewall policy ${policy} can have at most ${most} rule collection groups.`,
  );
}

export function tooManyAddresses(ipGroup: string, most: number): CloudError {
  return refused(
    "IpGroupsAddressLimitExceeded",
    `IP group ${ipGroup} can have at most ${most} addresses.`,
  );
}
