import { contains, isPrefix, parsePrefix } from "../rules/cidr.ts";
import type { Connection, Window } from "./request.ts";

/** An address of a VM that a gate guards, and the public one that leads to it. */
export interface Reachable {
  readonly address: string;
  readonly family: 4 | 6;
  readonly publicAddress?: string | undefined;
}

/** Where people come from who are on the same network, or on one connected with it (RFC 1918, 6598 and 4193). */
const privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]
  .map(parsePrefix)
  .filter(isPrefix);

/**
 * Where to connect to while a window is open: from private sources to the VM's own address, from others to where the firewall in
 * front of it lets them in, else to the public address that leads to it, where there is one; of the family of the sources.
 */
export function connectionOf(
  { sources, port, entrance }: Pick<Window, "sources" | "port" | "entrance">,
  addresses: readonly Reachable[],
): Connection | undefined {
  const read = sources.map(parsePrefix).filter(isPrefix);
  const families = new Set(read.map(({ family }) => family));
  const meant = addresses.filter(({ family }) => families.size === 0 || families.has(family));
  const isInside =
    read.length > 0 &&
    read.every((source) => privateRanges.some((range) => contains(range, source)));
  // NB. Where the VM has a public address besides, its answers leave by the firewall, and would not be known by who asked.
  if (entrance !== undefined && !isInside && (families.size === 0 || families.has(4))) {
    return { address: entrance.address, port: entrance.port };
  }
  const published = isInside ? [] : meant.flatMap(({ publicAddress }) => publicAddress ?? []);
  const [address] = [...published, ...meant.map((one) => one.address)];
  return address === undefined ? undefined : { address, port };
}
