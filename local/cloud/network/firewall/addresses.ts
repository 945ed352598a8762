import { isIPv4 } from "node:net";
import { prefixKind } from "../prefixes.ts";

/** What firewall rules and IP groups take for an address: one, a network or a range from low to high, all IPv4. */
export function isAddressOrRange(text: string): boolean {
  const [first = "", last, ...more] = text.split("-");
  if (last === undefined) return prefixKind(text) === "ipv4";
  return more.length === 0 && isIPv4(first) && isIPv4(last) && numberOf(first) <= numberOf(last);
}

export function isAny(text: string): boolean {
  return text === "*";
}

/** Only destinations of network rules may be service tags. */
export function isTag(text: string): boolean {
  return prefixKind(text) === "tag";
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** The first address a subnet of this prefix gives out: Azure keeps the first four for itself. */
export function firstUsableAddress(prefix: string): string {
  const first = numberOf(prefix.split("/")[0] ?? "") + 4;
  return [24, 16, 8, 0].map((bits) => Math.floor(first / 2 ** bits) % 256).join(".");
}
