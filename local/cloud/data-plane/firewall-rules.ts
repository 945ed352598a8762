import { isObject } from "../answers.ts";
import { idKey } from "../arm-id.ts";
import type { ArmResource } from "../estate.ts";
import { childrenOf, networkType } from "../network/references.ts";
import type { InForce } from "./in-force.ts";
import { referenced } from "./virtual-network.ts";

type Members = Readonly<Record<string, unknown>>;

/** A rule of either kind of firewall; the kinds spell some members differently. */
export interface FirewallRule {
  readonly name: string;
  /** The collection's name; of a policy, `group/collection`. */
  readonly collection: string;
  /** As Azure spells it: `Allow`, `Deny`, `Dnat` or `DNAT`. */
  readonly action: string;
  readonly members: Members;
}

interface Collection {
  readonly name: string;
  readonly priority: number;
  readonly action: string;
  readonly rules: readonly Members[];
}

/** In the order in which they are read. A policy does not inherit those of its parent: they are about another firewall. */
export function dnatRulesOf(inForce: InForce, firewall: ArmResource): readonly FirewallRule[] {
  const policyId = referenced(firewall.properties, "firewallPolicy");
  return policyId === undefined
    ? rulesOf(classicCollections(firewall, "natRuleCollections"))
    : rulesOf(policyCollections(inForce, policyId, isDnat));
}

/**
 * In the order in which they are read: a parent policy's before the policy's own, then by priority of the group, then of the
 * collection (learn.microsoft.com, azure/firewall/rule-processing).
 */
export function networkRulesOf(inForce: InForce, firewall: ArmResource): readonly FirewallRule[] {
  const policyId = referenced(firewall.properties, "firewallPolicy");
  return policyId === undefined
    ? rulesOf(classicCollections(firewall, "networkRuleCollections"))
    : lineage(inForce, policyId).flatMap((id) =>
        rulesOf(policyCollections(inForce, id, (collection) => !isDnat(collection))).filter(
          ({ members }) => members["ruleType"] === "NetworkRule",
        ),
      );
}

/** The texts of an array in a rule or an IP group. */
export function textsOf(list: unknown): readonly string[] {
  return Array.isArray(list) ? list.filter((text) => typeof text === "string") : [];
}

function classicCollections(firewall: ArmResource, member: string): readonly Collection[] {
  return childrenOf(firewall, member)
    .map(({ name, properties }) => collectionOf({ name, ...properties }))
    .toSorted(lowestFirst);
}

function policyCollections(
  inForce: InForce,
  policyId: string,
  wanted: (collection: Members) => boolean,
): readonly Collection[] {
  return inForce
    .list(networkType.ruleCollectionGroup)
    .filter(({ id }) => idKey(id).startsWith(`${idKey(policyId)}/`))
    .map((group) => ({ group, priority: Number(group.properties["priority"]) }))
    .toSorted(lowestFirst)
    .flatMap(({ group }) =>
      childrenOf(group, "ruleCollections")
        .filter(wanted)
        .map(collectionOf)
        .toSorted(lowestFirst)
        .map((collection) => ({ ...collection, name: `${group.name}/${collection.name}` })),
    );
}

/** The policy and those above it, the uppermost first. */
function lineage(inForce: InForce, policyId: string): readonly string[] {
  const ids: string[] = [];
  let next: string | undefined = policyId;
  while (next !== undefined && !ids.includes(idKey(next))) {
    ids.unshift(idKey(next));
    next = referenced(inForce.get(next)?.properties, "basePolicy");
  }
  return ids;
}

function isDnat({ ruleCollectionType }: Members): boolean {
  return ruleCollectionType === "FirewallPolicyNatRuleCollection";
}

function collectionOf({ name, priority, action, rules }: Members): Collection {
  return {
    name: String(name),
    priority: Number(priority),
    action: isObject(action) ? String(action["type"]) : "",
    rules: Array.isArray(rules) ? rules.filter(isObject) : [],
  };
}

function rulesOf(collections: readonly Collection[]): readonly FirewallRule[] {
  return collections.flatMap(({ name: collection, action, rules }) =>
    rules.map((members) => ({ name: String(members["name"]), collection, action, members })),
  );
}

function lowestFirst(left: { priority: number }, right: { priority: number }): number {
  return left.priority - right.priority;
}
