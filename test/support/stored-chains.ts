import { createHash } from "node:crypto";
import { chainHash, chainStart } from "../../src/activity/chain.ts";
import { chainParts } from "../../src/activity/places.ts";
import type { ChainHead, ChainRow, Ledger } from "../../src/activity/store.ts";

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A chain as it lies in storage, free for whoever may write there. */
export interface StoredChain {
  head: ChainHead | undefined;
  rows: ChainRow[];
}

/** All chains of a ledger, by their names. */
export async function storedChains(ledger: Ledger): Promise<Map<string, StoredChain>> {
  const chains = new Map<string, StoredChain>();
  const of = (chain: string) => {
    const found = chains.get(chain) ?? { head: undefined, rows: [] };
    chains.set(chain, found);
    return found;
  };
  for (const month of await ledger.months()) {
    for await (const item of ledger.rows(month)) {
      if ("head" in item) {
        of(item.head.chain).head = item.head;
      } else {
        of(item.row.chain).rows.push(item.row);
      }
    }
  }
  return chains;
}

/** Gives the rows new numbers and hashes in their order, and a head that fits: what a careful forger would do. */
export function forged(chain: string, rows: readonly ChainRow[]): StoredChain {
  let hash = chainStart(sha256, chain);
  const done = rows.map((row, index) => {
    const [previous, sequence] = [hash, index + 1];
    hash = chainHash(sha256, previous, sequence, row.text);
    return { ...row, chain, previous, sequence, hash };
  });
  return { head: { chain, sequence: rows.length, hash }, rows: done };
}

/** The ledger as it reads chains that somebody may have changed. */
export function ledgerOver(chains: ReadonlyMap<string, StoredChain>, ledger: Ledger): Ledger {
  const ofMonth = (month: string) =>
    [...chains]
      .filter(([chain]) => chainParts(chain).month === month)
      .sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    ...ledger,
    async *rows(month) {
      for (const [, { head, rows }] of ofMonth(month)) {
        yield* head === undefined ? [] : [{ head }];
        const sorted = rows.toSorted((one, other) => (one.rowKey < other.rowKey ? -1 : 1));
        yield* sorted.map((row) => ({ row }));
      }
    },
    head: async (chain) => chains.get(chain)?.head,
    async after(chain, sequence, most) {
      return (chains.get(chain)?.rows ?? [])
        .filter((row) => row.sequence > sequence)
        .sort((one, other) => one.sequence - other.sequence)
        .slice(0, most)
        .map((row) => ({ fact: JSON.parse(row.text), position: row }));
    },
    async daysOf(subscriptionId, from, to) {
      const heads = await ledger.daysOf(subscriptionId, from, to);
      return heads.flatMap(({ chain }) => {
        const head = chains.get(chain)?.head;
        return head === undefined ? [] : [head];
      });
    },
  };
}
