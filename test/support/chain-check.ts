import { createHash } from "node:crypto";
import { chainHash, chainStart } from "../../src/activity/chain.ts";
import type { Fact } from "../../src/activity/fact.ts";
import { placesOf } from "../../src/activity/places.ts";
import type { ChainHead, ChainRow, Ledger } from "../../src/activity/store.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/**
 * Everything that is wrong with the chains, in words: a gap, a double, a hash that is not that of its fact, a fact that lacks in
 * one of its chains. None for an intact ledger.
 */
export async function faultsOf(ledger: Ledger): Promise<readonly string[]> {
  const faults: string[] = [];
  const places = new Map<string, Set<string>>();
  for (const month of await ledger.months()) {
    const { heads, rows } = await read(ledger, month);
    for (const [chain, ofChain] of rows) {
      faults.push(...faultsIn(chain, heads.get(chain), ofChain));
      // A damaged row has no text; its hash tells that.
      for (const { text, rowKey } of ofChain.filter((row) => row.text !== "")) {
        const { id } = JSON.parse(text) as Fact;
        places.set(text, (places.get(text) ?? new Set()).add(`${chain} ${rowKey}`));
        places.set(id, (places.get(id) ?? new Set()).add(text));
      }
    }
  }
  return [...faults, ...misplaced(places)];
}

/** How many different facts there are. */
export async function countFacts(ledger: Ledger): Promise<number> {
  const ids = new Set<string>();
  for (const month of await ledger.months()) {
    for (const row of [...(await read(ledger, month)).rows.values()].flat()) {
      ids.add((JSON.parse(row.text) as Fact).id);
    }
  }
  return ids.size;
}

async function read(ledger: Ledger, month: string) {
  const heads = new Map<string, ChainHead>();
  const rows = new Map<string, ChainRow[]>();
  for await (const one of ledger.rows(month)) {
    if ("head" in one) {
      heads.set(one.head.chain, one.head);
    } else {
      rows.set(one.row.chain, [...(rows.get(one.row.chain) ?? []), one.row]);
    }
  }
  return { heads, rows };
}

function faultsIn(
  chain: string,
  head: ChainHead | undefined,
  rows: readonly ChainRow[],
): readonly string[] {
  let hash = chainStart(sha256, chain);
  const faults = rows
    .toSorted((one, other) => one.sequence - other.sequence)
    .flatMap((row, index) => {
      const expected = chainHash(sha256, hash, index + 1, row.text);
      const isRight = row.sequence === index + 1 && row.previous === hash && row.hash === expected;
      hash = expected;
      return isRight ? [] : [`${chain}: fact ${row.sequence} is not the ${index + 1}th`];
    });
  return head?.sequence === rows.length && head.hash === hash
    ? faults
    : [...faults, `${chain}: the head is not that of ${rows.length} facts`];
}

/** Each text has to lie at exactly its places, and each id to have one text. */
function misplaced(places: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] {
  return [...places].flatMap(([text, found]) => {
    if (!text.startsWith("{")) {
      return found.size === 1 ? [] : [`${text}: told in ${found.size} ways`];
    }
    const fact = JSON.parse(text) as Fact;
    const expected = placesOf(fact, sha256).map(({ chain, rowKey }) => `${chain} ${rowKey}`);
    return expected.length === found.size && expected.every((place) => found.has(place))
      ? []
      : [`${fact.id}: lies at ${[...found].join(", ")}`];
  });
}
