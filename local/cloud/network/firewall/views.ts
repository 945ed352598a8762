import type { Held, Resources } from "../../resources.ts";
import { type Child, childrenOf, networkType } from "../references.ts";
import { childPoliciesOf, firewallsOfPolicy, groupsOfPolicy, usersOfIpGroup } from "./users.ts";

/** The three arrays of a classic firewall's rules; also a firewall with a policy shows them, empty. */
export const collectionArrays = [
  "applicationRuleCollections",
  "natRuleCollections",
  "networkRuleCollections",
] as const;

/** A firewall as ARM answers it: ids, types and etags of its children filled in. */
export function firewallView({ resource, etag }: Held): unknown {
  const { provisioningState = "Succeeded", ...properties } = resource.properties;
  const children = (array: string, collection: string) =>
    childrenOf(resource, array).map((child) =>
      childView(`${resource.id}/${collection}`, child, etag, provisioningState),
    );
  return {
    ...resource,
    etag,
    properties: {
      provisioningState,
      ...properties,
      ipConfigurations: children("ipConfigurations", "azureFirewallIpConfigurations"),
      ...Object.fromEntries(collectionArrays.map((array) => [array, children(array, array)])),
    },
  };
}

function childView(collection: string, child: Child, etag: string, state: unknown): unknown {
  return {
    ...child,
    id: `${collection}/${child.name}`,
    etag,
    type: `Microsoft.Network/azureFirewalls/${collection.slice(collection.lastIndexOf("/") + 1)}`,
    properties: { provisioningState: state, ...child.properties },
  };
}

/** A firewall policy as ARM answers it, with who is below it and what it is set on. */
export function firewallPolicyView({ resource, etag }: Held, resources: Resources): unknown {
  const groups = groupsOfPolicy(resources, resource.id);
  return {
    ...resource,
    etag: bareEtag(etag),
    properties: {
      provisioningState: "Succeeded",
      ...resource.properties,
      childPolicies: childPoliciesOf(resources, resource.id),
      ruleCollectionGroups: groups.map((group) => ({ id: group.resource.id })),
      firewalls: firewallsOfPolicy(resources, resource.id),
    },
  };
}

/** A rule collection group as ARM answers it. */
export function ruleCollectionGroupView({ resource, etag }: Held): unknown {
  return {
    ...resource,
    type: networkType.ruleCollectionGroup,
    etag: bareEtag(etag),
    properties: { provisioningState: "Succeeded", ...resource.properties },
  };
}

/** An IP group as ARM answers it, with the firewalls and policies that name it. */
export function ipGroupView({ resource, etag }: Held, resources: Resources): unknown {
  return {
    ...resource,
    etag,
    properties: {
      provisioningState: "Succeeded",
      ...resource.properties,
      ...usersOfIpGroup(resources, resource.id),
    },
  };
}

/** Policies and their groups have the guid alone where others have `W/"guid"` (azure-cli recordings). */
export function bareEtag(etag: string): string {
  return etag.replace(/^(?:W\/)?"(.*)"$/, "$1");
}
