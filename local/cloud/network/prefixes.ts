import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { isServiceTag } from "./service-tags.ts";

/** What an address prefix of a rule is; "invalid" covers bad addresses, bad lengths and host bits that are set. */
export type PrefixKind = "any" | "tag" | "ipv4" | "ipv6" | "invalid";

export function prefixKind(text: string): PrefixKind {
  if (text === "*") return "any";
  if (isServiceTag(text)) return "tag";
  const [address = "", length, ...more] = text.split("/");
  const family = address.includes("%") ? 0 : isIP(address);
  if (family === 0 || more.length > 0) return "invalid";
  if (length !== undefined && !isNetwork(address, length)) return "invalid";
  return family === 4 ? "ipv4" : "ipv6";
}

/** Azure refuses 20.20.20.20/16: the bits behind the length must be zero. */
function isNetwork(address: string, length: string): boolean {
  const bytes = ipaddr.parse(address).toByteArray();
  const bits = Number(length);
  if (!/^\d{1,3}$/.test(length) || bits > bytes.length * 8) return false;
  return bytes.every((byte, index) => {
    const networkBits = Math.min(8, Math.max(0, bits - index * 8));
    return (byte & (0xff >> networkBits)) === 0;
  });
}

/** `*`, one port, or a range with its ends in order, 0 to 65535. */
export function isPortRange(text: string): boolean {
  if (text === "*") return true;
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return false;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last && last <= 65_535;
}
