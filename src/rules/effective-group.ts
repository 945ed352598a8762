import { type ReadRange, readRanges } from "./address-range.ts";
import { holds, union } from "./effective-ranges.ts";
import type { NetworkSecurityGroup, SecurityRule } from "./nsg.ts";
import {
  anywhere,
  neighbours,
  perhapsAnywhere,
  type Reach,
  type Surroundings,
  taggedDestinations,
  taggedSources,
  together,
} from "./service-tags.ts";

/** The protocols that have ports: all that "any protocol" means for traffic to a port. */
export type Transport = "TCP" | "UDP";

/** Whether a rule speaks about a packet; `maybe` where the group alone cannot tell. */
export type Certainty = "yes" | "maybe" | "no";

/** What a rule says about inbound traffic, on a gate of either kind. */
export interface Statement
  extends Pick<
    SecurityRule,
    | "name"
    | "access"
    | "sources"
    | "sourceGroups"
    | "sourcePorts"
    | "destinations"
    | "destinationGroups"
    | "destinationPorts"
  > {
  /** As Azure writes them; `*` is any. */
  readonly protocols: readonly string[];
}

/** An inbound rule, read for evaluation. */
export interface ReadRule {
  readonly name: string;
  readonly access: SecurityRule["access"];
  readonly transports: Readonly<Record<Transport, Certainty>>;
  readonly ports: PortSet;
  /** `maybe` where the rule is for some source ports only: nobody says from which one a client will come. */
  readonly anySourcePort: Certainty;
  readonly destinations: Reach;
  readonly sources: Reach;
}

/** A group's inbound rules in the order in which they are read, Azure's default rules last. Read once, asked often. */
export type ReadGroup = (surroundings: Surroundings) => readonly ReadRule[];

interface PortSet {
  readonly ranges: readonly (readonly [number, number])[];
  readonly isUnreadable: boolean;
}

const defaultRule = (
  name: string,
  priority: number,
  access: SecurityRule["access"],
  source: string,
  destination: string,
): SecurityRule => ({
  name,
  priority,
  direction: "Inbound",
  access,
  protocol: "*",
  sources: [source],
  sourceGroups: [],
  sourcePorts: ["*"],
  destinations: [destination],
  destinationGroups: [],
  destinationPorts: ["*"],
  description: "",
});

/** The inbound rules that every group ends with. */
const defaultRules = [
  defaultRule("AllowVnetInBound", 65_000, "Allow", "VirtualNetwork", "VirtualNetwork"),
  defaultRule("AllowAzureLoadBalancerInBound", 65_001, "Allow", "AzureLoadBalancer", "*"),
  defaultRule("DenyAllInBound", 65_500, "Deny", "*", "*"),
];

/** Reads a group for evaluation. */
export function readGroup(group: NetworkSecurityGroup): ReadGroup {
  const rules = [...group.rules, ...defaultRules]
    .filter((rule) => rule.direction === "Inbound")
    .toSorted((left, right) => left.priority - right.priority);
  return readStatements(rules.map((rule) => ({ ...rule, protocols: [rule.protocol] })));
}

/** Reads statements for evaluation, in the order in which Azure reads them: their addresses and ports are parsed here, once. */
export function readStatements(statements: readonly Statement[]): ReadGroup {
  const rules = statements.map(readRule);
  return viewed((surroundings) =>
    rules
      .map((rule) => rule(surroundings))
      .filter((rule) => rule.destinations.possibly.length > 0 && rule.sources.possibly.length > 0),
  );
}

/** A group with the rules of another one read after its own. */
export const followedBy = (group: ReadGroup, other: ReadGroup): ReadGroup =>
  viewed((surroundings) => [...group(surroundings), ...other(surroundings)]);

/** Looks at each of the few surroundings that there are once, when it is asked for: most are not. */
function viewed(look: ReadGroup): ReadGroup {
  const views = new Map<string, readonly ReadRule[]>();
  return ({ family, hasPublicSpace }) => {
    const key = `${family} ${hasPublicSpace}`;
    const view = views.get(key) ?? look({ family, hasPublicSpace });
    views.set(key, view);
    return view;
  };
}

function readRule(rule: Statement): (surroundings: Surroundings) => ReadRule {
  const ports = readPorts(rule.destinationPorts);
  const sourcesIn = readEnd(rule.sources, rule.sourceGroups, taggedSources, neighbours);
  const destinationsIn = readEnd(
    rule.destinations,
    rule.destinationGroups,
    taggedDestinations,
    perhapsAnywhere,
  );
  const transports = {
    TCP: protocolsSpeak(rule.protocols, "TCP"),
    UDP: protocolsSpeak(rule.protocols, "UDP"),
  };
  const anySourcePort = coversAllPorts(readPorts(rule.sourcePorts)) ? "yes" : "maybe";
  return (surroundings) => ({
    name: rule.name,
    access: rule.access,
    transports,
    ports,
    anySourcePort,
    sources: sourcesIn(surroundings),
    destinations: destinationsIn(surroundings),
  });
}

/** Reads one end of a rule, its list of prefixes and tags or its application security groups. */
function readEnd(
  entries: readonly string[],
  groups: readonly string[],
  tagged: (tag: string, surroundings: Surroundings) => Reach,
  grouped: (surroundings: Surroundings) => Reach,
): (surroundings: Surroundings) => Reach {
  const isAny = entries.includes("*");
  const read = readRanges(entries);
  const found = read.filter((range) => range !== undefined);
  const ranges = { 4: rangesOf(found, 4), 6: rangesOf(found, 6) };
  const words = entries.filter((text, index) => text !== "*" && read[index] === undefined);
  // A rule that names nobody is none that Azure lets in: nothing is built on it.
  const isEmpty = entries.length === 0 && groups.length === 0;
  return (surroundings) => {
    const own = ranges[surroundings.family];
    const others = [
      ...(isAny ? [anywhere(surroundings)] : []),
      ...words.map((word) => tagged(word, surroundings)),
      ...(groups.length > 0 ? [grouped(surroundings)] : []),
      ...(isEmpty ? [perhapsAnywhere(surroundings)] : []),
    ];
    return together([{ certainly: own, possibly: own }, ...others]);
  };
}

const rangesOf = (found: readonly ReadRange[], family: 4 | 6) =>
  union(found.filter((each) => each.family === family).map(({ range }) => range));

/** A rule that names no protocol is none that Azure lets in. */
function protocolsSpeak(protocols: readonly string[], transport: Transport): Certainty {
  const each = protocols.map((protocol) => protocolSpeaks(protocol, transport));
  return each.includes("yes")
    ? "yes"
    : each.length === 0 || each.includes("maybe")
      ? "maybe"
      : "no";
}

/** Protocols without ports never carry traffic to one; a name we do not know might. */
function protocolSpeaks(protocol: string, transport: Transport): Certainty {
  const name = protocol.toUpperCase();
  if (name === "*" || name === transport) {
    return "yes";
  }
  return ["TCP", "UDP", "ICMP", "ICMPV6", "ESP", "AH"].includes(name) ? "no" : "maybe";
}

function readPorts(list: readonly string[]): PortSet {
  const read = list.map((entry) => {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(
      entry === "*" ? "0-65535" : entry,
    ) ?? [undefined, undefined];
    return first === undefined ? undefined : ([Number(first), Number(last)] as const);
  });
  const ranges = read.filter((range) => range !== undefined);
  return { ranges, isUnreadable: ranges.length < read.length || read.length === 0 };
}

function coversAllPorts({ ranges }: PortSet): boolean {
  const next = ranges
    .toSorted(([left], [right]) => left - right)
    .reduce((free, [first, last]) => (first > free ? free : Math.max(free, last + 1)), 0);
  return next > 65_535;
}

/** Whether the rule speaks about packets to a port of an address, leaving aside who sends them. */
export function speaksTo(
  rule: ReadRule,
  transport: Transport,
  port: number,
  destination: bigint,
): Certainty {
  const portIs = portIn(rule.ports, port);
  const transportIs = rule.transports[transport];
  // The cheap questions first: most rules of a large group are for other ports.
  if (portIs === "no" || transportIs === "no" || !holds(rule.destinations.possibly, destination)) {
    return "no";
  }
  return portIs === "yes" &&
    transportIs === "yes" &&
    rule.anySourcePort === "yes" &&
    holds(rule.destinations.certainly, destination)
    ? "yes"
    : "maybe";
}

/** Whether a port is one of those. */
export function portIn({ ranges, isUnreadable }: PortSet, port: number): Certainty {
  if (ranges.some(([first, last]) => first <= port && port <= last)) {
    return "yes";
  }
  return isUnreadable ? "maybe" : "no";
}
