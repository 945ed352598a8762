import type { Held, Resources } from "../resources.ts";
import { defaultRules } from "./default-rules.ts";
import { type Child, childrenOf, networkType, usersOfNsg } from "./references.ts";

/** ARM's answers carry the four plural members even when the singular one is set (azure-cli recordings). */
const plurals = {
  sourcePortRanges: [],
  destinationPortRanges: [],
  sourceAddressPrefixes: [],
  destinationAddressPrefixes: [],
};

/** An NSG as ARM answers it: its own members, the six default rules and who uses it. */
export function nsgView({ resource, etag }: Held, resources: Resources): unknown {
  const { networkInterfaces, subnets } = usersOfNsg(resources, resource.id);
  const { securityRules: _rules, ...properties } = resource.properties;
  return {
    ...resource,
    etag,
    properties: {
      provisioningState: "Succeeded",
      ...properties,
      securityRules: childrenOf(resource, "securityRules").map((rule) =>
        ruleView(resource.id, rule, etag),
      ),
      defaultSecurityRules: defaultRules.map((rule) => defaultRuleView(resource.id, rule, etag)),
      ...(networkInterfaces.length === 0 ? {} : { networkInterfaces }),
      ...(subnets.length === 0 ? {} : { subnets }),
    },
  };
}

/** A rule as ARM answers it. Its etag is always the NSG's. */
export function ruleView(nsgId: string, rule: Child, etag: string): unknown {
  return view(nsgId, "securityRules", rule, etag);
}

export function defaultRuleView(nsgId: string, rule: Child, etag: string): unknown {
  return view(nsgId, "defaultSecurityRules", rule, etag);
}

function view(nsgId: string, collection: string, rule: Child, etag: string): unknown {
  return {
    ...rule,
    id: `${nsgId}/${collection}/${rule.name}`,
    etag,
    type: `${networkType.nsg}/${collection}`,
    properties: { provisioningState: "Succeeded", ...plurals, ...rule.properties },
  };
}
