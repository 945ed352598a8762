import ipaddr from "ipaddr.js";
import { idKey } from "../arm-id.ts";
import { type Child, childrenOf } from "../network/references.ts";
import { isInside, isWithin } from "./address-ranges.ts";

/** The first packet of a TCP connection, as an NSG sees it: addresses after the public IP's translation. */
export interface Packet {
  readonly source: End;
  readonly destination: End;
  /** Address prefixes of the destination's virtual network and of those that are peered with it. */
  readonly virtualNetwork: readonly string[];
  /** Prefixes that the subnet's own routes send to an appliance: for the tag VirtualNetwork they count as well. */
  readonly routedToAppliances?: readonly string[];
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

/**
 * NB. Of the service tags only three are known here; a rule with another one is taken to speak of nobody. VirtualNetwork
 * means more than it says (learn.microsoft.com, service-tags-overview): behind a default route to a firewall it is
 * everybody, and AllowVnetInBound keeps nobody out.
 */
function covers(prefix: string, address: string, packet: Packet): boolean {
  const { virtualNetwork, routedToAppliances = [] } = packet;
  switch (prefix.toLowerCase()) {
    case "*":
      return true;
    case "virtualnetwork":
      return isInside([...virtualNetwork, ...routedToAppliances], address);
    case "internet":
      return !isInside(virtualNetwork, address) && !notPublic.has(ipaddr.parse(address).range());
    case "azureloadbalancer":
      return address === loadBalancerProbe;
    default:
      return isInside([prefix], address);
  }
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
