import { createHash } from "node:crypto";
import { chainHash, chainStart } from "../../src/activity/chain.ts";
import type { Fact } from "../../src/activity/fact.ts";
import { matches } from "../../src/activity/filter.ts";
import { chainName, chainParts, historyOf, placesOf } from "../../src/activity/places.ts";
import { BadContinuation } from "../../src/activity/query.ts";
import { invertedDay } from "../../src/activity/row-keys.ts";
import type {
  ActivityStore,
  ChainHead,
  ChainRow,
  FactSpan,
  FiledFact,
  Ledger,
} from "../../src/activity/store.ts";

/** A chain as it is stored: its end, and its rows in the order in which they were added. */
interface FakeChain {
  head: ChainHead;
  readonly rows: ChainRow[];
}

/** What somebody who may write the tables could do to them. Rows are named by chain and sequence. */
export interface Tampering {
  /** Changes what a row says; its hash stays as it was unless the change names another. */
  alter(chain: string, sequence: number, change: Partial<ChainRow>): void;
  remove(chain: string, sequence: number): void;
  /** Lets two rows change places: each takes the number, and the hashes, of the other. */
  swap(chain: string, one: number, other: number): void;
  setHead(chain: string, head: Partial<ChainHead>): void;
}

export interface FakeActivity {
  readonly activity: ActivityStore;
  readonly ledger: Ledger;
  readonly tamper: Tampering;
  /** The writer of the next recording dies once the facts are claimed: they lie in no chain until `ledger.complete`. */
  interruptNext(): void;
}

/** The audit in memory; keeps the same promises as the one in Table Storage, shown by the same contract tests. */
export function createFakeActivity(): FakeActivity {
  const chains = new Map<string, FakeChain>();
  const known = new Set<string>();
  const unfinished: Fact[] = [];
  let isInterrupted = false;

  function file(fact: Fact): void {
    const text = JSON.stringify(fact);
    for (const { chain, rowKey } of placesOf(fact, sha256)) {
      const head = chains.get(chain)?.head ?? {
        chain,
        sequence: 0,
        hash: chainStart(sha256, chain),
      };
      const sequence = head.sequence + 1;
      const hash = chainHash(sha256, head.hash, sequence, text);
      const rows = chains.get(chain)?.rows ?? [];
      rows.push({ chain, sequence, hash, rowKey, previous: head.hash, text });
      chains.set(chain, { head: { chain, sequence, hash }, rows });
    }
  }

  const rowsOf = (span: FactSpan): readonly ChainRow[] =>
    [...chains]
      .filter(([chain]) => isPartOf(chain, span.of))
      .flatMap(([, { rows }]) => rows)
      .filter((row) => isAskedFor(factOf(row), span))
      .sort((one, other) => (one.rowKey < other.rowKey ? -1 : 1));

  return {
    activity: {
      async record(facts) {
        for (const fact of facts.filter(({ id }) => !known.has(id))) {
          if (!known.has(fact.id)) {
            known.add(fact.id);
            if (isInterrupted) {
              unfinished.push(copy(fact));
            } else {
              file(fact);
            }
          }
        }
        isInterrupted = false;
      },

      async list(query) {
        const after = query.continuation === undefined ? "" : rowIn(query.continuation);
        const rest = rowsOf(query).filter(({ rowKey }) => rowKey > after);
        const rows = rest.slice(0, query.top);
        const last = rows.at(-1);
        const items = rows.map(factOf);
        return rest.length > query.top && last !== undefined
          ? { items, continuation: JSON.stringify({ row: last.rowKey }) }
          : { items };
      },

      async *walk(span) {
        yield* rowsOf(span).map(filed);
      },
    },
    ledger: createFakeLedger(chains, async () => {
      const finished = unfinished.splice(0);
      finished.forEach(file);
      return finished;
    }),
    tamper: tampering(chains),
    interruptNext() {
      isInterrupted = true;
    },
  };
}

function createFakeLedger(chains: Map<string, FakeChain>, complete: Ledger["complete"]): Ledger {
  const monthsOf = () => [...new Set([...chains.keys()].map((chain) => chainParts(chain).month))];
  return {
    complete,

    async months() {
      return monthsOf().sort();
    },

    async *rows(month) {
      const ofMonth = [...chains].filter(([chain]) => chainParts(chain).month === month);
      for (const [, { head, rows }] of ofMonth.sort(([one], [other]) => (one < other ? -1 : 1))) {
        yield { head };
        yield* rows
          .toSorted((one, other) => (one.rowKey < other.rowKey ? -1 : 1))
          .map((row) => ({ row }));
      }
    },

    async head(chain) {
      return chains.get(chain)?.head;
    },

    async after(chain, sequence, most) {
      return (chains.get(chain)?.rows ?? [])
        .filter((row) => row.sequence > sequence)
        .sort((one, other) => one.sequence - other.sequence)
        .slice(0, most)
        .map(filed);
    },

    async daysOf(subscriptionId, from, to) {
      const { partition } = historyOf({ subscriptionId }, sha256);
      const heads: ChainHead[] = [];
      for (let at = Date.parse(to); at >= Date.parse(from); at -= 86_400_000) {
        const day = new Date(at).toISOString();
        const head = chains.get(
          chainName(day.slice(0, 7), `${partition}${invertedDay(day)}`),
        )?.head;
        heads.push(...(head === undefined ? [] : [head]));
      }
      return heads;
    },

    async subscriptions(month) {
      const keys = [...chains.keys()].flatMap((chain) => {
        const [kind, key = ""] = chainParts(chain).partition.split("|");
        return chainParts(chain).month === month && kind === "subscription" ? [key] : [];
      });
      return [...new Set(keys)].sort();
    },

    async drop(month) {
      for (const chain of [...chains.keys()].filter((one) => chainParts(one).month === month)) {
        chains.delete(chain);
      }
    },
  };
}

function tampering(chains: Map<string, FakeChain>): Tampering {
  function find(chain: string, sequence: number) {
    const rows = chains.get(chain)?.rows ?? [];
    const index = rows.findIndex((row) => row.sequence === sequence);
    const row = rows[index];
    if (row === undefined) {
      throw new Error(`There is no fact ${sequence} in ${chain}.`);
    }
    return { rows, index, row };
  }

  return {
    alter(chain, sequence, change) {
      const { rows, index, row } = find(chain, sequence);
      rows[index] = { ...row, ...change };
    },

    remove(chain, sequence) {
      const { rows, index } = find(chain, sequence);
      rows.splice(index, 1);
    },

    swap(chain, one, other) {
      const [first, second] = [find(chain, one), find(chain, other)];
      const { rowKey, text } = first.row;
      first.rows[first.index] = { ...first.row, rowKey: second.row.rowKey, text: second.row.text };
      first.rows[second.index] = { ...second.row, rowKey, text };
    },

    setHead(chain, head) {
      const found = chains.get(chain);
      if (found === undefined) {
        throw new Error(`There is no chain ${chain}.`);
      }
      found.head = { ...found.head, ...head };
    },
  };
}

function isAskedFor(fact: Fact, { from, to, where = {} }: FactSpan): boolean {
  const at = Date.parse(fact.at);
  return at >= from.getTime() && at <= to.getTime() && matches(fact, where);
}

function isPartOf(chain: string, of: FactSpan["of"]): boolean {
  const { partition, isByDay } = historyOf(of, sha256);
  const stored = chainParts(chain).partition;
  return isByDay ? stored.startsWith(partition) : stored === partition;
}

function filed(row: ChainRow): FiledFact {
  const { chain, sequence, hash } = row;
  return { fact: factOf(row), position: { chain, sequence, hash } };
}

/** A row never changes: whoever tampers with it puts another in its place. */
const facts = new WeakMap<ChainRow, Fact>();

function factOf(row: ChainRow): Fact {
  const fact = facts.get(row) ?? (JSON.parse(row.text) as Fact);
  facts.set(row, fact);
  return fact;
}

function rowIn(continuation: string): string {
  try {
    const { row } = JSON.parse(continuation) as { row?: unknown };
    if (typeof row === "string") {
      return row;
    }
  } catch {
    // Told below.
  }
  throw new BadContinuation(continuation);
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** As it would come back from storage. */
function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}
