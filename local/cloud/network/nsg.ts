import { isObject } from "../answers.ts";
import type { ArmResource } from "../estate.ts";
import { sameText } from "../resources.ts";
import { locationOf } from "./location.ts";
import { type Child, childrenOf, networkType } from "./references.ts";
import { refused, samePriority, tooManyRules, unreadable } from "./rule-errors.ts";
import { checkName, validateRule } from "./validate-rule.ts";

/** https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits */
const mostRules = 1_000;

type State = "Updating" | "Deleting" | "Succeeded";

export function rulesOf(nsg: ArmResource): readonly Child[] {
  return childrenOf(nsg, "securityRules");
}

export function findRule(nsg: ArmResource, name: string): Child | undefined {
  return rulesOf(nsg).find((rule) => sameText(rule.name, name));
}

/** The NSG with one rule added, or replaced in its place; NSG and rule are Updating. */
export function withRule(
  nsg: ArmResource,
  name: string,
  body: Readonly<Record<string, unknown>>,
  exists: (id: string) => boolean,
): ArmResource {
  const before = findRule(nsg, name);
  const rule = inState(validateRule(nsg.id, before?.name ?? name, body, exists), "Updating");
  const rules =
    before === undefined
      ? [...rulesOf(nsg), rule]
      : rulesOf(nsg).map((each) => (each === before ? rule : each));
  checkConflicts([rule], rules);
  checkCount(nsg.id, rules);
  return withRules(nsg, rules, "Updating");
}

/** The NSG with one rule about to go: it counts and is shown, as Deleting, until the operation ends. */
export function withoutRule(nsg: ArmResource, name: string): ArmResource {
  const rules = rulesOf(nsg).map((rule) =>
    sameText(rule.name, name) ? inState(rule, "Deleting") : rule,
  );
  return withRules(nsg, rules, "Updating");
}

/**
 * A whole NSG as a PUT leaves it: rules, tags and every other writable member are the body's, members that the caller
 * leaves out are gone. Read-only members of the body are ignored.
 */
export function wholeNsg(
  id: string,
  before: ArmResource | undefined,
  body: Readonly<Record<string, unknown>>,
  context: { readonly exists: (id: string) => boolean; readonly newGuid: () => string },
): ArmResource {
  const name = before?.name ?? id.slice(id.lastIndexOf("/") + 1);
  checkName(name);
  const given = body["properties"] ?? {};
  if (!isObject(given)) throw unreadable("Property 'properties' must be an object.");
  const rules = rulesIn(id, given, context.exists);
  checkConflicts(rules, rules);
  checkCount(id, rules);

  const {
    defaultSecurityRules: _defaults,
    networkInterfaces: _nics,
    subnets: _subnets,
    flowLogs: _flowLogs,
    ...properties
  } = given;
  const { etag: _etag, ...members } = body;
  const nsg = {
    ...members,
    id: before?.id ?? id,
    name,
    type: networkType.nsg,
    location: locationOf(id, before, body["location"]),
    properties: {
      ...properties,
      resourceGuid: before?.properties["resourceGuid"] ?? context.newGuid(),
    },
  };
  return withRules(
    nsg,
    rules.map((rule) => inState(rule, "Updating")),
    "Updating",
  );
}

/** The NSG once its operation has ended: what was Deleting is gone, everything else is in force. */
export function settled(nsg: ArmResource): ArmResource {
  const rules = rulesOf(nsg)
    .filter((rule) => rule.properties["provisioningState"] !== "Deleting")
    .map((rule) => inState(rule, "Succeeded"));
  return withRules(nsg, rules, "Succeeded");
}

/** The NSG as it is, but for the state: somebody is at work on it. */
export function updating(nsg: ArmResource): ArmResource {
  return withRules(nsg, rulesOf(nsg), "Updating");
}

export function deleting(nsg: ArmResource): ArmResource {
  return withRules(nsg, rulesOf(nsg), "Deleting");
}

function rulesIn(
  nsgId: string,
  properties: Readonly<Record<string, unknown>>,
  exists: (id: string) => boolean,
): readonly Child[] {
  const given = properties["securityRules"] ?? [];
  if (!Array.isArray(given)) throw unreadable("Property 'securityRules' must be an array.");
  const names = new Set<string>();
  return given.map((body: unknown) => {
    const name = isObject(body) ? body["name"] : undefined;
    if (!isObject(body) || typeof name !== "string") {
      throw unreadable("Required property 'name' not found in a member of 'securityRules'.");
    }
    if (names.has(name.toLowerCase())) {
      throw refused(
        "DuplicateResourceName",
        `Resource ${nsgId} has two child resources with the same name (${name}).`,
      );
    }
    names.add(name.toLowerCase());
    return validateRule(nsgId, name, body, exists);
  });
}

/** A rule that is being deleted no longer stands in the way of its priority. */
function checkConflicts(changed: readonly Child[], all: readonly Child[]): void {
  const taken = new Map<string, Child>();
  for (const rule of all) {
    if (rule.properties["provisioningState"] === "Deleting") continue;
    const key = `${rule.properties["direction"]} ${rule.properties["priority"]}`;
    const other = taken.get(key);
    if (other !== undefined) {
      const [asked, held] = changed.includes(rule) ? [rule, other] : [other, rule];
      throw samePriority(asked.name, held.name);
    }
    taken.set(key, rule);
  }
}

function checkCount(nsgId: string, rules: readonly Child[]): void {
  if (rules.length > mostRules) throw tooManyRules(nsgId, rules.length);
}

function withRules(nsg: ArmResource, rules: readonly Child[], state: State): ArmResource {
  return {
    ...nsg,
    properties: { ...nsg.properties, provisioningState: state, securityRules: rules },
  };
}

function inState(rule: Child, provisioningState: State): Child {
  return { ...rule, properties: { ...rule.properties, provisioningState } };
}
