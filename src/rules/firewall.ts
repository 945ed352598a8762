/**
 * An Azure Firewall's NAT and network rules as values, of either kind: a firewall with rules of its own ("classic"), or a
 * firewall policy. Application rules are left out: they come last, and speak about HTTP(S) and MSSQL only.
 */
export interface FirewallRule {
  /** Unique in its collection; ours are unique in the whole gate. */
  readonly name: string;
  readonly kind: "dnat" | "network";
  /** Of a DNAT rule always `Allow`. */
  readonly access: "Allow" | "Deny";
  /** The name of its rule collection. */
  readonly collection: string;
  /**
   * Where its collection is read among those of its kind: compared number by number, the lower one first. Classic:
   * `[collection priority]`. Policy: `[0 of the parent policy or 1, group priority, collection priority]`.
   */
  readonly order: readonly number[];
  /** `TCP`, `UDP`, `ICMP` or `Any`. */
  readonly protocols: readonly string[];
  /** Addresses, CIDR ranges, `a-b` ranges, `*`; those of IP groups included. */
  readonly sources: readonly string[];
  /** As sources; of a network rule service tags too. Of a DNAT rule public addresses of the firewall. */
  readonly destinations: readonly string[];
  /** Ports and ranges such as `22`, `8000-8080`, `*`. */
  readonly destinationPorts: readonly string[];
  /** Whether a source or destination could not be read (an IP group out of reach, a host name): it may be anything. */
  readonly isPartlyUnknown?: boolean | undefined;
  /** Of a DNAT rule: where matching traffic is sent. */
  readonly translatedAddress?: string | undefined;
  readonly translatedPort?: string | undefined;
  readonly description: string;
}

/** Names a rule within its firewall, `collection/name`: a rule's own name is unique in its collection alone. */
export const fullName = ({ collection, name }: Pick<FirewallRule, "collection" | "name">): string =>
  `${collection}/${name}`;

/** A rule collection and where it stands. */
export type FirewallPlace = Pick<FirewallRule, "kind" | "collection" | "order">;

/** A firewall as a gate, as it was read. */
export interface Firewall {
  /** Of a classic firewall its own id; of a policy the id of our rule collection group, whether it exists yet or not. */
  readonly id: string;
  readonly kind: "classic" | "policy";
  /** The name of the firewall, or of the policy. */
  readonly name: string;
  /** All NAT and network rules; of a policy those of all its groups, and network rules of its parents. */
  readonly rules: readonly FirewallRule[];
  /** Of a policy: priorities of its rule collection groups but ours. Each is unique in the policy. */
  readonly groupPriorities: readonly number[];
  /** Of a classic firewall: its rule collections without a rule. Their priorities are taken all the same. */
  readonly emptyCollections?: readonly FirewallPlace[] | undefined;
  /** Public addresses of all firewalls it is about: DNAT rules count against their limit together with these. */
  readonly publicAddresses: readonly string[];
}

/**
 * Azure's limits for firewalls.
 * @see https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits
 */
export const firewallLimits = {
  lowestPriority: 100,
  highestPriority: 65_000,
  /** Public addresses and unique destinations (address, port, protocol) of DNAT rules together. */
  dnat: 250,
} as const;

/**
 * The ports of a firewall's public address that we map to ports of VMs. Azure keeps 64,000 to 65,535 to itself, and below lie
 * ports that people map by hand.
 */
export const mappedPorts = { first: 20_000, last: 59_999 } as const;

/** Everything a rule says but its name, as text: equal for two rules that say the same, whatever the order they list it in. */
export function firewallRuleText(rule: FirewallRule): string {
  const sorted = (list: readonly string[]) => list.map((entry) => entry.toLowerCase()).toSorted();
  return JSON.stringify([
    rule.kind,
    rule.access,
    rule.collection.toLowerCase(),
    rule.order,
    rule.description,
    sorted(rule.protocols),
    sorted(rule.sources),
    sorted(rule.destinations),
    sorted(rule.destinationPorts),
    rule.isPartlyUnknown === true,
    rule.translatedAddress ?? "",
    rule.translatedPort ?? "",
  ]);
}
