import { randomUUID } from "node:crypto";
import { odata, type TableClient, type TableEntity } from "@azure/data-tables";
import type { Fact } from "../activity/fact.ts";
import { monthBefore, monthOf } from "../activity/places.ts";
import type { Log } from "../log.ts";
import type { Tables } from "./client.ts";
import { asciiJson, packBody, unpackBody } from "./codec.ts";
import { alreadyExists, type Pause, unlessGone, unlessMissing, untilUndisturbed } from "./etag.ts";
import { inParallel } from "./in-parallel.ts";
import { encodeKey } from "./keys.ts";
import { firstRows, type Row } from "./paging.ts";

/** The partition of each month that holds the claims; all chains sort behind it. */
export const claimsPartition = "claims";

/**
 * Facts that are claimed together: one transaction takes 99 of them beside the row that holds them all, and so many characters
 * fit into that row whatever they are.
 */
const mostTogether = { facts: 99, characters: 600_000 } as const;

/** In the first days of a month a fact may have been told first in the month before. */
const daysLookedBack = 7;

/** Clocks of two processes may differ by so much, in milliseconds. */
const mostClockSkew = 600_000;

/** Unfinished recordings that are taken up at once, in each month; one may take a megabyte. */
const mostUnfinished = 50;

/** What of the log is needed here. */
export type FilingLog = Pick<Log, "factsUnfinished">;

/** Facts that are recorded but may not lie in all their chains yet. */
export interface Unfinished {
  readonly month: string;
  readonly rowKey: string;
  readonly facts: readonly Fact[];
}

/** A fact's id as it was claimed: with the row that held the fact until it lay in all its chains. */
interface Claim {
  readonly factId: string;
  readonly month: string;
  readonly pending: string;
}

/** Who tells a fact first: the first telling counts, with its content and its time. */
export interface Claims {
  /**
   * Claims the facts, each id once; what it stores holds all of them, so nothing is lost from then on. Answers what is to be finished:
   * those that are new, and those that somebody else has begun and not ended. Throws `BodyTooLarge` before anything is stored.
   */
  claim(facts: readonly Fact[]): Promise<readonly Unfinished[]>;
  /** To be told once the facts lie in all their chains. */
  finished(unfinished: Unfinished): Promise<void>;
  /** What was begun in that month before that moment, by the clock of the storage. */
  begunBefore(month: string, before: Date): Promise<readonly Unfinished[]>;
}

/** The claims in the tables of the months. */
export function createClaims({ activity }: Tables, pause: Pause, log?: FilingLog): Claims {
  /** By month, behind which row to look for what is unfinished. */
  const lookedUpTo = new Map<string, string>();

  async function claimTogether(
    month: string,
    facts: readonly Fact[],
  ): Promise<readonly Unfinished[]> {
    const rowKey = `pending|${randomUUID()}`;
    const claims = [...(await toldNearby(facts))];
    let left = without(facts, claims);
    await untilUndisturbed(pause, async () => {
      if (left.length === 0) {
        return;
      }
      const client = await activity.toWrite(month);
      try {
        await client.submitTransaction(claimRows(rowKey, left).map((row) => ["create", row]));
      } catch (error) {
        const known = alreadyExists(error) ? await claimsOf(client, month, left) : [];
        if (known.some(({ pending }) => pending === rowKey)) {
          // All or none: it was written, and the answer got lost.
          return;
        }
        claims.push(...known);
        left = without(left, known);
        throw error;
      }
    });
    const ours = left.length === 0 ? [] : [{ month, rowKey, facts: left }];
    return [...ours, ...(await unfinishedOf(claims))];
  }

  /**
   * Claims in the month beside, of facts near its border. NB. Two who tell a fact for the first time at the same moment, one on each side of
   * midnight, may both find nothing here; only then it lies twice.
   */
  async function toldNearby(facts: readonly Fact[]): Promise<readonly Claim[]> {
    const nearby = Map.groupBy(facts, ({ at }) => monthBeside(at));
    const claims = await inParallel([...nearby], async ([month, some]) =>
      month === undefined ? [] : unlessGone(claimsOf(activity.toRead(month), month, some), []),
    );
    return claims.flat();
  }

  /** Of claims of others what they have not ended. A row that is gone is finished. */
  async function unfinishedOf(claims: readonly Claim[]): Promise<readonly Unfinished[]> {
    const rows = new Map(claims.map((claim) => [`${claim.month}|${claim.pending}`, claim]));
    const found = await inParallel([...rows.values()], async ({ month, pending }) => {
      const client = activity.toRead(month);
      const row = await unlessMissing(client.getEntity(claimsPartition, pending));
      return row && unfinished(month, row);
    });
    return found.filter((one) => one !== undefined);
  }

  return {
    async claim(facts) {
      const months = [...Map.groupBy(facts, ({ at }) => monthOf(at))];
      const groups = months.flatMap(([month, ofMonth]) =>
        together(ofMonth).map((group) => ({ month, group })),
      );
      return (await inParallel(groups, ({ month, group }) => claimTogether(month, group))).flat();
    },

    async finished({ month, rowKey }) {
      await unlessMissing(activity.toRead(month).deleteEntity(claimsPartition, rowKey));
    },

    async begunBefore(month, before) {
      // NB. Round and round: what cannot be finished for ever keeps nobody from what comes behind it.
      const behind = lookedUpTo.get(month) ?? "pending|";
      const filter = odata`PartitionKey eq ${claimsPartition} and RowKey gt ${behind} and RowKey lt ${"pending}"} and Timestamp lt ${before}`;
      const rows = await firstRows(activity.toRead(month), [filter], mostUnfinished);
      const last = rows.length < mostUnfinished ? undefined : rows.at(-1)?.rowKey;
      lookedUpTo.set(month, last ?? "pending|");
      return rows.flatMap((row) => {
        try {
          return [unfinished(month, row)];
        } catch (error) {
          // NB. One that somebody damaged keeps nobody from the others.
          log?.factsUnfinished({ count: 0, error });
          return [];
        }
      });
    },
  };
}

async function claimsOf(
  client: TableClient,
  month: string,
  facts: readonly Fact[],
): Promise<readonly Claim[]> {
  const found = await inParallel(facts, async ({ id }) => {
    const row = await unlessMissing(
      client.getEntity<{ pending: string }>(claimsPartition, claimKey(id)),
    );
    return row && { factId: id, month, pending: row.pending };
  });
  return found.filter((claim) => claim !== undefined);
}

function claimRows(pending: string, facts: readonly Fact[]): readonly TableEntity[] {
  const partitionKey = claimsPartition;
  return [
    { partitionKey, rowKey: pending, ...packBody(facts) },
    ...facts.map(({ id, at }) => ({ partitionKey, rowKey: claimKey(id), at, pending })),
  ];
}

/** In groups that can be claimed together. */
function together(facts: readonly Fact[]): readonly (readonly Fact[])[] {
  const groups: Fact[][] = [];
  let characters = 0;
  for (const fact of facts) {
    const group = groups.at(-1);
    const size = asciiJson(fact).length + 1;
    if (size > mostTogether.characters) {
      // Whether it fits when compressed shows before anything is stored.
      packBody([fact]);
    }
    const isFull =
      group === undefined ||
      group.length >= mostTogether.facts ||
      characters + size > mostTogether.characters;
    if (isFull) {
      groups.push([fact]);
      characters = size;
    } else {
      group.push(fact);
      characters += size;
    }
  }
  return groups;
}

/** The month in which a fact may have been claimed too: a retry tells a later time, and clocks differ. */
function monthBeside(at: string): string | undefined {
  const month = monthOf(at);
  if (new Date(at).getUTCDate() <= daysLookedBack) {
    return monthBefore(month);
  }
  const soon = monthOf(Date.parse(at) + mostClockSkew);
  return soon === month ? undefined : soon;
}

const claimKey = (factId: string): string => `id|${encodeKey(factId)}`;

function without(facts: readonly Fact[], claims: readonly Claim[]): readonly Fact[] {
  const ids = new Set(claims.map(({ factId }) => factId));
  return facts.filter(({ id }) => !ids.has(id));
}

function unfinished(month: string, row: Row): Unfinished {
  return { month, rowKey: row.rowKey ?? "", facts: unpackBody<readonly Fact[]>(row) };
}
