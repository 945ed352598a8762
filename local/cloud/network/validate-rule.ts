import { isObject } from "../answers.ts";
import { isPortRange, type PrefixKind, prefixKind } from "./prefixes.ts";
import type { Child } from "./references.ts";
import {
  anyAmongPorts,
  badName,
  badPorts,
  badPrefix,
  badPriority,
  longDescription,
  missing,
  mixedFamilies,
  refused,
  tagInPlural,
  tooMany,
  unreadable,
} from "./rule-errors.ts";

type Properties = Readonly<Record<string, unknown>>;

/** The singular member with its plural, and what may stand in their place. */
type Side = "source" | "destination";

const mostDescription = 140;
const namePattern = /^\w(?:[\w.-]{0,78}\w)?$/;

const enums = {
  protocol: ["Tcp", "Udp", "Icmp", "Esp", "Ah", "*"],
  access: ["Allow", "Deny"],
  direction: ["Inbound", "Outbound"],
} as const;

/** Names of NSGs and rules follow one pattern. */
export function checkName(name: string): void {
  if (!namePattern.test(name)) throw badName(name);
}

/**
 * The rule as it will be stored: enum values in Azure's spelling, empty arrays and read-only members left out, unknown
 * members kept. Throws Azure's refusal of the first fault found. `exists` tells whether a referenced resource does.
 */
export function validateRule(
  nsgId: string,
  name: string,
  body: Readonly<Record<string, unknown>>,
  exists: (id: string) => boolean,
): Child {
  checkName(name);
  const id = `${nsgId}/securityRules/${name}`;
  const given = body["properties"];
  if (!isObject(given)) throw unreadable(`Required property 'properties' not found in '${name}'.`);
  const properties = cleaned(given);
  const canonical = {
    ...properties,
    protocol: oneOf(properties, "protocol"),
    access: oneOf(properties, "access"),
    direction: oneOf(properties, "direction"),
  };
  checkPriority(properties["priority"]);
  checkDescription(id, properties["description"]);
  for (const side of ["source", "destination"] as const) {
    checkPorts(id, properties, side);
    checkGroups(id, properties, side, exists);
  }
  checkFamilies(id, [
    ...checkPrefixes(id, properties, "source"),
    ...checkPrefixes(id, properties, "destination"),
  ]);
  const { id: _id, etag: _etag, type: _type, name: _name, properties: _properties, ...more } = body;
  return { name, ...more, properties: canonical };
}

function cleaned(properties: Properties): Properties {
  const { provisioningState: _state, ...rest } = properties;
  return Object.fromEntries(
    Object.entries(rest).filter(
      ([, value]) =>
        value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

function oneOf(properties: Properties, member: keyof typeof enums): string {
  const value = properties[member];
  if (value === undefined) throw unreadable(`Required property '${member}' not found in JSON.`);
  const found = enums[member].find(
    (each) => typeof value === "string" && each.toLowerCase() === value.toLowerCase(),
  );
  if (found !== undefined) return found;
  throw unreadable(
    `Error converting value "${value}" to type 'SecurityRule${member[0]?.toUpperCase()}${member.slice(1)}'. Path 'properties.${member}'.`,
  );
}

function checkPriority(priority: unknown): void {
  if (typeof priority !== "number" || !Number.isInteger(priority)) {
    throw unreadable(`Property 'priority' must be an integer; the value is '${priority}'.`);
  }
  if (priority < 100 || priority > 4096) throw badPriority(priority);
}

function checkDescription(ruleId: string, description: unknown): void {
  if (description === undefined) return;
  if (typeof description !== "string") throw unreadable("Property 'description' must be a string.");
  if (description.length > mostDescription) throw longDescription(ruleId, description.length);
}

function checkPorts(ruleId: string, properties: Properties, side: Side): void {
  const single = `${side}PortRange`;
  const plural = `${single}s`;
  const one = textOf(properties, single);
  const many = textsOf(properties, plural);
  const choices = `${pascal(plural)}, ${pascal(single)}`;
  if (one === undefined && many.length === 0) throw missing(ruleId, choices);
  if (one !== undefined && many.length > 0) throw tooMany(ruleId, choices);
  if (many.includes("*")) throw anyAmongPorts(ruleId, pascal(plural));
  for (const ports of one === undefined ? many : [one]) {
    if (!isPortRange(ports)) throw badPorts(ports);
  }
}

function checkPrefixes(ruleId: string, properties: Properties, side: Side): PrefixKind[] {
  const single = `${side}AddressPrefix`;
  const plural = `${single}es`;
  const one = textOf(properties, single);
  const many = textsOf(properties, plural);
  const groups = properties[`${side}ApplicationSecurityGroups`];
  const ways = [one, many[0], groups].filter((way) => way !== undefined).length;
  const choices = `${pascal(plural)}, ${pascal(single)}, or ${pascal(side)}ApplicationSecurityGroup`;
  if (ways === 0) throw missing(ruleId, choices);
  if (ways > 1) throw tooMany(ruleId, choices);
  for (const prefix of many) {
    const kind = prefixKind(prefix);
    if (kind === "any" || kind === "tag") throw tagInPlural(ruleId, pascal(single), prefix);
  }
  return (one === undefined ? many : [one]).map((prefix) => {
    const kind = prefixKind(prefix);
    if (kind === "invalid") throw badPrefix(ruleId, prefix);
    return kind;
  });
}

function checkFamilies(ruleId: string, kinds: readonly PrefixKind[]): void {
  if (kinds.includes("ipv4") && kinds.includes("ipv6")) throw mixedFamilies(ruleId);
}

const mostGroupsPerSide = 10;

function checkGroups(
  ruleId: string,
  properties: Properties,
  side: Side,
  exists: (id: string) => boolean,
): void {
  const member = `${side}ApplicationSecurityGroups`;
  const groups = properties[member];
  if (groups === undefined) return;
  if (!Array.isArray(groups)) throw unreadable(`Property '${member}' must be an array.`);
  if (groups.length > mostGroupsPerSide) {
    throw refused(
      "SecurityRuleApplicationSecurityGroupLimitReached",
      `Security rule ${ruleId} names ${groups.length} application security groups; at most ${mostGroupsPerSide} are allowed.`,
    );
  }
  for (const group of groups) {
    const groupId = isObject(group) ? group["id"] : undefined;
    if (typeof groupId === "string" && exists(groupId)) continue;
    throw refused(
      "InvalidResourceReference",
      `Resource ${groupId} referenced by resource ${ruleId} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.`,
    );
  }
}

/** An empty string counts as absent: portals and templates send it beside the plural. */
function textOf(properties: Properties, member: string): string | undefined {
  const value = properties[member];
  if (value === undefined || value === "") return undefined;
  if (typeof value === "string") return value;
  throw unreadable(`Property '${member}' must be a string.`);
}

function textsOf(properties: Properties, member: string): readonly string[] {
  const value = properties[member];
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value;
  throw unreadable(`Property '${member}' must be an array of strings.`);
}

function pascal(member: string): string {
  return `${member[0]?.toUpperCase()}${member.slice(1)}`;
}
