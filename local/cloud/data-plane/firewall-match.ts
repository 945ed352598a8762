import { isBetween, isInside, isWithin } from "./address-ranges.ts";
import { type FirewallRule, textsOf } from "./firewall-rules.ts";
import type { InForce } from "./in-force.ts";

/** The first packet of a TCP connection as the rule finds it: a DNAT rule before its address is translated, a network rule after. */
export interface FirewallPacket {
  readonly source: string;
  readonly destination: string;
  readonly port: number;
}

/** NB. Tags and FQDNs are unknown here: a rule that has nothing else is taken to speak of nobody. */
export function speaksAbout(inForce: InForce, rule: FirewallRule, packet: FirewallPacket): boolean {
  return (
    speaksOfDestination(inForce, rule, packet) && isAmong(inForce, rule, "source", packet.source)
  );
}

/** The same, for whatever source. */
export function speaksOfDestination(
  inForce: InForce,
  rule: FirewallRule,
  { destination, port }: Pick<FirewallPacket, "destination" | "port">,
): boolean {
  const { members } = rule;
  const protocols = textsOf(members["protocols"] ?? members["ipProtocols"]);
  return (
    protocols.some((protocol) => /^(tcp|any)$/i.test(protocol)) &&
    textsOf(members["destinationPorts"]).some((range) => isWithin(range, port)) &&
    isAmong(inForce, rule, "destination", destination)
  );
}

function isAmong(
  inForce: InForce,
  { members }: FirewallRule,
  side: "source" | "destination",
  address: string,
): boolean {
  const grouped = textsOf(members[`${side}IpGroups`]).flatMap((id) =>
    textsOf(inForce.get(id)?.properties["ipAddresses"]),
  );
  return [...textsOf(members[`${side}Addresses`]), ...grouped].some(
    (text) => text === "*" || isInside([text], address) || isBetween(text, address),
  );
}
