/** The six rules Azure gives every NSG; they cannot be changed. */
export const defaultRules = [
  rule(
    "AllowVnetInBound",
    "Allow inbound traffic from all VMs in VNET",
    65_000,
    "Inbound",
    "Allow",
    "VirtualNetwork",
    "VirtualNetwork",
  ),
  rule(
    "AllowAzureLoadBalancerInBound",
    "Allow inbound traffic from azure load balancer",
    65_001,
    "Inbound",
    "Allow",
    "AzureLoadBalancer",
    "*",
  ),
  rule("DenyAllInBound", "Deny all inbound traffic", 65_500, "Inbound", "Deny", "*", "*"),
  rule(
    "AllowVnetOutBound",
    "Allow outbound traffic from all VMs to all VMs in VNET",
    65_000,
    "Outbound",
    "Allow",
    "VirtualNetwork",
    "VirtualNetwork",
  ),
  rule(
    "AllowInternetOutBound",
    "Allow outbound traffic from all VMs to Internet",
    65_001,
    "Outbound",
    "Allow",
    "*",
    "Internet",
  ),
  rule("DenyAllOutBound", "Deny all outbound traffic", 65_500, "Outbound", "Deny", "*", "*"),
];

function rule(
  name: string,
  description: string,
  priority: number,
  direction: "Inbound" | "Outbound",
  access: "Allow" | "Deny",
  sourceAddressPrefix: string,
  destinationAddressPrefix: string,
) {
  return {
    name,
    properties: {
      description,
      protocol: "*",
      sourcePortRange: "*",
      destinationPortRange: "*",
      sourceAddressPrefix,
      destinationAddressPrefix,
      access,
      priority,
      direction,
    },
  };
}
