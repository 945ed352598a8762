import type { TableClient, TransactionAction } from "@azure/data-tables";
import { chainHash, chainStart } from "../activity/chain.ts";
import { chainParts } from "../activity/places.ts";
import { remembered } from "../remembered.ts";
import type { Tables } from "./client.ts";
import { unpackText } from "./codec.ts";
import { alreadyExists, isNotTaken, type Pause, unlessMissing, untilUndisturbed } from "./etag.ts";
import { headRowKey, type NewRow } from "./fact-rows.ts";
import { groupCommit } from "./group-commit.ts";
import { inParallel } from "./in-parallel.ts";
import { sha256 } from "./keys.ts";
import { transactionsOf } from "./transactions.ts";

/** Heads that are kept in memory, so that who writes alone need not read. */
const mostHeads = 2_000;

/** The end of a chain; no ETag before its first fact. */
interface Head {
  readonly sequence: number;
  readonly hash: string;
  readonly etag?: string | undefined;
}

/** Adds rows to a chain; one that is there already stays as it is and where it stands. Rejects when others are always quicker. */
export type AppendToChain = (chain: string, rows: readonly NewRow[]) => Promise<void>;

/**
 * The writers' end of the chains. What comes for a chain while it is being written goes together in the next transaction, under
 * the ETag of the head: of several processes one is first, the others read the new head and go behind it.
 */
export function createChains({ activity }: Tables, pause: Pause): AppendToChain {
  const heads = remembered<Head>(mostHeads);

  async function append(chain: string, rows: readonly NewRow[]): Promise<void> {
    const { month, partition } = chainParts(chain);
    let left = rows;
    await untilUndisturbed(pause, async () => {
      if (left.length === 0) {
        return;
      }
      const client = await activity.toWrite(month);
      const head = heads.get(chain) ?? (await readHead(client, chain));
      // Whatever comes of it: until it is known to be written, the head is not known either.
      heads.delete(chain);
      try {
        heads.set(chain, await write(client, partition, head, left));
      } catch (error) {
        if (alreadyExists(error)) {
          left = await notThere(client, left);
        }
        throw error;
      }
    });
  }

  async function appendAll(chain: string, all: readonly NewRow[]): Promise<void> {
    const rows = new Map(all.map((row) => [row.rowKey, row] as const));
    for (const together of transactionsOf([...rows.values()], 1)) {
      await append(chain, together);
    }
  }

  return groupCommit<readonly NewRow[], void>(async (chain, group) => {
    try {
      await appendAll(
        chain,
        group.flatMap(({ input }) => input),
      );
      for (const waiting of group) {
        waiting.resolve();
      }
    } catch (error) {
      if (!isNotTaken(error) || group.length === 1) {
        throw error;
      }
      // NB. The storage does not take one of them: the others are not to suffer for it.
      for (const { input, resolve, reject } of group) {
        await appendAll(chain, input).then(resolve, reject);
      }
    }
  });
}

/** The head goes first: whoever is beaten there learns it before anything else is looked at. */
async function write(
  client: TableClient,
  partitionKey: string,
  head: Head,
  rows: readonly NewRow[],
): Promise<Head> {
  const actions: TransactionAction[] = [];
  let { sequence, hash } = head;
  for (const { chain: _, ...row } of rows) {
    const previous = hash;
    sequence += 1;
    hash = chainHash(sha256, previous, sequence, unpackText(row));
    actions.push(["create", { ...row, seq: sequence, prev: previous, hash }]);
  }
  const entity = { partitionKey, rowKey: headRowKey, seq: sequence, hash };
  const guarded: TransactionAction =
    head.etag === undefined
      ? ["create", entity]
      : ["update", entity, "Replace", { etag: head.etag }];
  const { subResponses } = await client.submitTransaction([guarded, ...actions]);
  return { sequence, hash, etag: subResponses[0]?.etag };
}

async function readHead(client: TableClient, chain: string): Promise<Head> {
  const { partition } = chainParts(chain);
  const row = await unlessMissing(
    client.getEntity<{ seq: number; hash: string }>(partition, headRowKey),
  );
  return row === undefined
    ? { sequence: 0, hash: chainStart(sha256, chain) }
    : { sequence: row.seq, hash: row.hash, etag: row.etag };
}

/** Those that are not in the chain yet: somebody else may have finished the same facts, or an answer of ours got lost. */
async function notThere(client: TableClient, rows: readonly NewRow[]): Promise<readonly NewRow[]> {
  const found = await inParallel(rows, ({ partitionKey, rowKey }) =>
    unlessMissing(client.getEntity(partitionKey, rowKey, { queryOptions: { select: ["RowKey"] } })),
  );
  return rows.filter((_row, index) => found[index] === undefined);
}
