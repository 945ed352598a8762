import { z } from "zod";
import type { NetworkSecurityGroup, SecurityRule } from "../rules/nsg.ts";
import type { RuleChange } from "../rules/nsg-plan.ts";

/** Azure answers with empty lists beside the singular property, or leaves either out. */
const texts = z.array(z.string()).nullish();
const text = z.string().nullish();
const references = z.array(z.object({ id: z.string() })).nullish();

const ruleSchema = z.object({
  name: z.string(),
  properties: z.object({
    priority: z.int(),
    direction: z.string(),
    access: z.string(),
    protocol: z.string(),
    description: text,
    sourceAddressPrefix: text,
    sourceAddressPrefixes: texts,
    provisioningState: text,
    sourceApplicationSecurityGroups: references,
    sourcePortRange: text,
    sourcePortRanges: texts,
    destinationAddressPrefix: text,
    destinationAddressPrefixes: texts,
    destinationApplicationSecurityGroups: references,
    destinationPortRange: text,
    destinationPortRanges: texts,
  }),
});

const groupSchema = z.object({
  id: z.string().optional(),
  etag: z.string().optional(),
  properties: z
    .object({ provisioningState: text, securityRules: z.array(ruleSchema).nullish() })
    .optional(),
});

/** Reads the body of a GET of an NSG. Throws, naming the property, where a rule lacks what every rule has. */
export function readGroup(
  body: unknown,
  gateId: string,
): {
  readonly group: NetworkSecurityGroup;
  readonly isUpdating: boolean;
  readonly etag: string | undefined;
} {
  const parsed = groupSchema.safeParse(body);
  if (!parsed.success) {
    throw new Error(
      `The answer for ${gateId} is no NSG as we know it: ${z.prettifyError(parsed.error)}`,
    );
  }
  const { id, etag, properties } = parsed.data;
  const securityRules = properties?.securityRules ?? [];
  const states = [properties, ...securityRules.map((rule) => rule.properties)];
  return {
    group: { id: id ?? gateId, rules: securityRules.map(readRule) },
    etag,
    isUpdating: states.some((one) =>
      /^(creating|updating|deleting)$/i.test(one?.provisioningState ?? ""),
    ),
  };
}

function readRule({ name, properties: rule }: z.infer<typeof ruleSchema>): SecurityRule {
  return {
    name,
    priority: rule.priority,
    direction: oneOf(["Inbound", "Outbound"], rule.direction, name),
    access: oneOf(["Allow", "Deny"], rule.access, name),
    protocol: readProtocol(rule.protocol),
    sources: union(rule.sourceAddressPrefix, rule.sourceAddressPrefixes),
    sourceGroups: (rule.sourceApplicationSecurityGroups ?? []).map(({ id }) => id),
    sourcePorts: union(rule.sourcePortRange, rule.sourcePortRanges),
    destinations: union(rule.destinationAddressPrefix, rule.destinationAddressPrefixes),
    destinationGroups: (rule.destinationApplicationSecurityGroups ?? []).map(({ id }) => id),
    destinationPorts: union(rule.destinationPortRange, rule.destinationPortRanges),
    description: rule.description ?? "",
  };
}

function union(
  one: string | null | undefined,
  several: readonly string[] | null | undefined,
): readonly string[] {
  const all = [one ?? "", ...(several ?? [])].filter((value) => value !== "");
  return [...new Set(all)];
}

/** NB. A word we do not know is a fault: guessing whether a rule allows or denies would be guessing who gets through. */
function oneOf<T extends string>(words: readonly T[], given: string, rule: string): T {
  const found = words.find((word) => word.toLowerCase() === given.toLowerCase());
  if (found === undefined) {
    throw new Error(`Rule '${rule}' has '${given}' where ${words.join(" or ")} was expected.`);
  }
  return found;
}

const knownProtocols = ["Tcp", "Udp", "Icmp", "Esp", "Ah", "*"];

/** Older rules carry `TCP`; a protocol that Azure adds one day stays as it is. */
function readProtocol(given: string): string {
  return knownProtocols.find((known) => known.toLowerCase() === given.toLowerCase()) ?? given;
}

/** The body that writes a rule. One value goes in the singular property: `*` and service tags are refused in the plural. */
export function ruleToJson(rule: SecurityRule): { name: string; properties: object } {
  return {
    name: rule.name,
    properties: {
      ...(rule.description === "" ? {} : { description: rule.description }),
      protocol: rule.protocol,
      access: rule.access,
      direction: rule.direction,
      priority: rule.priority,
      ...oneOrSeveral("sourcePortRange", "sourcePortRanges", rule.sourcePorts),
      ...oneOrSeveral("destinationPortRange", "destinationPortRanges", rule.destinationPorts),
      ...oneOrSeveral("sourceAddressPrefix", "sourceAddressPrefixes", rule.sources),
      ...oneOrSeveral("destinationAddressPrefix", "destinationAddressPrefixes", rule.destinations),
      ...groups("sourceApplicationSecurityGroups", rule.sourceGroups),
      ...groups("destinationApplicationSecurityGroups", rule.destinationGroups),
    },
  };
}

function oneOrSeveral(singular: string, plural: string, values: readonly string[]): object {
  const [only] = values;
  if (only === undefined) {
    return {};
  }
  return values.length === 1 ? { [singular]: only } : { [plural]: values };
}

function groups(property: string, ids: readonly string[]): object {
  return ids.length === 0 ? {} : { [property]: ids.map((id) => ({ id })) };
}

const groupShape = z.looseObject({
  properties: z.looseObject({
    securityRules: z.array(z.looseObject({ name: z.string() })).nullish(),
  }),
});
/** The value itself once it has that shape: a parsed copy would have its members in another order. */
const rawGroup = z.custom<z.infer<typeof groupShape>>((raw) => groupShape.safeParse(raw).success);

/**
 * The body of a whole write: the NSG exactly as it was read but for the rules that the changes name. Azure ignores its own
 * read-only members in a body that it gave out itself.
 */
export function applyChanges(raw: unknown, changes: readonly RuleChange[]): object {
  const group = rawGroup.parse(raw);
  const rules = new Map<string, object>(
    (group.properties.securityRules ?? []).map((rule) => [rule.name.toLowerCase(), rule]),
  );
  for (const change of changes) {
    if (change.kind === "put") {
      rules.set(change.rule.name.toLowerCase(), ruleToJson(change.rule));
    } else {
      rules.delete(change.name.toLowerCase());
    }
  }
  return { ...group, properties: { ...group.properties, securityRules: [...rules.values()] } };
}
