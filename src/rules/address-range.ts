import { isPrefix, parsePrefix } from "./cidr.ts";
import { type AddressRange, rangeOf } from "./effective-ranges.ts";
import { readOnce } from "./read-once.ts";

/** Addresses that an entry of a rule's list speaks of, and their family. */
export interface ReadRange {
  readonly family: 4 | 6;
  readonly range: AddressRange;
}

/** Reads an address, a CIDR range, or a range such as `10.0.0.4-10.0.0.9`, which firewalls know; nothing where it is none. */
export function readRange(text: string): ReadRange | undefined {
  const [from = "", to, ...rest] = text.split("-").map((end) => end.trim());
  const first = parsePrefix(from);
  if (!isPrefix(first) || rest.length > 0) {
    return undefined;
  }
  if (to === undefined) {
    return { family: first.family, range: rangeOf(first) };
  }
  const last = parsePrefix(to);
  const isRange =
    isPrefix(last) &&
    last.family === first.family &&
    last.bits >= first.bits &&
    ![first, last].some((end) => end.text.includes("/"));
  return isRange
    ? { family: first.family, range: { first: first.bits, last: last.bits } }
    : undefined;
}

/** The entries of a list as {@link readRange} reads them. */
export const readRanges = readOnce(readRange);
