import { type Prefix, type PrefixFault, parsePrefix } from "./cidr.ts";

const known = new WeakMap<readonly string[], readonly (Prefix | PrefixFault)[]>();

/** The entries of a list, read once: a plan compares each of hundreds of rules with each other, and none ever changes. */
export function readPrefixes(list: readonly string[]): readonly (Prefix | PrefixFault)[] {
  const prefixes = known.get(list) ?? list.map(parsePrefix);
  known.set(list, prefixes);
  return prefixes;
}
