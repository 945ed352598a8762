import { BlockList, isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** Whether one of the prefixes (`10.0.0.0/16`, or an address alone) holds the address; anything else among them holds none. */
export function isInside(prefixes: readonly string[], address: string): boolean {
  const version = isIP(address);
  const list = new BlockList();
  for (const prefix of prefixes) {
    const [network = "", length = widthOf(version), ...more] = prefix.split("/");
    const bits = Number(length);
    if (isIP(network) !== version || more.length > 0 || !(bits <= widthOf(version))) continue;
    list.addSubnet(network, bits, familyOf(version));
  }
  return list.check(address, familyOf(version));
}

/** Whether a range as Azure Firewall writes it (`10.0.0.4-10.0.0.9`, ends included) holds the address. */
export function isBetween(range: string, address: string): boolean {
  const [first = "", last = "", ...more] = range.split("-");
  const version = isIP(address);
  if (more.length > 0 || isIP(first) !== version || isIP(last) !== version) return false;
  const at = sortable(address);
  return sortable(first) <= at && at <= sortable(last);
}

/** `*`, one port, or a range of ports. */
export function isWithin(range: string, port: number): boolean {
  if (range === "*") return true;
  const [first, last = first] = range.split("-").map(Number);
  return Number(first) <= port && port <= Number(last);
}

/** Equally long for all addresses of a version, so that texts compare as addresses do. */
function sortable(address: string): string {
  return Buffer.from(ipaddr.parse(address).toByteArray()).toString("hex");
}

function widthOf(version: number): number {
  return version === 6 ? 128 : 32;
}

function familyOf(version: number): "ipv4" | "ipv6" {
  return version === 6 ? "ipv6" : "ipv4";
}
