import ipaddr from "ipaddr.js";
import { z } from "zod";
import { quote } from "../reasons.ts";
import { remembered } from "../remembered.ts";

/** An address prefix as numbers: `bits` is the network's address, `length` its prefix length, 32 or 128 for one address. */
export interface Prefix {
  readonly family: 4 | 6;
  readonly bits: bigint;
  readonly length: number;
  /** Canonical text; a single address is written without its length, as Azure writes it. */
  readonly text: string;
}

/** What was wrong with a prefix, in words that tell the next step. */
export interface PrefixFault {
  readonly fault: string;
}

// NB. ipaddr.js alone is too lenient: it reads 010.0.0.1 as 8.0.0.1 and 10.1 as 10.0.0.1. Zod's forms are the gate.
const ipv4 = z.ipv4();
const ipv6 = z.ipv6();

/** Nothing that is well-formed is longer; anything may be sent. */
const longestText = 64;

/** So many prefixes are remembered as they were read: plans and judges read the same addresses again and again. */
const mostRemembered = 4_000;
const read = remembered<Prefix>(mostRemembered);

/** Reads one IPv4 or IPv6 address or CIDR range strictly; host bits, short forms and IPv4 inside IPv6 are faults. */
export function parsePrefix(text: string): Prefix | PrefixFault {
  const known = read.get(text);
  if (known !== undefined) {
    return known;
  }
  const prefix = readText(text);
  // NB. Under its own text, never under the one given: that may be a piece of something long, all of which would stay in memory with it.
  if (isPrefix(prefix) && prefix.text === text) {
    read.set(prefix.text, prefix);
  }
  return prefix;
}

function readText(text: string): Prefix | PrefixFault {
  if (text.length > longestText) {
    return { fault: `${quote(text)} is too long for an IPv4 or IPv6 address or CIDR range` };
  }
  const [address = "", lengthText, ...rest] = text.split("/");
  const family = familyOf(address);
  if (family === undefined || rest.length > 0) {
    return { fault: `'${text}' is not an IPv4 or IPv6 address or CIDR range${meant(text)}` };
  }
  const width = family === 4 ? 32 : 128;
  if (lengthText !== undefined && !/^(0|[1-9]\d{0,2})$/.test(lengthText)) {
    return { fault: `'${text}' has a malformed prefix length` };
  }
  const length = lengthText === undefined ? width : Number(lengthText);
  if (length > width) {
    return { fault: `'${text}' has a prefix length over ${width}` };
  }
  return fromBytes(ipaddr.parse(address).toByteArray(), length, text);
}

function familyOf(address: string): 4 | 6 | undefined {
  if (address.includes(":")) {
    return ipv6.safeParse(address).success ? 6 : undefined;
  }
  return ipv4.safeParse(address).success ? 4 : undefined;
}

/**
 * What somebody may have meant who left numbers of an IPv4 address out, or wrote zeros in front of them.
 * NB. Only a question: `010` is 10 to people and 8 to some programs, and `10.1` is not the same everywhere either.
 */
function meant(text: string): string {
  const [, address, length] = /^(\d{1,3}(?:\.\d{1,3}){1,3})\.?(\/\d{1,2})?$/.exec(text) ?? [];
  if (address === undefined) {
    return "";
  }
  const numbers = address.split(".").map(Number);
  const whole = [...numbers, 0, 0, 0].slice(0, 4).join(".");
  const range = length ?? (numbers.length < 4 ? `/${8 * numbers.length}` : "");
  const guess = ipv4.safeParse(whole).success ? parsePrefix(`${whole}${range}`) : undefined;
  return guess !== undefined && isPrefix(guess) ? `; did you mean ${guess.text}?` : "";
}

function fromBytes(bytes: readonly number[], length: number, text: string): Prefix | PrefixFault {
  const width = bytes.length * 8;
  const bits = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const network = (bits >> BigInt(width - length)) << BigInt(width - length);
  if (network !== bits) {
    return {
      fault: `'${text}' has bits set behind its prefix length; did you mean ${format(network, width, length)} or ${format(bits, width, width)}?`,
    };
  }
  if (width === 128 && bits >> 32n === 0xffffn) {
    return { fault: `'${text}' is an IPv4 address written as IPv6; write it as IPv4` };
  }
  return { family: width === 32 ? 4 : 6, bits, length, text: format(bits, width, length) };
}

function format(bits: bigint, width: number, length: number): string {
  const bytes = Array.from({ length: width / 8 }, (_, index) =>
    Number((bits >> BigInt(width - 8 * (index + 1))) & 0xffn),
  );
  const address = ipaddr.fromByteArray(bytes).toString();
  return length === width ? address : `${address}/${length}`;
}

/** Narrows the answer of {@link parsePrefix}. */
export function isPrefix(value: Prefix | PrefixFault): value is Prefix {
  return "family" in value;
}

/** Whether every address of `inner` lies in `outer`. Families never contain each other. */
export function contains(outer: Prefix, inner: Prefix): boolean {
  return (
    outer.family === inner.family &&
    outer.length <= inner.length &&
    network(inner, outer.length) === network(outer, outer.length)
  );
}

/** Whether the two share an address. Prefixes are nested or apart, never half over each other. */
export function overlaps(left: Prefix, right: Prefix): boolean {
  return contains(left, right) || contains(right, left);
}

function network(prefix: Prefix, length: number): bigint {
  const width = prefix.family === 4 ? 32 : 128;
  return prefix.bits >> BigInt(width - length);
}

/** Tells of one source (`*` or a prefix) whether a list covers it; `*` is covered by `*` alone. Reads the list once, for many. */
export function coverOf(allowed: readonly string[]): (source: string) => boolean {
  if (allowed.includes("*")) {
    return () => true;
  }
  const outer = allowed.map(parsePrefix).filter(isPrefix);
  return (source) => {
    const inner = parsePrefix(source);
    return isPrefix(inner) && outer.some((prefix) => contains(prefix, inner));
  };
}
