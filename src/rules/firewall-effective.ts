import { isPrefix, parsePrefix } from "./cidr.ts";
import {
  type Access,
  accessOf,
  asQuestion,
  both,
  either,
  noPackets,
  type Traffic,
} from "./effective.ts";
import { followedBy, type ReadGroup, readStatements, type Statement } from "./effective-group.ts";
import { type Answer, ask, maySpeak, type Question, rulesFor } from "./effective-walk.ts";
import { type Firewall, type FirewallRule, fullName } from "./firewall.ts";
import { inOrder } from "./firewall-order.ts";

/**
 * What becomes of traffic that a DNAT rule has led on; sources disagree. `dnat ends`: nothing further is read. `deny wins`: it
 * is allowed unless a network rule that is read first denies it.
 */
export const dnatReadings = ["dnat ends", "deny wins"] as const;
export type DnatReading = (typeof dnatReadings)[number];

/** Where a DNAT rule leads. */
export interface Destination {
  readonly address: string;
  readonly port: number;
}

/** What a firewall makes of traffic. */
export interface FirewallAccess {
  readonly access: Access;
  /** The rules that decide some of the traffic, or leave it uncertain, by {@link fullName}: DNAT rules first. */
  readonly rules: readonly string[];
  /** Where DNAT rules lead some of the traffic, or may. Of a rule that leads to a host name nothing is told. */
  readonly leadsTo: readonly Destination[];
}

/** A firewall's rules, read once, asked often. */
export interface ReadFirewall {
  readonly leads: readonly Lead[];
  /** Network rules; what none of them speaks about is denied, or is allowed as it is by a DNAT rule. */
  readonly network: Readonly<Record<"deny" | "allow", ReadGroup>>;
  readonly publicAddresses: readonly string[];
}

/** A DNAT rule, and where it leads; nothing where that cannot be read. */
interface Lead {
  readonly read: ReadGroup;
  readonly to: Destination | undefined;
}

/** Reads a firewall's rules for evaluation. */
export function readFirewall({ rules, publicAddresses }: Firewall): ReadFirewall {
  const ofKind = (kind: FirewallRule["kind"]) =>
    rules.filter((rule) => rule.kind === kind).toSorted(inOrder);
  const network = readStatements(ofKind("network").map(statementOf));
  return {
    leads: ofKind("dnat").map((rule) => ({
      read: readStatements([statementOf(rule)]),
      to: destinationOf(rule),
    })),
    network: {
      deny: followedBy(network, ends.Deny),
      allow: followedBy(network, ends.Allow),
    },
    publicAddresses,
  };
}

/**
 * What a firewall makes of traffic to one of its public addresses, or to a private address behind it. Written apart from the
 * planner, so that the two can judge each other. Never says `denied` of what might get through, nor `allowed` of what might not.
 */
export function accessThroughFirewall(
  firewall: ReadFirewall,
  traffic: Traffic & { readonly destination: string },
  reading: DnatReading,
): FirewallAccess {
  const question = asQuestion(traffic.destination, traffic);
  if (question === undefined) {
    return { access: "unknown", rules: [], leadsTo: [] };
  }
  const paths = pathsOf(firewall, question, traffic.destination, reading);
  const verdict = paths.reduce(
    ({ allowed, denied }, { taken, after }) => ({
      allowed: either(allowed, both(taken.allowed, after.allowed)),
      denied: both(denied, either(taken.denied, after.denied)),
    }),
    { allowed: noPackets, denied: question.packets },
  );
  const possible = paths.filter(({ taken }) => accessOf(question.packets, taken) !== "denied");
  const names = [
    ...possible.flatMap(({ taken }) => taken.rules),
    ...possible.flatMap(({ after }) => after.rules),
  ];
  return {
    access: accessOf(question.packets, verdict),
    rules: [...new Set(names)].filter((name) => name !== noRule),
    leadsTo: possible.flatMap(({ to }) => to ?? []),
  };
}

/** A way that packets may take: which of them take it for certain, and which for certain do not; and what becomes of those. */
interface Path {
  readonly to: Destination | undefined;
  readonly taken: Answer;
  readonly after: Answer;
}

/** One path for each place that DNAT rules lead to, and one past all of them. */
function pathsOf(
  firewall: ReadFirewall,
  question: Question,
  destination: string,
  reading: DnatReading,
): readonly Path[] {
  const { packets } = question;
  const leads = firewall.leads.filter(({ read }) =>
    rulesFor(read, question).some((rule) => maySpeak(rule, question)),
  );
  const byPlace = Map.groupBy(leads, ({ to }) => JSON.stringify(to ?? "unreadable"));
  const led = [...byPlace.values()].map((same): Path => {
    const to = same[0]?.to;
    const taken = ask(choosing(leads, same), question);
    return { to, taken, after: afterDnat(firewall, question, to, reading) };
  });
  const isOwnAddress = firewall.publicAddresses.includes(destination);
  const past = {
    to: undefined,
    taken: ask(choosing(leads, []), question),
    // Nothing listens on a firewall's own public address.
    after: isOwnAddress
      ? { allowed: noPackets, denied: packets, rules: [] }
      : ask(firewall.network.deny, question),
  };
  return [...led, past];
}

/** The DNAT rules as a group that allows what takes one of `chosen`; for no chosen ones, what takes none at all. */
function choosing(leads: readonly Lead[], chosen: readonly Lead[]): ReadGroup {
  const rest = ends[chosen.length === 0 ? "Allow" : "Deny"];
  return (surroundings) => [
    ...leads.flatMap((lead) =>
      lead.read(surroundings).map((rule) => ({
        ...rule,
        access: chosen.includes(lead) ? ("Allow" as const) : ("Deny" as const),
      })),
    ),
    ...rest(surroundings),
  ];
}

function afterDnat(
  firewall: ReadFirewall,
  question: Question,
  to: Destination | undefined,
  reading: DnatReading,
): Answer {
  const { packets } = question;
  if (reading === "dnat ends") {
    return { allowed: packets, denied: noPackets, rules: [] };
  }
  const address = to === undefined ? undefined : parsePrefix(to.address);
  if (to === undefined || address === undefined || !isPrefix(address) || address.family !== 4) {
    return { allowed: noPackets, denied: noPackets, rules: [] };
  }
  return ask(firewall.network.allow, { ...question, destination: address.bits, port: to.port });
}

function destinationOf({
  translatedAddress,
  translatedPort,
}: FirewallRule): Destination | undefined {
  const port = Number(translatedPort);
  return translatedAddress === undefined || !Number.isInteger(port)
    ? undefined
    : { address: translatedAddress, port };
}

/** Stands for what happens to traffic that no rule speaks about. No rule of Azure's is without a name. */
const noRule = "";

/** What cannot be read of a rule may be any address. */
const unreadable = "?";

function statementOf(rule: FirewallRule): Statement {
  // The very same list where nothing is added: it is read once.
  const ends = (list: readonly string[]) =>
    rule.isPartlyUnknown === true ? [...list, unreadable] : list;
  return {
    ...rule,
    name: fullName(rule),
    protocols: rule.protocols.map((name) => (name.toLowerCase() === "any" ? "*" : name)),
    sources: ends(rule.sources),
    destinations: ends(rule.destinations),
    sourceGroups: [],
    destinationGroups: [],
    sourcePorts: ["*"],
  };
}

const otherwise = (access: FirewallRule["access"]): Statement => ({
  name: noRule,
  access,
  protocols: ["*"],
  sources: ["*"],
  sourceGroups: [],
  sourcePorts: ["*"],
  destinations: ["*"],
  destinationGroups: [],
  destinationPorts: ["*"],
});

/** What becomes of what no rule speaks about. */
const ends = {
  Allow: readStatements([otherwise("Allow")]),
  Deny: readStatements([otherwise("Deny")]),
};
