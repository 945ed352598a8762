import { isObject } from "../../answers.ts";
import { idKey } from "../../arm-id.ts";
import type { ArmResource } from "../../estate.ts";
import { type Resources, sameText } from "../../resources.ts";
import { networkType, pointer } from "../references.ts";
import { unreadable } from "../rule-errors.ts";
import { checkName } from "../validate-rule.ts";
import {
  type Collection,
  checkAction,
  checkApart,
  checkPriority,
  readCollection,
} from "./collections.ts";
import { checkDnatLimit, type DnatRule } from "./dnat-limit.ts";
import { manyDestinationPorts, mixedRules, tooManyGroups } from "./errors.ts";
import { exists, publicAddressesOf } from "./exists.ts";
import { checkRule, type RuleKind, texts } from "./rules.ts";
import { groupsOfPolicy, policyIdOf, reachOfPolicy } from "./users.ts";
import type { Asked } from "./writes.ts";

type Json = Readonly<Record<string, unknown>>;

/** https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#azure-firewall-limits */
const mostGroups = 60;

const natType = "FirewallPolicyNatRuleCollection";

const kindOfRule: Readonly<Record<string, RuleKind>> = {
  NatRule: "nat",
  NetworkRule: "network",
  ApplicationRule: "application",
};

/**
 * A rule collection group as a PUT leaves it: what the body says, unknown members kept, read-only ones ignored. Throws
 * Azure's refusal of the first fault found; the one that Azure finds only later is in the answer.
 */
export function wholeGroup(
  id: string,
  before: ArmResource | undefined,
  body: Json,
  resources: Resources,
): Asked {
  const name = before?.name ?? id.slice(id.lastIndexOf("/") + 1);
  checkName(name);
  const given = body["properties"] ?? {};
  if (!isObject(given)) throw unreadable("Property 'properties' must be an object.");
  checkPriority(`Rule collection group ${name}`, given["priority"]);
  const collections = collectionsIn(given);
  checkApart(
    id,
    collections.map(({ collection }) => collection),
  );
  for (const each of collections) checkOne(each, resources);

  const { provisioningState: _state, size: _size, ...properties } = given;
  const { etag: _etag, ...members } = body;
  const goal: ArmResource = {
    ...members,
    id: before?.id ?? id,
    name,
    type: networkType.ruleCollectionGroup,
    properties: { ...properties, provisioningState: "Updating" },
  };
  checkLimits(goal, before === undefined, resources);
  return { goal, refusal: refusalAfterwards(collections) };
}

interface PolicyCollection {
  readonly collection: Collection;
  /** As given: which rules may stand in it. */
  readonly type: unknown;
}

function collectionsIn(properties: Json): readonly PolicyCollection[] {
  const given = properties["ruleCollections"] ?? [];
  if (!Array.isArray(given)) throw unreadable("Property 'ruleCollections' must be an array.");
  return given.map((each: unknown) => {
    if (!isObject(each)) throw unreadable("A rule collection must be an object.");
    return { collection: readCollection(each["name"], each), type: each["ruleCollectionType"] };
  });
}

function checkOne({ collection, type }: PolicyCollection, resources: Resources): void {
  const { name, action, rules } = collection;
  const isNat = type === natType;
  if (!isNat && type !== "FirewallPolicyFilterRuleCollection") {
    throw unreadable(`Error converting value "${type}" to the type of rule collection '${name}'.`);
  }
  checkAction(name, action, isNat ? ["DNAT"] : ["Allow", "Deny"]);
  const types = new Set(rules.map((rule) => rule["ruleType"]));
  if (types.size > 1) throw mixedRules(name);
  for (const rule of rules) {
    const kind = kindOfRule[String(rule["ruleType"])];
    if (kind === undefined || isNat !== (kind === "nat")) {
      throw unreadable(
        `A rule of type "${rule["ruleType"]}" cannot stand in collection '${name}'.`,
      );
    }
    checkRule(kind, rule, { spelling: "ipProtocols", exists: (id) => exists(resources, id) });
  }
}

/** NB. Azure accepts several ports first, and the operation fails (azurerm#18766). */
function refusalAfterwards(collections: readonly PolicyCollection[]): Asked["refusal"] {
  for (const { collection } of collections.filter(({ type }) => type === natType)) {
    for (const rule of collection.rules) {
      const ports = texts(rule, "destinationPorts");
      if (ports.length === 1 && /^\d+$/.test(ports[0] ?? "")) continue;
      return manyDestinationPorts(collection.name, String(rule["name"]));
    }
  }
  return undefined;
}

function checkLimits(goal: ArmResource, isNew: boolean, resources: Resources): void {
  const policyId = policyIdOf(goal.id);
  if (isNew && groupsOfPolicy(resources, policyId).length >= mostGroups) {
    throw tooManyGroups(policyId, mostGroups);
  }
  for (const id of reachOfPolicy(resources, policyId)) {
    const firewall = resources.get(id)?.resource;
    if (firewall === undefined || !sameText(firewall.type, networkType.firewall)) continue;
    const [policy] = pointer(firewall.properties, "firewallPolicy");
    const rules = policy === undefined ? [] : dnatRulesOf(policy, goal, resources);
    checkDnatLimit(id, publicAddressesOf(firewall, resources).length, rules);
  }
}

/** The DNAT rules of a policy and of those above it, with one group as it would be. */
function dnatRulesOf(policyId: string, goal: ArmResource, resources: Resources): DnatRule[] {
  const seen = new Set<string>();
  const rules: DnatRule[] = [];
  for (let id: string | undefined = policyId; id !== undefined && !seen.has(idKey(id)); ) {
    seen.add(idKey(id));
    const others = groupsOfPolicy(resources, id).filter(
      ({ resource }) => idKey(resource.id) !== idKey(goal.id),
    );
    const own = idKey(policyIdOf(goal.id)) === idKey(id) ? [goal] : [];
    rules.push(...[...others.map(({ resource }) => resource), ...own].flatMap(dnatRulesIn));
    id = pointer(resources.get(id)?.resource.properties ?? {}, "basePolicy")[0];
  }
  return rules;
}

/** NB. Groups of the estate have not been checked: what cannot be read in them does not count. */
function dnatRulesIn({ properties }: ArmResource): DnatRule[] {
  return objectsIn(properties, "ruleCollections")
    .filter((collection) => collection["ruleCollectionType"] === natType)
    .flatMap((collection) => objectsIn(collection, "rules"))
    .map((rule) => ({ rule, spelling: "ipProtocols" }));
}

function objectsIn(holder: Json, member: string): readonly Json[] {
  const list = holder[member];
  return Array.isArray(list) ? list.filter(isObject) : [];
}
