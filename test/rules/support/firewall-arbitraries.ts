import fc from "fast-check";
import type { Firewall, FirewallRule } from "../../../src/rules/firewall.ts";
import type { GateIntent } from "../../../src/rules/intent.ts";
import { denyRuleName, ownCollections } from "../../../src/rules/owned.ts";
import {
  aDesiredDeny,
  aFirewall,
  aFirewallPolicy,
  anOwner,
  publicAddresses,
} from "../../support/builders.ts";
import { intents, lastEnd } from "./arbitraries.ts";

const own = ownCollections(anOwner);

/** Crowded at both ends. */
const places = fc.oneof(
  fc.integer({ min: 100, max: 105 }),
  fc.integer({ min: 64_997, max: 65_000 }),
  fc.integer({ min: 100, max: 65_000 }),
);

const texts = fc.constantFrom(
  ...["*", "10.0.0.4", "10.0.0.0/24", "10.0.0.0-10.0.1.255", "203.0.113.0/24", "203.0.113.7"],
  ...["0.0.0.0/0", "192.0.2.1", "198.51.100.1", "AzureCloud", "10.0.0.5-10.0.0.9"],
);
const lists = fc.uniqueArray(texts, { minLength: 1, maxLength: 2 });
const ports = fc.constantFrom(["*"], ["22"], ["3389"], ["443"], ["20-30"], ["443", "3000-4000"]);
const protocols = fc.constantFrom(["TCP"], ["UDP"], ["TCP", "UDP"], ["Any"], ["ICMP"]);

/** A customer may call a rule as we call ours, in a collection of their own. */
const names = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 1e9 }).map((number) => `rule-${number}`) },
  { weight: 1, arbitrary: fc.constant(denyRuleName(anOwner, aDesiredDeny(), 4)) },
);

type Saying = Omit<FirewallRule, "kind" | "access" | "collection" | "order">;

const networkRule: fc.Arbitrary<Saying> = fc.record({
  name: names,
  protocols,
  sources: lists,
  destinations: lists,
  destinationPorts: ports,
  isPartlyUnknown: fc.constantFrom(undefined, undefined, undefined, undefined, true),
  description: fc.constantFrom("", "mine"),
});

/** Some take ports that we map, some lead to VMs that we protect. */
const dnatRule: fc.Arbitrary<Saying> = fc.record({
  name: names,
  protocols: fc.constantFrom(["TCP"], ["UDP"], ["TCP", "UDP"], ["Any"]),
  sources: lists,
  destinations: fc.constantFrom(
    ...publicAddresses.map((address) => [address]),
    ["*"],
    ["198.51.100.0/30"],
  ),
  destinationPorts: fc.oneof(
    fc.constantFrom(["443"], ["2222"], ["20000-59998"], ["*"], ["20000-40000"]),
    fc.integer({ min: 20_000, max: 59_999 }).map((port) => [String(port)]),
  ),
  translatedAddress: fc.constantFrom("10.0.0.4", "10.0.0.5", "10.0.0.9", undefined),
  translatedPort: fc.constantFrom("22", "3389", "443"),
  description: fc.constant(""),
});

/** A customer's rule collection, wherever it stands. */
export interface Collection {
  readonly kind: FirewallRule["kind"];
  readonly access: FirewallRule["access"];
  readonly place: number;
  readonly isParents: boolean;
  readonly rules: readonly Saying[];
}

const collections: fc.Arbitrary<Collection> = fc.oneof(
  fc.record({
    kind: fc.constant("network" as const),
    access: fc.constantFrom("Allow" as const, "Allow" as const, "Deny" as const),
    place: places,
    isParents: fc.constantFrom(false, false, false, true),
    rules: fc.array(networkRule, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant("dnat" as const),
    access: fc.constant("Allow" as const),
    place: places,
    isParents: fc.constant(false),
    rules: fc.array(dnatRule, { minLength: 1, maxLength: 2 }),
  }),
);

/** The firewall with another customer collection, unless Azure would refuse it for its place. */
export function withCollection(firewall: Firewall, collection: Collection): Firewall {
  const { kind, place, isParents, access, rules } = collection;
  const isOfParent = isParents && firewall.kind === "policy";
  const order = firewall.kind === "classic" ? [place] : [isOfParent ? 0 : 1, place, 500];
  const isTaken =
    firewall.kind === "classic"
      ? firewall.rules.some((rule) => rule.kind === kind && rule.order[0] === place)
      : firewall.rules.some((rule) => rule.order[0] === order[0] && rule.order[1] === place);
  if (isTaken) {
    return firewall;
  }
  const unique = [...new Map(rules.map((rule) => [rule.name, rule])).values()];
  const added = unique.map(
    (rule): FirewallRule => ({
      ...rule,
      kind,
      access,
      order,
      collection: `customer-${kind}-${order.join("-")}`,
    }),
  );
  return {
    ...firewall,
    rules: [...firewall.rules, ...added],
    groupPriorities:
      firewall.kind === "classic" || isOfParent
        ? firewall.groupPriorities
        : [...firewall.groupPriorities, place],
  };
}

/** A firewall of either kind with rules of its customer, and up to two public addresses. */
export const firewalls: fc.Arbitrary<Firewall> = fc
  .record({
    empty: fc.constantFrom(aFirewall(), aFirewallPolicy()),
    collections: fc.array(collections, { maxLength: 6 }),
    addresses: fc.constantFrom(publicAddresses, publicAddresses, [publicAddresses[0]], []),
  })
  .map(({ empty, collections: list, addresses }) => ({
    ...list.reduce(withCollection, empty),
    publicAddresses: addresses,
  }));

/** What policies and requests may want of a firewall; {@link onFirewall} tells its windows by which addresses it is reached. */
export const firewallIntents: fc.Arbitrary<GateIntent> = fc
  .tuple(intents, fc.constantFrom(undefined, undefined, publicAddresses[1], "192.0.2.200"))
  .map(([{ denies, windows }, publicIpAddress]) => ({
    denies: denies.map((deny) => ({ ...deny, publicIpAddress })),
    windows,
  }));

/** The intent as it is wanted of this firewall. */
export const onFirewall = ({ publicAddresses: addresses }: Firewall, intent: GateIntent) => ({
  ...intent,
  windows: intent.windows.map((window) => ({ ...window, publicAddresses: addresses })),
});

/** Something that happens to a firewall. Where a number picks a rule, it is taken modulo how many there are. */
export type FirewallEvent =
  | { readonly kind: "settle"; readonly intent: GateIntent; readonly at: number }
  | { readonly kind: "customer adds"; readonly collection: Collection }
  | { readonly kind: "customer removes"; readonly pick: number }
  | { readonly kind: "customer adds to ours"; readonly rule: Saying; readonly pick: number }
  | { readonly kind: "ours moved"; readonly pick: number; readonly place: number }
  | {
      readonly kind: "ours edited";
      readonly pick: number;
      readonly edit: Partial<FirewallRule>;
    }
  | { readonly kind: "ours removed"; readonly pick: number };

const pick = fc.nat(1_000);

export const firewallEvents: fc.Arbitrary<FirewallEvent> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      intent: firewallIntents,
      at: fc.integer({ min: 0, max: lastEnd }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("customer adds" as const),
      collection: collections,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("customer removes" as const), pick }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("customer adds to ours" as const),
      rule: networkRule,
      pick,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("ours moved" as const), pick, place: places }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("ours edited" as const),
      pick,
      edit: fc.constantFrom<Partial<FirewallRule>>(
        { sources: ["*"] },
        { destinationPorts: ["20000"] },
        { destinationPorts: ["80"] },
        { description: "edited" },
        { protocols: ["UDP"] },
        { isPartlyUnknown: true },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("ours removed" as const), pick }) },
);

/** What the customer makes of a collection of ours: a rule of theirs in it, where there is one. */
export function withTheirs(firewall: Firewall, rule: Saying, number: number): Firewall {
  const ours = firewall.rules.filter(
    ({ kind, collection }) =>
      kind === "network" && Object.values(own).some((name) => name === collection),
  );
  const beside = ours[number % ours.length];
  const isNew = !firewall.rules.some(
    (each) => each.collection === beside?.collection && each.name === rule.name,
  );
  return beside === undefined || !isNew || !rule.name.startsWith("rule-")
    ? firewall
    : { ...firewall, rules: [...firewall.rules, { ...beside, ...rule }] };
}

/** A collection of ours, of a policy our group, at another place; where Azure would refuse that nothing happens. */
export function withMoved(firewall: Firewall, number: number, place: number): Firewall {
  const isIn = ({ collection }: FirewallRule) =>
    Object.values(own).some((name) => name === collection);
  const ours = firewall.rules.filter(isIn);
  const moving = ours[number % ours.length];
  const isFree =
    firewall.kind === "policy"
      ? !firewall.groupPriorities.includes(place)
      : !firewall.rules.some((rule) => rule.kind === moving?.kind && rule.order[0] === place);
  const goes = (rule: FirewallRule) =>
    firewall.kind === "policy" ? isIn(rule) : rule.collection === moving?.collection;
  return isFree
    ? {
        ...firewall,
        rules: firewall.rules.map((rule) =>
          goes(rule)
            ? { ...rule, order: rule.order.with(firewall.kind === "policy" ? 1 : 0, place) }
            : rule,
        ),
      }
    : firewall;
}
