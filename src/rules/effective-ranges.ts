import { isPrefix, type Prefix, parsePrefix } from "./cidr.ts";

/** Addresses of one family from `first` to `last`, both included. */
export interface AddressRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** A set of addresses of one family: sorted ranges that neither meet nor touch. */
export type AddressSet = readonly AddressRange[];

export const nothing: AddressSet = [];

/** Every address of each family. */
export const everything: Readonly<Record<4 | 6, AddressSet>> = {
  4: [{ first: 0n, last: (1n << 32n) - 1n }],
  6: [{ first: 0n, last: (1n << 128n) - 1n }],
};

/** The addresses of a prefix. */
export function rangeOf({ family, bits, length }: Prefix): AddressRange {
  const behind = BigInt((family === 4 ? 32 : 128) - length);
  return { first: bits, last: bits | ((1n << behind) - 1n) };
}

/** The set of one family that a list of prefixes makes; entries of the other family add nothing. */
export function setOf(family: 4 | 6, prefixes: readonly string[]): AddressSet {
  return union(
    prefixes
      .map(parsePrefix)
      .filter(isPrefix)
      .filter((prefix) => prefix.family === family)
      .map(rangeOf),
  );
}

/** The set that ranges in any order make. */
export function union(ranges: readonly AddressRange[]): AddressSet {
  if (ranges.length < 2) {
    return ranges;
  }
  const merged: AddressRange[] = [];
  for (const range of ranges.toSorted((left, right) => (left.first < right.first ? -1 : 1))) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1n) {
      merged.push(range);
    } else if (range.last > before.last) {
      merged[merged.length - 1] = { first: before.first, last: range.last };
    }
  }
  return merged;
}

/** The addresses that are in both sets. */
export function common(set: AddressSet, other: AddressSet): AddressSet {
  return near(other, set).flatMap((range) =>
    meeting(set, range).map(({ first, last }) => ({
      first: first < range.first ? range.first : first,
      last: last > range.last ? range.last : last,
    })),
  );
}

/** The addresses of the set that are not in `taken`; the very same set when it loses nothing. */
export function without(set: AddressSet, taken: AddressSet): AddressSet {
  return near(taken, set).reduce(cutOut, set);
}

/** Whether the address is in the set. */
export function holds(set: AddressSet, address: bigint): boolean {
  const range = set[indexWhere(set, ({ last }) => last >= address)];
  return range !== undefined && range.first <= address;
}

/** Whether every address of `inner` is in the set. Ranges of a set never touch: each of them has to lie in one. */
export function includes(set: AddressSet, inner: AddressSet): boolean {
  return inner.every((range) => {
    const around = set[indexWhere(set, ({ last }) => last >= range.first)];
    return around !== undefined && around.first <= range.first && range.last <= around.last;
  });
}

function cutOut(set: AddressSet, hole: AddressRange): AddressSet {
  const [start, end] = bounds(set, hole);
  const [first, last] = [set[start], set[end - 1]];
  if (first === undefined || last === undefined || start >= end) {
    return set;
  }
  const left = first.first < hole.first ? [{ first: first.first, last: hole.first - 1n }] : [];
  const right = last.last > hole.last ? [{ first: hole.last + 1n, last: last.last }] : [];
  return [...set.slice(0, start), ...left, ...right, ...set.slice(end)];
}

/** The ranges of `set` in the stretch that `other` spans: of thousands of prefixes, few concern one source. */
function near(set: AddressSet, other: AddressSet): AddressSet {
  const [first, last] = [other[0], other.at(-1)];
  return first === undefined || last === undefined
    ? nothing
    : meeting(set, { first: first.first, last: last.last });
}

/** The ranges of the set that share an address with the range. */
function meeting(set: AddressSet, range: AddressRange): AddressSet {
  const [start, end] = bounds(set, range);
  return start === 0 && end === set.length ? set : set.slice(start, end);
}

/** From where to before where in the set ranges share an address with the range. */
function bounds(set: AddressSet, { first, last }: AddressRange): readonly [number, number] {
  return [
    indexWhere(set, (range) => range.last >= first),
    indexWhere(set, (range) => range.first > last),
  ];
}

/** The first index from which on it holds, by halving: it holds of none before and of all behind. The length where it never does. */
export function indexWhere<T>(list: readonly T[], isReached: (item: T) => boolean): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = list[middle];
    if (item !== undefined && isReached(item)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}
