import { chainHash, chainStart } from "../../src/activity/chain.ts";
import type { ChainHead, ChainRow, Ledger } from "../../src/activity/store.ts";
import { ids } from "./audit.ts";
import type { Loaded } from "./load.ts";

/** What a look at every row of chains found; no faults means that all of them are whole. */
export interface Checked {
  readonly chains: number;
  readonly rows: number;
  /** The first few, in words. */
  readonly faults: readonly string[];
}

/** More would say nothing new. */
const mostFaults = 5;

/** Every chain of a month, by the words of the design alone and not by the service's own verification. */
export async function checkChains(ledger: Ledger, month: string): Promise<Checked> {
  const faults: string[] = [];
  const counts = { chains: 0, rows: 0 };
  let [head, rows]: [ChainHead | undefined, ChainRow[]] = [undefined, []];
  const finish = () => {
    if (head !== undefined) {
      faults.push(...faultsOf(head, rows));
      counts.chains += 1;
      counts.rows += rows.length;
    }
  };
  for await (const found of ledger.rows(month)) {
    if ("head" in found) {
      finish();
      [head, rows] = [found.head, []];
    } else {
      rows.push(found.row);
    }
  }
  finish();
  return { ...counts, faults: faults.slice(0, mostFaults) };
}

function faultsOf(head: ChainHead, rows: readonly ChainRow[]): readonly string[] {
  let hash = chainStart(ids.digest, head.chain);
  let sequence = 0;
  for (const row of rows.toSorted((one, other) => one.sequence - other.sequence)) {
    sequence += 1;
    const expected = chainHash(ids.digest, hash, sequence, row.text);
    if (row.chain !== head.chain || row.sequence !== sequence || row.previous !== hash) {
      return [`${head.chain}: fact ${sequence} is missing, or does not follow the one before.`];
    }
    if (row.hash !== expected) {
      return [`${head.chain}: fact ${sequence} is not what its hash says.`];
    }
    hash = expected;
  }
  return head.sequence === sequence && head.hash === hash
    ? []
    : [`${head.chain}: its head tells of ${head.sequence} facts, and there are ${sequence}.`];
}

/** Whether all facts of a history are in the chains of their subscriptions, by what the heads of all days say. */
export async function missingFacts({ audit, months, ofSubscription }: Loaded): Promise<string[]> {
  const [oldest, newest] = [months[0]?.from, months.at(-1)?.to];
  if (oldest === undefined || newest === undefined) {
    return ["There are no months."];
  }
  const day = (time: Date) => time.toISOString().slice(0, 10);
  const faults: string[] = [];
  for (const [subscriptionId, expected] of ofSubscription) {
    const heads = await audit.ledger.daysOf(subscriptionId, day(oldest), day(newest));
    const found = heads.reduce((sum, { sequence }) => sum + sequence, 0);
    if (found !== expected) {
      faults.push(`Subscription ${subscriptionId} has ${found} facts instead of ${expected}.`);
    }
  }
  return faults;
}
