import { type Drop, type DroppedPart, type DropStore, dropFact } from "../activity/dropped.ts";
import { daysOfMonth, endOf } from "../activity/months.ts";
import type { ActivityStore, Ledger } from "../activity/store.ts";
import type { Log } from "../log.ts";
import { type AnchorPorts, anchorMonth, copyAnchors } from "./anchor-activity.ts";

export interface RetainPorts extends AnchorPorts {
  readonly log: Log;
  readonly ledger: Ledger;
  readonly activity: Pick<ActivityStore, "record">;
  readonly drops: DropStore;
}

/** NB. So many months go in one run at the most: a setting or clock that is wrong is seen before everything is gone. */
const mostMonths = 3;

/**
 * Drops months whose last day is more than so many days ago, whole, the oldest first. NB. The time that counts is that of an anchor
 * written before, on an earlier day: a clock that jumps into the future drops nothing.
 */
export async function dropOldMonths(
  ports: RetainPorts,
  retentionDays: number,
  anchoredAt: Date,
): Promise<void> {
  const now = Math.min(ports.clock.now().getTime(), anchoredAt.getTime());
  const months = await ports.ledger.months();
  const old = months.filter((month) => endOf(month) + retentionDays * 86_400_000 <= now);
  for (const month of old.slice(0, mostMonths)) {
    await ports.ledger.complete(ports.clock.now());
    await anchorMonth(ports, month);
    await copyAnchors(ports);
    const at = ports.clock.now().toISOString();
    const drop = { month, at, parts: await partsOf(ports, month) };
    await ports.drops.begin(drop);
    await carryOut(ports, drop);
  }
}

/** Drops that others began and did not bring to their end. */
export async function finishDrops(ports: RetainPorts): Promise<void> {
  for (const drop of await ports.drops.unfinished()) {
    await carryOut(ports, drop);
  }
}

/** Each step may be done again: facts are known by their ids, and what is gone is gone. */
async function carryOut(ports: RetainPorts, { month, at, parts }: Drop): Promise<void> {
  const { digest } = ports.ids;
  const tell = (outcome: "asked" | "done", when: Date) =>
    ports.activity.record(parts.map((part) => dropFact(month, part, outcome, when, digest)));
  await tell("asked", new Date(at));
  await ports.ledger.drop(month);
  await tell("done", ports.clock.now());
  await ports.drops.end(month);
  const facts = parts.reduce((sum, part) => sum + part.facts, 0);
  ports.log.activityDropped({ month, facts, subscriptions: parts.length });
}

async function partsOf({ ledger }: RetainPorts, month: string): Promise<readonly DroppedPart[]> {
  const { from, to } = daysOfMonth(month);
  const parts: DroppedPart[] = [];
  for (const subscriptionId of await ledger.subscriptions(month)) {
    const heads = await ledger.daysOf(subscriptionId, from, to);
    const facts = heads.reduce((sum, { sequence }) => sum + sequence, 0);
    parts.push({ subscriptionId, facts, chains: heads.length });
  }
  return parts;
}
