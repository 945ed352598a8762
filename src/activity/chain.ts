import type { Digest } from "../ports.ts";

/** What the first fact of a chain follows: bound to the chain's name, so that no chain can stand in for another. */
export function chainStart(digest: Digest, chain: string): string {
  return digest(`JIT Access activity chain 1\n${chain}`);
}

/** The hash of a fact in a chain: of the one before it, its number and its whole text. */
export function chainHash(
  digest: Digest,
  previous: string,
  sequence: number,
  text: string,
): string {
  return digest(`${previous}\n${sequence}\n${text}`);
}
