import { z } from "zod";
import { idKey } from "../policy/resource-id.ts";
import type { FirewallRule } from "../rules/firewall.ts";
import { ArmError } from "./azure-error.ts";

/** A rule collection that is read: NAT and network rules, of either kind of firewall. */
export interface Collection {
  readonly name: string;
  readonly kind: FirewallRule["kind"];
  readonly access: FirewallRule["access"];
  readonly priority: number;
  readonly rules: readonly RuleJson[];
}

const text = z.string().nullish();
const texts = z.array(z.string()).nullish();

/** Members of both kinds of rules, in both spellings of their protocols. */
const ruleSchema = z.object({
  name: z.string(),
  description: text,
  protocols: texts,
  ipProtocols: texts,
  sourceAddresses: texts,
  sourceIpGroups: texts,
  destinationAddresses: texts,
  destinationIpGroups: texts,
  destinationFqdns: texts,
  destinationPorts: texts,
  translatedAddress: text,
  translatedFqdn: text,
  translatedPort: text,
});

type RuleJson = z.infer<typeof ruleSchema>;

const action = z.object({ type: z.string() });
const collections = z
  .array(
    z.object({
      name: z.string(),
      properties: z.object({
        priority: z.int(),
        action: action.nullish(),
        rules: z.array(ruleSchema).nullish(),
      }),
    }),
  )
  .nullish();

const classicSchema = z.object({
  id: z.string(),
  name: z.string(),
  etag: text,
  properties: z.object({
    natRuleCollections: collections,
    networkRuleCollections: collections,
  }),
});

/** The rules of a classic firewall's own. Throws, naming the member, where it is none as we know it. */
export function readClassic(raw: unknown, id: string) {
  const { properties, ...firewall } = parse(classicSchema, raw, id);
  const read = (kind: Collection["kind"], list: z.infer<typeof collections>) =>
    (list ?? []).map(
      ({ name, properties: { priority, action, rules } }): Collection => ({
        name,
        kind,
        access: accessOf(kind, action?.type ?? "", name),
        priority,
        rules: rules ?? [],
      }),
    );
  return {
    ...firewall,
    collections: [
      ...read("dnat", properties.natRuleCollections),
      ...read("network", properties.networkRuleCollections),
    ],
  };
}

const groupSchema = z.object({
  id: z.string(),
  name: z.string(),
  etag: text,
  properties: z.object({
    priority: z.int(),
    provisioningState: text,
    ruleCollections: z
      .array(
        z.object({
          name: z.string(),
          priority: z.int(),
          action: action.nullish(),
          rules: z.array(z.looseObject({ ruleType: z.string() })).nullish(),
        }),
      )
      .nullish(),
  }),
});

/** A rule collection group. Throws, naming the member, where it is none as we know it. */
export function readRuleGroup(raw: unknown) {
  const { properties, ...group } = parse(groupSchema, raw, "A rule collection group");
  const { priority, provisioningState, ruleCollections } = properties;
  return {
    ...group,
    priority,
    provisioningState,
    collections: (ruleCollections ?? []).flatMap((collection): readonly Collection[] => {
      const typed = (collection.rules ?? []).map((rule) => ({
        rule,
        kind: kindOf(rule.ruleType, collection.name),
      }));
      const kinds = [...new Set(typed.map(({ kind }) => kind))].filter(
        (kind) => kind !== "application",
      );
      return kinds.map((kind) => ({
        name: collection.name,
        kind,
        access: accessOf(kind, collection.action?.type ?? "", collection.name),
        priority: collection.priority,
        rules: typed
          .filter((each) => each.kind === kind)
          .map(({ rule }) => parse(ruleSchema, rule, `Collection '${collection.name}'`)),
      }));
    }),
  };
}

/** NB. A word we do not know is a fault: guessing what a rule does would be guessing who gets through. */
function kindOf(ruleType: string, collection: string): Collection["kind"] | "application" {
  switch (ruleType.toLowerCase()) {
    case "natrule":
      return "dnat";
    case "networkrule":
      return "network";
    case "applicationrule":
      return "application";
    default:
      throw unknownWord(collection, ruleType, "NatRule, NetworkRule or ApplicationRule");
  }
}

function accessOf(
  kind: Collection["kind"],
  word: string,
  collection: string,
): Collection["access"] {
  const known: Readonly<Record<string, Collection["access"]>> =
    kind === "dnat" ? { dnat: "Allow" } : { allow: "Allow", deny: "Deny" };
  const access = known[word.toLowerCase()];
  if (access === undefined) {
    throw unknownWord(collection, word, kind === "dnat" ? "Dnat" : "Allow or Deny");
  }
  return access;
}

const unknownWord = (collection: string, word: string, expected: string): ArmError =>
  new ArmError(`Collection '${collection}' has '${word}' where ${expected} was expected.`, {
    code: "InvalidAnswer",
  });

function parse<T>(schema: z.ZodType<T>, raw: unknown, what: string): T {
  const body = schema.safeParse(raw);
  if (!body.success) {
    throw new ArmError(`${what} is not as we know it: ${z.prettifyError(body.error)}`, {
      code: "InvalidAnswer",
    });
  }
  return body.data;
}

/** The IP groups that rules name, each once. */
export function ipGroupsOf(all: readonly Collection[]): readonly string[] {
  const ids = all
    .flatMap(({ rules }) => rules)
    .flatMap((rule) => [...(rule.sourceIpGroups ?? []), ...(rule.destinationIpGroups ?? [])]);
  return [...new Map(ids.map((id) => [idKey(id), id])).values()];
}

/** The addresses of IP groups, by `idKey`; nothing for those that could not be read. */
export type IpGroups = ReadonlyMap<string, readonly string[] | undefined>;

/** The rules of a collection, in the order in which it has them. `before` is what goes before its priority in their order. */
export function rulesOf(
  { name, kind, access, priority, rules }: Collection,
  ipGroups: IpGroups,
  before: readonly number[] = [],
): readonly FirewallRule[] {
  return rules.map((rule) => {
    const { translatedAddress, translatedFqdn, translatedPort, destinationFqdns } = rule;
    const groups = [...(rule.sourceIpGroups ?? []), ...(rule.destinationIpGroups ?? [])];
    const isPartlyUnknown =
      groups.some((id) => ipGroups.get(idKey(id)) === undefined) ||
      (destinationFqdns ?? []).length > 0 ||
      Boolean(translatedFqdn);
    return {
      name: rule.name,
      kind,
      access,
      collection: name,
      order: [...before, priority],
      protocols: (rule.ipProtocols ?? rule.protocols ?? []).map(readProtocol),
      sources: union(rule.sourceAddresses, rule.sourceIpGroups, ipGroups),
      destinations: union(rule.destinationAddresses, rule.destinationIpGroups, ipGroups),
      destinationPorts: rule.destinationPorts ?? [],
      ...(isPartlyUnknown ? { isPartlyUnknown } : {}),
      ...(translatedAddress ? { translatedAddress } : {}),
      ...(translatedPort ? { translatedPort } : {}),
      description: rule.description ?? "",
    };
  });
}

function union(
  addresses: readonly string[] | null | undefined,
  groups: readonly string[] | null | undefined,
  ipGroups: IpGroups,
): readonly string[] {
  const ofGroups = (groups ?? []).flatMap((id) => ipGroups.get(idKey(id)) ?? []);
  return [...new Set([...(addresses ?? []), ...ofGroups])];
}

const knownProtocols = ["TCP", "UDP", "ICMP", "Any"];

/** A protocol that Azure adds one day stays as it is. */
function readProtocol(given: string): string {
  return knownProtocols.find((known) => known.toLowerCase() === given.toLowerCase()) ?? given;
}
