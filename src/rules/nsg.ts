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
