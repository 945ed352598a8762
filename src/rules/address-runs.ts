import type { Prefix } from "./cidr.ts";

/** Addresses without a gap between them, and the ranges they come from. */
export interface AddressRun {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
  readonly ranges: readonly Prefix[];
}

/** The ranges of a list put together: those that touch or overlap are one run. IPv4 before IPv6, ascending. */
export function addressRuns(prefixes: readonly Prefix[]): readonly AddressRun[] {
  const singles = prefixes
    .map(runOf)
    .toSorted((left, right) => left.family - right.family || compare(left.first, right.first));
  const runs: AddressRun[] = [];
  for (const next of singles) {
    const run = runs.at(-1);
    if (run !== undefined && run.family === next.family && next.first <= run.last + 1n) {
      runs[runs.length - 1] = joined(run, next);
    } else {
      runs.push(next);
    }
  }
  return runs;
}

/** How many addresses a run has between two bounds, both included. */
export function countWithin(run: AddressRun, first: bigint, last: bigint): bigint {
  const from = run.first > first ? run.first : first;
  const to = run.last < last ? run.last : last;
  return to < from ? 0n : to - from + 1n;
}

function runOf(prefix: Prefix): AddressRun {
  const width = prefix.family === 4 ? 32 : 128;
  const count = 1n << BigInt(width - prefix.length);
  return {
    family: prefix.family,
    first: prefix.bits,
    last: prefix.bits + count - 1n,
    ranges: [prefix],
  };
}

function joined(run: AddressRun, next: AddressRun): AddressRun {
  const last = next.last > run.last ? next.last : run.last;
  return { ...run, last, ranges: [...run.ranges, ...next.ranges] };
}

function compare(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
