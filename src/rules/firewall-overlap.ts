import { readRange } from "./address-range.ts";
import { type AddressSet, common, everything, union, without } from "./effective-ranges.ts";
import type { FirewallRule } from "./firewall.ts";
import { portsInclude, portsMayMeet } from "./port-ranges.ts";
import { publicSpace, taggedDestinations } from "./service-tags.ts";

/** Traffic that a rule of ours speaks about, as the rule says it: all of it can be read. */
export type OwnTraffic = Pick<
  FirewallRule,
  "protocols" | "sources" | "destinations" | "destinationPorts"
>;

/** The IPv4 addresses of a list, and the entries that are none: service tags, and what cannot be read. */
interface ReadList {
  readonly addresses: AddressSet;
  readonly words: readonly string[];
}

const known = new WeakMap<readonly string[], ReadList>();

/** The entries of a list, read once: a plan compares each rule with each other. */
function read(list: readonly string[]): ReadList {
  const before = known.get(list);
  if (before !== undefined) {
    return before;
  }
  const entries = list.map((text) => ({
    text,
    ranges: text === "*" ? everything[4] : ranges(text),
  }));
  const answer = {
    addresses: union(entries.flatMap((entry) => entry.ranges ?? [])),
    words: entries.filter((entry) => entry.ranges === undefined).map((entry) => entry.text),
  };
  known.set(list, answer);
  return answer;
}

/** NB. An IPv6 entry is no word: it speaks of no traffic through a firewall. */
function ranges(text: string): AddressSet | undefined {
  const found = readRange(text);
  return found === undefined ? undefined : found.family === 4 ? [found.range] : [];
}

/**
 * Whether a network rule may speak about a packet of the traffic, whoever sends it. Careful: what cannot be read counts as
 * touching; a service tag does where it may speak of the addresses.
 */
export function mayTouch(rule: FirewallRule, traffic: OwnTraffic): boolean {
  return (
    portsMayMeet(rule.destinationPorts, traffic.destinationPorts) &&
    protocolsMeet(rule.protocols, traffic.protocols) &&
    (rule.isPartlyUnknown === true ||
      mayHold(rule.destinations, read(traffic.destinations).addresses))
  );
}

/** Whether the list may speak of any of the addresses. A list that names nobody is none that Azure lets in. */
export function mayHold(list: readonly string[], addresses: AddressSet): boolean {
  const { addresses: own, words } = read(list);
  const meets = (set: AddressSet) => common(set, addresses).length > 0;
  return (
    list.length === 0 ||
    meets(own) ||
    words.some((word) =>
      meets(taggedDestinations(word, { family: 4, hasPublicSpace: false }).possibly),
    )
  );
}

/**
 * Whether `rule` certainly speaks about all packets that one source of the traffic sends. Certain only: service tags and what
 * cannot be read are not held against anybody.
 */
export function certainlyTakes(rule: FirewallRule, traffic: OwnTraffic): boolean {
  return (
    traffic.sources.some((source) => coversAll(rule.sources, [source])) &&
    speaksCertainly(rule, traffic)
  );
}

/** Whether `rule` certainly speaks about all of the traffic's packets but for who sends them. */
function speaksCertainly(rule: FirewallRule, traffic: OwnTraffic): boolean {
  return (
    protocolsCover(rule.protocols, traffic.protocols) &&
    traffic.destinationPorts.every((port) => portsInclude(rule.destinationPorts, Number(port))) &&
    coversAll(rule.destinations, traffic.destinations)
  );
}

/** Whether a list certainly speaks of all IPv4 addresses of another one. */
export function coversAll(list: readonly string[], others: readonly string[]): boolean {
  const { addresses, words } = read(others);
  return words.length === 0 && without(addresses, read(list).addresses).length === 0;
}

/** The protocols with ports of which a rule speaks. */
export function transportsOf(protocols: readonly string[]): readonly ("TCP" | "UDP")[] {
  const names = protocols.map((protocol) => protocol.toUpperCase());
  return (["TCP", "UDP"] as const).filter(
    (name) => names.length === 0 || names.some((each) => each === name || isAny(each)),
  );
}

/** NB. A name that we do not know may speak of any: nobody is told that it does not. */
const isAny = (name: string): boolean => !["TCP", "UDP", "ICMP"].includes(name);

const protocolsMeet = (left: readonly string[], right: readonly string[]): boolean =>
  transportsOf(left).some((name) => transportsOf(right).includes(name));

export const protocolsCover = (outer: readonly string[], inner: readonly string[]): boolean =>
  transportsOf(inner).every((name) =>
    outer.some((each) => [name, "ANY", "*"].includes(each.toUpperCase())),
  );

/** Whether some of the IPv4 addresses of a list are clearly public: only from outside do people need a public address to connect to. */
export const hasPublic = (list: readonly string[]): boolean =>
  common(read(list).addresses, publicSpace[4]).length > 0;

/** Whether an entry speaks of clearly public IPv4 addresses and of nothing else. */
export function isPublic(entry: string): boolean {
  const { addresses } = read([entry]);
  return addresses.length > 0 && without(addresses, publicSpace[4]).length === 0;
}
