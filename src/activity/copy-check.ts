import type { Digest } from "../ports.ts";
import type { PlacedFact } from "./chain-check.ts";

/** A chain beside the subscriptions' in which the facts of one subscription are not those of its own chains. */
export interface Difference {
  readonly chain: string;
  readonly subscriptionId: string;
}

/** Count and sum of the hashes of facts: the same for the same facts, in whatever order. */
interface Sum {
  count: number;
  total: bigint;
}

const modulus = 1n << 256n;

/**
 * Every fact lies in the chain of its subscription's day and, with the same text, in each other chain that concerns it. Both sides
 * are summed up while chains are read one after the other, so that a history cut at its end in one chain alone is found all the
 * same. NB. Younger facts than `before` are left out: they may still be on their way into the one or the other.
 */
export class CopyCheck {
  readonly #digest: Digest;
  readonly #before: number;
  /** By chain and subscription: what the subscriptions' chains say, less what was found. */
  readonly #sums = new Map<string, Sum & Difference>();

  constructor(digest: Digest, before: Date) {
    this.#digest = digest;
    this.#before = before.getTime();
  }

  /** Takes a fact as it was found in a chain that may hold it. */
  add(chain: string, { fact, places }: PlacedFact, text: string): void {
    if (Date.parse(fact.at) >= this.#before) {
      return;
    }
    const hash = BigInt(`0x${this.#digest(text)}`);
    const [day, ...others] = places;
    const subscriptionId = fact.subscriptionId.toLowerCase();
    if (chain !== day?.chain) {
      this.#count({ chain, subscriptionId }, -1, modulus - hash);
      return;
    }
    for (const other of others) {
      this.#count({ chain: other.chain, subscriptionId }, 1, hash);
    }
  }

  /** The chains whose copies differ. */
  differences(): readonly Difference[] {
    return [...this.#sums.values()].map(({ chain, subscriptionId }) => ({ chain, subscriptionId }));
  }

  /** What is even is forgotten: most chains are, once both sides were read. */
  #count(where: Difference, by: 1 | -1, hash: bigint): void {
    const key = `${where.subscriptionId}\n${where.chain}`;
    const sum = this.#sums.get(key) ?? { ...where, count: 0, total: 0n };
    sum.count += by;
    sum.total = (sum.total + hash) % modulus;
    if (sum.count === 0 && sum.total === 0n) {
      this.#sums.delete(key);
    } else {
      this.#sums.set(key, sum);
    }
  }
}
