import { z } from "zod";
import type { FirewallRule } from "../rules/firewall.ts";
import type { Owner } from "../rules/intent.ts";
import type { RuleChange } from "../rules/nsg-plan.ts";
import { isOwnCollection, sameName } from "../rules/owned.ts";

/** Changes of a firewall's rules. */
export type FirewallChanges = readonly RuleChange<FirewallRule>[];

/** A rule as Azure has it, or wants it. */
type RuleBody = unknown;

/** How a kind of firewall writes its rule collections. */
interface Form<C> {
  rulesOf(collection: C): readonly RuleBody[];
  /** The collection with these rules: the one that is `present`, or a new one. `like` is a rule that is put into it. */
  make(present: C | undefined, like: FirewallRule | undefined, rules: readonly RuleBody[]): C;
  ruleToJson(rule: FirewallRule): RuleBody;
}

/** NB. Rules of customers may be of any shape: they go back as they came. */
const rules = z.array(z.unknown()).nullish();
const classicCollection = z.looseObject({
  name: z.string(),
  properties: z.looseObject({ rules }),
});
type ClassicCollection = z.infer<typeof classicCollection>;
const policyCollection = z.looseObject({ name: z.string(), rules });
type PolicyCollection = z.infer<typeof policyCollection>;

/** The value itself once it has that shape: a parsed copy would have its members in another order. */
const itself = <T>(shape: z.ZodType<T>) => z.custom<T>((raw) => shape.safeParse(raw).success);

const rawFirewall = itself(
  z.looseObject({
    properties: z.looseObject({
      natRuleCollections: z.array(classicCollection).nullish(),
      networkRuleCollections: z.array(classicCollection).nullish(),
    }),
  }),
);
const rawGroup = itself(
  z.looseObject({
    properties: z.looseObject({ ruleCollections: z.array(policyCollection).nullish() }),
  }),
);

/**
 * The body of a write of a classic firewall: exactly as it was read but for our collections, and in those for the rules that
 * the changes name. Azure ignores its own read-only members in a body that it gave out itself.
 */
export function changedFirewall(
  raw: unknown,
  changes: FirewallChanges,
  owner: Pick<Owner, "tag">,
): object {
  const firewall = rawFirewall.parse(raw);
  const { natRuleCollections, networkRuleCollections } = firewall.properties;
  const of = (kind: FirewallRule["kind"], list: typeof natRuleCollections) => {
    const after = changedCollections(
      list ?? [],
      changes,
      owner,
      classicForm,
      ({ rule }) => rule.kind === kind,
    );
    return after.length === 0 && !list ? list : after;
  };
  const collections = {
    natRuleCollections: of("dnat", natRuleCollections),
    networkRuleCollections: of("network", networkRuleCollections),
  };
  return { ...firewall, properties: { ...firewall.properties, ...collections } };
}

const classicForm: Form<ClassicCollection> = {
  rulesOf: ({ properties }) => properties.rules ?? [],
  make: (present, like, rules) => ({
    ...(present ?? { name: like?.collection ?? "" }),
    properties: {
      ...present?.properties,
      ...(like && { priority: like.order.at(-1), action: { type: actionOf(like, "Dnat") } }),
      rules: [...rules],
    },
  }),
  ruleToJson: (rule) => ({
    name: rule.name,
    ...description(rule),
    protocols: rule.protocols,
    ...traffic(rule),
  }),
};

/**
 * The body of a write of our rule collection group of a firewall policy, as {@link changedFirewall}; `raw` is nothing where there
 * is none yet. Nothing when no collection would be left in it.
 */
export function changedGroup(
  raw: unknown,
  changes: FirewallChanges,
  owner: Pick<Owner, "tag">,
): object | undefined {
  const group = rawGroup.optional().parse(raw);
  const before = group?.properties.ruleCollections ?? [];
  const collections = changedCollections(before, changes, owner, policyForm, () => true);
  if (collections.length === 0) {
    return undefined;
  }
  const put = changes.findLast(isPut);
  const priority = put === undefined ? {} : { priority: put.rule.order.at(-2) };
  return {
    ...group,
    properties: { ...group?.properties, ...priority, ruleCollections: collections },
  };
}

const policyForm: Form<PolicyCollection> = {
  rulesOf: (collection) => collection.rules ?? [],
  make: (present, like, rules) => ({
    ...(present ?? {
      ruleCollectionType:
        like?.kind === "dnat"
          ? "FirewallPolicyNatRuleCollection"
          : "FirewallPolicyFilterRuleCollection",
      name: like?.collection ?? "",
    }),
    ...(like && { priority: like.order.at(-1), action: { type: actionOf(like, "DNAT") } }),
    rules: [...rules],
  }),
  ruleToJson: (rule) => ({
    ruleType: rule.kind === "dnat" ? "NatRule" : "NetworkRule",
    name: rule.name,
    ...description(rule),
    ipProtocols: rule.protocols,
    ...traffic(rule),
  }),
};

type Put = Extract<RuleChange<FirewallRule>, { readonly kind: "put" }>;
const isPut = (change: RuleChange<FirewallRule>): change is Put => change.kind === "put";
const nameOf = (change: RuleChange<FirewallRule>): string =>
  isPut(change) ? change.rule.name : change.name;

/** Collections of others come back as they are; so do rules of others in ours. One of ours without rules goes. */
function changedCollections<C extends { readonly name: string }>(
  before: readonly C[],
  changes: FirewallChanges,
  owner: Pick<Owner, "tag">,
  form: Form<C>,
  belongs: (put: Put) => boolean,
): readonly C[] {
  const puts = changes.filter(isPut).filter(belongs);
  const putsInto = (name: string) =>
    puts.map(({ rule }) => rule).filter((rule) => sameName(rule.collection, name));
  const present = before.flatMap((collection) => {
    if (!isOwnCollection(collection.name, owner)) {
      return [collection];
    }
    const into = putsInto(collection.name);
    const rules = form.rulesOf(collection);
    const after = changedRules(rules, changes, into, form);
    return after.length === 0 ? [] : [form.make(collection, into.at(-1), after)];
  });
  const fresh = [...new Set(puts.map(({ rule }) => rule.collection))].filter(
    (name) => !before.some((collection) => sameName(collection.name, name)),
  );
  return [
    ...present,
    ...fresh.map((name) => {
      const into = putsInto(name);
      return form.make(undefined, into.at(-1), into.map(form.ruleToJson));
    }),
  ];
}

/** A rule that is put takes the place of the one of its name, if that is in the same collection; new ones come last. */
function changedRules<C>(
  before: readonly RuleBody[],
  changes: FirewallChanges,
  puts: readonly FirewallRule[],
  form: Form<C>,
): readonly RuleBody[] {
  const putOf = (name: string) => puts.find((rule) => sameName(rule.name, name));
  const kept = before.flatMap((rule) => {
    const name = nameIn(rule);
    const put = putOf(name);
    if (put !== undefined) {
      return [form.ruleToJson(put)];
    }
    return changes.some((change) => sameName(nameOf(change), name)) ? [] : [rule];
  });
  const isNew = (rule: FirewallRule) => !before.some((each) => sameName(nameIn(each), rule.name));
  return [...kept, ...puts.filter(isNew).map(form.ruleToJson)];
}

/** Nothing that is ours has no name. */
const nameIn = (rule: RuleBody): string =>
  z.object({ name: z.string() }).safeParse(rule).data?.name ?? "";

const actionOf = ({ kind, access }: FirewallRule, dnat: string): string =>
  kind === "dnat" ? dnat : access;

const description = (rule: FirewallRule) =>
  rule.description === "" ? {} : { description: rule.description };

function traffic(rule: FirewallRule) {
  const { sources, destinations, destinationPorts, translatedAddress, translatedPort } = rule;
  return {
    sourceAddresses: sources,
    destinationAddresses: destinations,
    destinationPorts,
    ...(translatedAddress === undefined ? {} : { translatedAddress }),
    ...(translatedPort === undefined ? {} : { translatedPort }),
  };
}
