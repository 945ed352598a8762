import { readRanges } from "./address-range.ts";
import { type AddressSet, common, everything, includes, union } from "./effective-ranges.ts";
import type { FirewallRule } from "./firewall.ts";
import { portsInclude, portsMayMeet } from "./port-ranges.ts";
import { publicSpace, taggedDestinations } from "./service-tags.ts";

/** Traffic that a rule of ours speaks about, as the rule says it: all of it can be read. */
export type OwnTraffic = Pick<
  FirewallRule,
  "protocols" | "sources" | "destinations" | "destinationPorts"
>;

/** The IPv4 addresses of a list; `words` are its entries that are none: service tags, and what cannot be read. */
interface ReadList {
  readonly addresses: AddressSet;
  readonly words: readonly string[];
  /** Of a destination list: all that it may speak of. A list that names nobody is none that Azure lets in. */
  readonly possibly: AddressSet;
}

const known = new WeakMap<readonly string[], ReadList>();

/** The entries of a list, read once: a plan compares each rule with each other. */
function read(list: readonly string[]): ReadList {
  const before = known.get(list);
  if (before !== undefined) {
    return before;
  }
  const ranges = readRanges(list);
  const own = ranges.flatMap((range, index) =>
    list[index] === "*" ? everything[4] : range?.family === 4 ? [range.range] : [],
  );
  // NB. An IPv6 entry is no word: it speaks of no traffic through a firewall.
  const words = list.filter((text, index) => text !== "*" && ranges[index] === undefined);
  const tagged = words.flatMap(
    (word) => taggedDestinations(word, { family: 4, hasPublicSpace: false }).possibly,
  );
  const answer = {
    addresses: union(own),
    words,
    possibly: list.length === 0 ? everything[4] : union([...own, ...tagged]),
  };
  known.set(list, answer);
  return answer;
}

/** The IPv4 addresses of a list. */
export const addressesOf = (list: readonly string[]): AddressSet => read(list).addresses;

/** The IPv4 addresses of which a rule may speak as destinations: of one that is partly unknown any. */
export const possibleDestinations = (rule: FirewallRule): AddressSet =>
  rule.isPartlyUnknown === true ? everything[4] : read(rule.destinations).possibly;

/** Whether a rule may speak of a port and protocol of the traffic. */
export const mayShareTransport = (
  rule: FirewallRule,
  { destinationPorts, protocols }: Pick<OwnTraffic, "destinationPorts" | "protocols">,
): boolean =>
  portsMayMeet(rule.destinationPorts, destinationPorts) && protocolsMeet(rule.protocols, protocols);

/** Whether a rule may speak of any of the addresses as its destinations. */
export const mayHold = (rule: FirewallRule, addresses: AddressSet): boolean =>
  common(possibleDestinations(rule), addresses).length > 0;

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
  return words.length === 0 && includes(read(list).addresses, addresses);
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
  return addresses.length > 0 && includes(publicSpace[4], addresses);
}
