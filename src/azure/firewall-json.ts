import { z } from "zod";
import { idKey } from "../policy/resource-id.ts";
import type { FirewallRule } from "../rules/firewall.ts";
import { isDenyCollection } from "../rules/owned.ts";
import { ArmError } from "./azure-error.ts";

/** A rule collection that is read: NAT and network rules, of either kind of firewall. */
export interface Collection {
  readonly name: string;
  readonly kind: FirewallRule["kind"];
  /** Nothing where its action is a word that we do not know. */
  readonly access: FirewallRule["access"] | undefined;
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

/** Of a rule that is not as we know it nothing is told but its name. */
type RuleJson = z.infer<typeof ruleSchema> & { readonly isUnreadable?: boolean };

const collections = z
  .array(
    z.object({
      name: z.string(),
      properties: z.object({
        priority: z.int(),
        action: z.unknown(),
        rules: z.array(z.unknown()).nullish(),
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

/**
 * The rules of a classic firewall's own. Throws, naming the member, where it is none as we know it. NB. A word or a rule that
 * we do not know is no fault: somebody else's rule must not keep us from closing what we opened. It may be anything.
 */
export function readClassic(raw: unknown, id: string) {
  const { properties, ...firewall } = parse(classicSchema, raw, id);
  const read = (kind: Collection["kind"], list: z.infer<typeof collections>) =>
    (list ?? []).map(
      ({ name, properties: { priority, action, rules } }): Collection => ({
        name,
        kind,
        access: accessOf(kind, action),
        priority,
        rules: (rules ?? []).map(readRule),
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
          action: z.unknown(),
          rules: z.array(z.unknown()).nullish(),
        }),
      )
      .nullish(),
  }),
});

/** A rule collection group, as {@link readClassic}. */
export function readRuleGroup(raw: unknown) {
  const { properties, ...group } = parse(groupSchema, raw, "A rule collection group");
  const { priority, provisioningState, ruleCollections } = properties;
  return {
    ...group,
    priority,
    provisioningState,
    collections: (ruleCollections ?? []).flatMap(
      ({ name, priority, action, rules }): readonly Collection[] => {
        const byKind = Map.groupBy((rules ?? []).map(readTyped), ({ kind }) => kind);
        return [...byKind].flatMap(([kind, typed]) =>
          kind === "application"
            ? []
            : [
                {
                  name,
                  kind,
                  access: accessOf(kind, action),
                  priority,
                  rules: typed.map(({ rule }) => rule),
                },
              ],
        );
      },
    ),
  };
}

type Kind = Collection["kind"] | "application";

const ruleTypes: Readonly<Record<string, Kind>> = {
  natrule: "dnat",
  networkrule: "network",
  applicationrule: "application",
};

/** A rule of a kind that we do not know may be a network rule about anything. */
function readTyped(raw: unknown, index: number): { readonly kind: Kind; readonly rule: RuleJson } {
  const { ruleType } = z.object({ ruleType: z.string() }).safeParse(raw).data ?? {};
  const kind = ruleTypes[ruleType?.toLowerCase() ?? ""];
  return kind === undefined
    ? { kind: "network", rule: unreadable(raw, index) }
    : { kind, rule: readRule(raw, index) };
}

const readRule = (raw: unknown, index: number): RuleJson =>
  ruleSchema.safeParse(raw).data ?? unreadable(raw, index);

function unreadable(raw: unknown, index: number): RuleJson {
  const { name } = z.object({ name: z.string() }).safeParse(raw).data ?? {};
  return { name: name ?? `number ${index + 1}`, isUnreadable: true };
}

const actions: Readonly<
  Record<Collection["kind"], Readonly<Record<string, Collection["access"]>>>
> = {
  dnat: { dnat: "Allow" },
  network: { allow: "Allow", deny: "Deny" },
};

function accessOf(kind: Collection["kind"], action: unknown): Collection["access"] {
  const { type } = z.object({ type: z.string() }).safeParse(action).data ?? {};
  return actions[kind][type?.toLowerCase() ?? ""];
}

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
    const { translatedAddress, translatedPort } = rule;
    const ends = access === undefined || rule.isUnreadable ? unknownEnds : endsOf(rule, ipGroups);
    return {
      name: rule.name,
      kind,
      access: access ?? (isDenyCollection(name) ? "Deny" : "Allow"),
      collection: name,
      order: [...before, priority],
      protocols: (rule.ipProtocols ?? rule.protocols ?? []).map(readProtocol),
      destinationPorts: rule.destinationPorts ?? [],
      ...ends,
      ...(translatedAddress ? { translatedAddress } : {}),
      ...(translatedPort ? { translatedPort } : {}),
      description: rule.description ?? "",
    };
  });
}

type Ends = Pick<FirewallRule, "sources" | "destinations" | "isPartlyUnknown">;

/**
 * Of a rule that may do anything. NB. Lists that name nobody are none that Azure lets in: nothing is certain about such a rule,
 * neither that it holds anything nor that it lets anything through.
 */
const unknownEnds: Ends = { sources: [], destinations: [], isPartlyUnknown: true };

function endsOf(rule: RuleJson, ipGroups: IpGroups): Ends {
  const groups = [...(rule.sourceIpGroups ?? []), ...(rule.destinationIpGroups ?? [])];
  const isPartlyUnknown =
    groups.some((id) => ipGroups.get(idKey(id)) === undefined) ||
    (rule.destinationFqdns ?? []).length > 0 ||
    Boolean(rule.translatedFqdn);
  return {
    sources: union(rule.sourceAddresses, rule.sourceIpGroups, ipGroups),
    destinations: union(rule.destinationAddresses, rule.destinationIpGroups, ipGroups),
    ...(isPartlyUnknown ? { isPartlyUnknown } : {}),
  };
}

function union(
  addresses: readonly string[] | null | undefined,
  groups: readonly string[] | null | undefined,
  ipGroups: IpGroups,
): readonly string[] {
  const ofGroups = (groups ?? []).map((id) => ipGroups.get(idKey(id)) ?? []);
  const lists = [addresses ?? [], ...ofGroups].filter((list) => list.length > 0);
  // NB. The very list of a group, which may have thousands of addresses: whoever plans reads it once for all rules that name it.
  const [only = []] = lists;
  return lists.length < 2 ? only : [...new Set(lists.flat())];
}

const knownProtocols = ["TCP", "UDP", "ICMP", "Any"];

/** A protocol that Azure adds one day stays as it is. */
function readProtocol(given: string): string {
  return knownProtocols.find((known) => known.toLowerCase() === given.toLowerCase()) ?? given;
}
