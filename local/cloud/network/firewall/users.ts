import { isObject } from "../../answers.ts";
import { idKey } from "../../arm-id.ts";
import type { ArmResource } from "../../estate.ts";
import type { Held, Resources } from "../../resources.ts";
import { type Index, indexed, networkType, pointer, type Reference } from "../references.ts";

/** The firewalls that a policy is set on itself, not by a child policy. */
export function firewallsOfPolicy(resources: Resources, policyId: string): readonly Reference[] {
  return firewallsByPolicy(resources.list(networkType.firewall)).get(idKey(policyId)) ?? [];
}

/** The policies whose `basePolicy` it is. */
export function childPoliciesOf(resources: Resources, policyId: string): readonly Reference[] {
  return policiesByBase(resources.list(networkType.firewallPolicy)).get(idKey(policyId)) ?? [];
}

/** The rule collection groups of one policy, in the order of arrival. */
export function groupsOfPolicy(resources: Resources, policyId: string): readonly Held[] {
  const ids = groupsByPolicy(resources.list(networkType.ruleCollectionGroup)).get(idKey(policyId));
  return (ids ?? []).flatMap(({ id }) => resources.get(id) ?? []);
}

/** The firewalls whose classic rules name an IP group, and the policies with a rule collection group that does. */
export function usersOfIpGroup(
  resources: Resources,
  ipGroupId: string,
): { readonly firewalls: readonly Reference[]; readonly firewallPolicies: readonly Reference[] } {
  const key = idKey(ipGroupId);
  const groups = groupsByIpGroup(resources.list(networkType.ruleCollectionGroup)).get(key) ?? [];
  const policies = new Map(groups.map(({ id }) => [idKey(policyIdOf(id)), { id: policyIdOf(id) }]));
  return {
    firewalls: firewallsByIpGroup(resources.list(networkType.firewall)).get(key) ?? [],
    firewallPolicies: [...policies.values()],
  };
}

/** What a change of a policy reaches: the policy, those below it, and the firewalls of all of them, as ids. */
export function reachOfPolicy(resources: Resources, policyId: string): readonly string[] {
  const policies = new Map<string, string>();
  const waiting = [policyId];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    // NB. An estate file may hold a policy that is above itself.
    if (policies.has(idKey(id))) continue;
    policies.set(idKey(id), id);
    waiting.push(...childPoliciesOf(resources, id).map((child) => child.id));
  }
  const ids = [...policies.values()];
  return [...ids, ...ids.flatMap((id) => firewallsOfPolicy(resources, id).map((each) => each.id))];
}

/** What a change of an IP group reaches: the firewalls and policies that name it and all that those reach. */
export function reachOfIpGroup(resources: Resources, ipGroupId: string): readonly string[] {
  const { firewalls, firewallPolicies } = usersOfIpGroup(resources, ipGroupId);
  const ids = [
    ...firewalls.map(({ id }) => id),
    ...firewallPolicies.flatMap(({ id }) => reachOfPolicy(resources, id)),
  ];
  return [...new Map(ids.map((id) => [idKey(id), id])).values()];
}

/** A policy's id from that of one of its rule collection groups. */
export function policyIdOf(groupId: string): string {
  return groupId.split("/").slice(0, -2).join("/");
}

/** The ids in every `sourceIpGroups` and `destinationIpGroups` of some rules, however deep. */
export function ipGroupsNamedIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(ipGroupsNamedIn);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([member, inner]) =>
    /^(source|destination)IpGroups$/.test(member) && Array.isArray(inner)
      ? inner.filter((id) => typeof id === "string")
      : ipGroupsNamedIn(inner),
  );
}

const firewallsByPolicy = pointing("firewallPolicy");
const policiesByBase = pointing("basePolicy");
const groupsByPolicy = indexed((group) => [{ target: policyIdOf(group.id), id: group.id }]);
const firewallsByIpGroup = indexed(namingIpGroups);
const groupsByIpGroup = indexed(namingIpGroups);

function pointing(member: string): (held: readonly Held[]) => Index {
  return indexed(({ id, properties }) =>
    pointer(properties, member).map((target) => ({ target, id })),
  );
}

function namingIpGroups({ id, properties }: ArmResource): { target: string; id: string }[] {
  const named = new Map(ipGroupsNamedIn(properties).map((target) => [idKey(target), target]));
  return [...named.values()].map((target) => ({ target, id }));
}
