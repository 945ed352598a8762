import fc from "fast-check";
import type { DesiredDeny, DesiredWindow, GateIntent } from "../../../src/rules/intent.ts";
import type { SecurityRule } from "../../../src/rules/nsg.ts";
import {
  aDesiredDeny,
  aDesiredWindow,
  afterNoon,
  anOwner,
  aRule,
  vmId,
} from "../../support/builders.ts";
import { aDefenderAllow, aDefenderDeny, old } from "./defender-rules.ts";

/** The last moment at which a window of {@link intents} can be open, seconds after noon. */
export const lastEnd = 7_200;

/** Few VMs, so that rules, denies and windows meet; one has a name as long and odd as names get. */
const machines = [
  { vmId: vmId("web-1"), vmKey: "0123456789abcdef", addresses: ["10.0.0.4"] },
  { vmId: vmId("db"), vmKey: "1123456789abcdef", addresses: ["10.0.0.5", "fd00::5"] },
  {
    vmId: vmId(`(${"ö💥".repeat(21)}`),
    vmKey: "2123456789abcdef",
    addresses: ["10.0.1.4", "10.0.1.5", "fd00::1:4"],
  },
] as const;

const protectedPorts = [22, 3389, 5985] as const;
const asg = "/subscriptions/s/providers/Microsoft.Network/applicationSecurityGroups/web";

const prefixes = fc.constantFrom(
  ...["10.0.0.4", "10.0.0.0/24", "10.0.0.0/16", "0.0.0.0/0", "203.0.113.0/24", "203.0.113.7"],
  ...["fd00::5", "fd00::/64", "::/0", "2001:db8::/32", "192.0.2.1", "fd00::1:4"],
);
const one = fc.oneof(prefixes, fc.constantFrom("*", "*", "Internet", "VirtualNetwork", "Sql"));
const ends = fc.oneof(
  one.map((text) => ({ prefixes: [text], groups: [] })),
  fc.uniqueArray(prefixes, { minLength: 2, maxLength: 3 }).map((list) => ({
    prefixes: list,
    groups: [],
  })),
  fc.constant({ prefixes: [], groups: [asg] }),
);
const portLists = fc.oneof(
  fc.constantFrom(["*"], ["22"], ["3389"], ["443"], ["0-65535"], ["20-30"], ["443", "3000-4000"]),
  fc.integer({ min: 0, max: 65_535 }).map((port) => [String(port)]),
);

/** Crowded where it matters: in and around the band for allow rules, and at both ends. */
const priorities = fc.oneof(
  fc.integer({ min: 100, max: 106 }),
  fc.integer({ min: 296, max: 304 }),
  fc.integer({ min: 4_090, max: 4_096 }),
  fc.integer({ min: 100, max: 4_096 }),
);

/** Names of customers, of Defender or nearly, of another deployment of ours, and some that only look like ours. */
const nameStarts = fc.constantFrom(
  "rule-",
  "JitAccess-",
  "JitAccess-ffffff-Deny-",
  "JitAccess-ffffff-Allow-",
  `JitAccess-${anOwner.tag}`,
  `JitAccess-${anOwner.tag}-breakglass-`,
  `JitAccess-${anOwner.tag}-Deny-`,
  "MicrosoftDefenderForCloud-JITRule_1_",
);

const plainRule: fc.Arbitrary<SecurityRule> = fc
  .record({
    start: nameStarts,
    suffix: fc.integer({ min: 0, max: 1e9 }),
    priority: priorities,
    direction: fc.constantFrom("Inbound", "Inbound", "Inbound", "Outbound"),
    access: fc.constantFrom("Allow", "Deny"),
    protocol: fc.constantFrom("*", "Tcp", "Udp", "Icmp"),
    from: ends,
    to: ends,
    sourcePorts: fc.constantFrom(["*"], ["*"], ["1024-65535"]),
    destinationPorts: portLists,
    description: fc.constantFrom("", "closed by us"),
  })
  .map(({ start, suffix, from, to, ...rest }) => ({
    ...rest,
    name: `${start}${suffix}`,
    sources: from.prefixes,
    sourceGroups: from.groups,
    destinations: to.prefixes,
    destinationGroups: to.groups,
  }));

/** Rules just as Defender leaves them, for VMs that are there and others; often the same but for name and place. */
const defenderRule: fc.Arbitrary<SecurityRule> = fc
  .record({
    kind: fc.constantFrom(aDefenderDeny, aDefenderAllow),
    generation: fc.constantFrom(old, (rule: SecurityRule) => rule),
    number: fc.integer({ min: -3, max: 3 }),
    priority: priorities,
    address: fc.constantFrom("10.0.0.4", "10.0.0.4", "10.0.0.5", "10.0.9.9"),
    vmName: fc.constantFrom("web-1", "web-1", "db", "gone"),
  })
  .map(({ kind, generation, number, priority, address, vmName }) => {
    const { name, description } = kind();
    return generation(
      kind({
        name: name.replace(/-?36095858/, String(number)),
        description: description.replace("web-1", vmName),
        priority,
        destinations: [address],
      }),
    );
  });

/** Rules that differ from Defender's in one thing: a customer's. */
const almostDefenderRule: fc.Arbitrary<SecurityRule> = fc
  .tuple(
    defenderRule,
    fc.constantFrom<Partial<SecurityRule>>(
      { direction: "Outbound" },
      { description: "mine now" },
      { destinations: ["10.0.0.4", "10.0.0.5"] },
      { destinations: ["10.0.0.0/24"] },
      { destinationPorts: ["20-30"] },
      { sources: ["VirtualNetwork"] },
      { sources: [], sourceGroups: [asg] },
      { sourcePorts: ["1024-65535"] },
    ),
  )
  .map(([rule, difference]) => ({ ...rule, ...difference }));

const customerRule = fc.oneof(
  { weight: 6, arbitrary: plainRule },
  { weight: 2, arbitrary: defenderRule },
  { weight: 1, arbitrary: almostDefenderRule },
);

/** Rules without a clash of names or of priorities, as a group that exists has them. */
export function withoutClashes(rules: readonly SecurityRule[]): readonly SecurityRule[] {
  const seen = new Set<string>();
  return rules.filter((rule) => {
    const marks = [rule.name.toLowerCase(), `${rule.direction} ${rule.priority}`];
    const isFree = !marks.some((mark) => seen.has(mark));
    for (const mark of isFree ? marks : []) {
      seen.add(mark);
    }
    return isFree;
  });
}

/** Where a gate begins: customer rules, and how many numbers from where on are taken by others that do no harm. */
export interface Beginning {
  readonly rules: readonly SecurityRule[];
  readonly filled: { readonly first: number; readonly count: number };
}

/** One gate in six has hardly a place left, in the band for allow rules or altogether. */
export const beginnings: fc.Arbitrary<Beginning> = fc.record({
  rules: fc.array(customerRule, { maxLength: 12 }),
  filled: fc.oneof(
    { weight: 20, arbitrary: fc.constant({ first: 100, count: 0 }) },
    {
      weight: 3,
      arbitrary: fc.record({ first: fc.constant(102), count: fc.integer({ min: 194, max: 198 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        first: fc.constant(3_000),
        count: fc.integer({ min: 980, max: 1_000 }),
      }),
    },
  ),
});

/** The rules with which a gate begins. */
export const rulesOf = ({ rules, filled }: Beginning): readonly SecurityRule[] =>
  withoutClashes([
    ...rules,
    ...Array.from({ length: filled.count }, (_, index) =>
      aRule({
        name: `filling-${index}`,
        priority: filled.first + index,
        destinations: ["192.0.2.1"],
        destinationPorts: ["53"],
      }),
    ),
  ]).slice(0, 1_000);

const machine = fc.constantFrom(...machines);

const denies: fc.Arbitrary<DesiredDeny> = fc
  .record({
    at: machine,
    policyId: fc.constantFrom("policy-a", "policy-b"),
    ports: fc.uniqueArray(fc.constantFrom(...protectedPorts), { minLength: 1 }),
    takePriority: fc.constantFrom(undefined, false, true),
  })
  .map(({ at, ...rest }) => aDesiredDeny({ ...at, ...rest }));

const sources = fc.oneof(
  fc.constant(["*"]),
  fc.uniqueArray(prefixes, { minLength: 1, maxLength: 3 }).map((list) => list.toSorted()),
);

/** What one request asks for. */
const asked = fc.record({
  at: machine,
  ports: fc.uniqueArray(fc.constantFrom(...protectedPorts), { minLength: 1 }),
  protocol: fc.constantFrom("TCP", "UDP", "*"),
  sources,
  seconds: fc.integer({ min: 1, max: lastEnd }),
});

/** The same, asked for by somebody else, for as long or not, and told in another order. */
const again = fc.record({ pick: fc.nat(5), seconds: fc.integer({ min: 1, max: lastEnd }) });

const windows: fc.Arbitrary<readonly DesiredWindow[]> = fc
  .tuple(fc.array(asked, { maxLength: 5 }), fc.array(again, { maxLength: 2 }))
  .map(([first, repeats]) => [
    ...first,
    ...repeats.flatMap(({ pick, seconds }) => {
      const same = first[pick % first.length];
      return same === undefined
        ? []
        : [
            {
              ...same,
              seconds,
              sources: same.sources.toReversed(),
              ports: same.ports.toReversed(),
            },
          ];
    }),
  ])
  .map((requests) =>
    requests.flatMap(({ at, ports, protocol, sources: from, seconds }, index) =>
      ports.map((port) =>
        aDesiredWindow({
          requestId: `0d2f4c1e-90aa-4f0e-8a53-6a1f0f7c2b${10 + index}`,
          vmId: at.vmId,
          addresses: at.addresses,
          port,
          protocol,
          sources: from,
          closesAt: afterNoon(seconds),
        }),
      ),
    ),
  );

/** What policies and requests may want of a gate. */
export const intents: fc.Arbitrary<GateIntent> = fc.record({
  denies: fc.array(denies, { maxLength: 4 }),
  windows,
});

/** Something that happens to a gate. Where a number picks a rule, it is taken modulo how many there are. */
export type Event =
  | { readonly kind: "settle"; readonly intent: GateIntent; readonly at: number }
  | { readonly kind: "customer adds"; readonly rule: SecurityRule }
  | { readonly kind: "customer removes"; readonly pick: number }
  | { readonly kind: "ours edited"; readonly pick: number; readonly edit: Partial<SecurityRule> }
  | { readonly kind: "ours removed"; readonly pick: number };

/** Rules that a customer may write. */
export const customerRules = customerRule;

const pick = fc.nat(1_000);
const edit: fc.Arbitrary<Partial<SecurityRule>> = fc.oneof(
  priorities.map((priority) => ({ priority })),
  fc.constantFrom<Partial<SecurityRule>>(
    { direction: "Outbound" },
    { access: "Allow" },
    { access: "Deny" },
    { destinationPorts: ["*"] },
    { sources: ["*"] },
    { description: "edited" },
    { protocol: "Icmp" },
  ),
);

export const events: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      intent: intents,
      at: fc.integer({ min: 0, max: lastEnd }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("customer adds" as const), rule: customerRule }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("customer removes" as const), pick }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("ours edited" as const), pick, edit }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("ours removed" as const), pick }) },
);
