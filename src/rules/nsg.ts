/** A security rule as a value. Lists hold the union of Azure's singular and plural properties; `*` is any. */
export interface SecurityRule {
  readonly name: string;
  readonly priority: number;
  readonly direction: "Inbound" | "Outbound";
  readonly access: "Allow" | "Deny";
  /** `Tcp`, `Udp`, `Icmp`, `Esp`, `Ah` or `*`, as Azure writes them. */
  readonly protocol: string;
  readonly sources: readonly string[];
  /** Ids of application security groups; a rule has these or prefixes. */
  readonly sourceGroups: readonly string[];
  readonly sourcePorts: readonly string[];
  readonly destinations: readonly string[];
  readonly destinationGroups: readonly string[];
  /** Ports and ranges such as `22`, `8000-8080`, `*`. */
  readonly destinationPorts: readonly string[];
  readonly description: string;
}

/** A network security group as it was read: its own rules, without Azure's default rules. */
export interface NetworkSecurityGroup {
  readonly id: string;
  readonly rules: readonly SecurityRule[];
}

/**
 * Azure's limits for security rules.
 * @see https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits
 */
export const nsgLimits = {
  lowestPriority: 100,
  highestPriority: 4096,
  rules: 1_000,
  nameLength: 80,
  descriptionLength: 140,
} as const;

/**
 * Everything a rule says but its name, as text: equal for two rules that say the same, whatever the order and case in which
 * they list it.
 */
export function ruleText(rule: SecurityRule): string {
  return JSON.stringify([rule.priority, rule.description, trafficText(rule)]);
}

/** As {@link ruleText}, of what happens to which traffic alone: without the rule's place and description. */
export function trafficText(rule: Omit<SecurityRule, "priority">): string {
  const sorted = (list: readonly string[]) => list.map((entry) => entry.toLowerCase()).toSorted();
  return JSON.stringify([
    rule.direction,
    rule.access,
    rule.protocol.toLowerCase(),
    sorted(rule.sources),
    sorted(rule.sourceGroups),
    sorted(rule.sourcePorts),
    sorted(rule.destinations),
    sorted(rule.destinationGroups),
    sorted(rule.destinationPorts),
  ]);
}
