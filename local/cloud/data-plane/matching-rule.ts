import { BlockList, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";
import { idKey } from "../arm-id.ts";
import { type Child, childrenOf } from "../network/references.ts";

/** The first packet of a TCP connection, as an NSG sees it: addresses after the public IP's translation. */
export interface Packet {
  readonly source: End;
  readonly destination: End;
  /** Address prefixes of the destination's virtual network. */
  readonly virtualNetwork: readonly string[];
}

interface End {
  readonly address: string;
  readonly port: number;
  /** Keys of the application security groups it belongs to. */
  readonly groups: readonly string[];
}

/** The virtual address from which Azure's load balancer probes. */
const loadBalancerProbe = "168.63.129.16";

/** Ranges that the Internet does not carry; documentation addresses count as public, sample estates are made of them. */
const notPublic = new Set(["private", "uniqueLocal", "loopback", "linkLocal", "carrierGradeNat"]);

/** The inbound rule that decides: of those that speak about the packet, the one with the lowest priority number. */
export function matchingRule(rules: readonly Child[], packet: Packet): Child | undefined {
  return rules
    .filter(({ properties }) => properties["direction"] === "Inbound")
    .toSorted((left, right) => priorityOf(left) - priorityOf(right))
    .find((rule) => speaksAbout(rule, packet));
}

function speaksAbout(rule: Child, packet: Packet): boolean {
  const protocol = String(rule.properties["protocol"]).toLowerCase();
  return (
    (protocol === "*" || protocol === "tcp") &&
    coversEnd(rule, "source", packet.source, packet) &&
    coversEnd(rule, "destination", packet.destination, packet)
  );
}

function coversEnd(rule: Child, side: "source" | "destination", end: End, packet: Packet): boolean {
  return (
    textsOf(rule, `${side}PortRange`, `${side}PortRanges`).some((range) =>
      isWithin(range, end.port),
    ) &&
    (textsOf(rule, `${side}AddressPrefix`, `${side}AddressPrefixes`).some((prefix) =>
      covers(prefix, end.address, packet),
    ) ||
      childrenOf(rule, `${side}ApplicationSecurityGroups`).some((group) =>
        end.groups.includes(idKey(String(group["id"]))),
      ))
  );
}

/** NB. Of the service tags only three are known here; a rule with another one is taken to speak of nobody. */
function covers(prefix: string, address: string, { virtualNetwork }: Packet): boolean {
  switch (prefix.toLowerCase()) {
    case "*":
      return true;
    case "virtualnetwork":
      return isInside(virtualNetwork, address);
    case "internet":
      return !isInside(virtualNetwork, address) && !notPublic.has(ipaddr.parse(address).range());
    case "azureloadbalancer":
      return address === loadBalancerProbe;
    default:
      return isInside([prefix], address);
  }
}

function isInside(prefixes: readonly string[], address: string): boolean {
  const version = isIPv6(address) ? "ipv6" : "ipv4";
  const list = new BlockList();
  for (const prefix of prefixes) {
    const match = /^([\d.]+|[\da-f:.]*:[\da-f:.]*)(?:\/(\d+))?$/i.exec(prefix);
    const [, network = "", length] = match ?? [];
    if (match === null || isIPv6(network) !== (version === "ipv6")) continue;
    list.addSubnet(network, Number(length ?? (version === "ipv6" ? 128 : 32)), version);
  }
  return list.check(address, version);
}

function isWithin(range: string, port: number): boolean {
  if (range === "*") return true;
  const [first, last = first] = range.split("-").map(Number);
  return Number(first) <= port && port <= Number(last);
}

function textsOf({ properties }: Child, single: string, plural: string): readonly string[] {
  const many = properties[plural];
  return [properties[single], ...(Array.isArray(many) ? many : [])].filter(
    (text): text is string => typeof text === "string" && text !== "",
  );
}

function priorityOf({ properties }: Child): number {
  return Number(properties["priority"]);
}
