import { contains, isPrefix, overlaps, parsePrefix } from "./cidr.ts";
import type { SecurityRule } from "./nsg.ts";
import { portListIncludes, portListTouches } from "./ports.ts";
import { readPrefixes } from "./prefix-list.ts";

/** The part of a rule that says which traffic it speaks about. */
export type Match = Pick<
  SecurityRule,
  | "protocol"
  | "sources"
  | "sourceGroups"
  | "sourcePorts"
  | "destinations"
  | "destinationGroups"
  | "destinationPorts"
>;

/**
 * Whether two rules may speak about the same packet to a destination. Careful: what cannot be decided here (service
 * tags, application security groups) counts as touching.
 */
export function mayTouch(rule: Match, other: Match): boolean {
  const ports = other.destinationPorts.map(Number);
  return (
    protocolsMeet(rule.protocol, other.protocol) &&
    portListTouches(rule.destinationPorts, ports) &&
    prefixesMayMeet(rule.destinations, rule.destinationGroups, other.destinations)
  );
}

function protocolsMeet(left: string, right: string): boolean {
  return left === "*" || right === "*" || left.toLowerCase() === right.toLowerCase();
}

function prefixesMayMeet(
  list: readonly string[],
  groups: readonly string[],
  destinations: readonly string[],
): boolean {
  if (groups.length > 0 || list.includes("*")) {
    return true;
  }
  const others = readPrefixes(destinations).filter(isPrefix);
  return readPrefixes(list).some(
    (prefix) => !isPrefix(prefix) || others.some((other) => overlaps(prefix, other)),
  );
}

/**
 * Whether `deny` certainly takes all traffic of at least one port and one source of `allow` when it is read first.
 * Certain only: a service tag other than `Internet` or a group is not held against the request.
 *
 * NB. Of the deny rule alone. Where a customer's allow rule before it lets the traffic through, the request is refused all the
 * same, by choice: that rule may speak about part of the traffic only, and a port that is open to the customer's rule does not
 * close with our window. The refusal names the deny rule, so that its owner can decide.
 */
export function certainlyBlocks(deny: Match, allow: Match): boolean {
  if (
    deny.sourceGroups.length > 0 ||
    deny.destinationGroups.length > 0 ||
    !deny.sourcePorts.some((ports) => ports === "*" || ports === "0-65535")
  ) {
    return false;
  }
  // Every address of a VM lies in its virtual network.
  const isForAll = deny.destinations.some((entry) => entry.toLowerCase() === "virtualnetwork");
  return (
    (deny.protocol === "*" || deny.protocol.toLowerCase() === allow.protocol.toLowerCase()) &&
    allow.destinationPorts.some((port) => portListIncludes(deny.destinationPorts, Number(port))) &&
    (isForAll || allow.destinations.every((address) => covers(deny.destinations, address))) &&
    allow.sources.some((source) =>
      covers(deny.sources, source === "*" ? everything(allow.destinations) : source),
    )
  );
}

/** What `*` means as the source of traffic to these destinations: traffic does not change its address family. */
function everything(destinations: readonly string[]): string {
  const [first] = readPrefixes(destinations).filter(isPrefix);
  return first === undefined ? "*" : { 4: "0.0.0.0/0", 6: "::/0" }[first.family];
}

/** Whether one entry of the list covers the prefix. */
function covers(list: readonly string[], text: string): boolean {
  if (list.includes("*")) {
    return true;
  }
  const inner = parsePrefix(text);
  if (!isPrefix(inner)) {
    return false;
  }
  return (
    readPrefixes(list).some((outer) => isPrefix(outer) && contains(outer, inner)) ||
    (list.some((entry) => entry.toLowerCase() === "internet") && !isPrivate(text))
  );
}

/** Address space that Azure's `Internet` tag leaves out, as far as it can be known without the virtual network. */
const privateSpace = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "168.63.129.16",
  "fc00::/7",
  "fe80::/10",
]
  .map(parsePrefix)
  .filter(isPrefix);

function isPrivate(text: string): boolean {
  const prefix = parsePrefix(text);
  return !isPrefix(prefix) || privateSpace.some((space) => overlaps(space, prefix));
}
