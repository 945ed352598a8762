import type { SecurityRule } from "@azure/arm-network";

/** An inbound allow rule for SSH to vm-linux, at a priority no customer rule of the sample has; members of `more` replace its own. */
export function aRule(more: Partial<SecurityRule> = {}): SecurityRule {
  return {
    protocol: "Tcp",
    access: "Allow",
    direction: "Inbound",
    priority: 120,
    sourceAddressPrefix: "203.0.113.7",
    sourcePortRange: "*",
    destinationAddressPrefix: "10.10.1.4",
    destinationPortRange: "22",
    ...more,
  } as SecurityRule;
}
