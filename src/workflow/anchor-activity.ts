import { type AnchorKeeper, type KeptAnchor, nextAnchor, readAnchor } from "../activity/anchor.ts";
import { daysOfMonth } from "../activity/months.ts";
import { monthOf } from "../activity/places.ts";
import type { ChainHead, Ledger } from "../activity/store.ts";
import type { Clock, Ids } from "../ports.ts";

export interface AnchorPorts {
  readonly clock: Pick<Clock, "now">;
  readonly ids: Pick<Ids, "digest">;
  readonly ledger: Pick<Ledger, "months" | "subscriptions" | "daysOf">;
  readonly anchors: AnchorKeeper;
  /** The container, where one is configured. */
  readonly anchorContainer?: AnchorKeeper | undefined;
}

/** So many heads an anchor holds at most: it has to fit a row of the table. More go into the next. */
const mostHeads = 5_000;

/**
 * How far before the last anchor chains of days are looked at again, in milliseconds: a fact lies with the day of its own time, and may have been
 * recorded later. What comes later still is held by the other chains alone until its month is dropped.
 */
const lookedBackMs = 35 * 86_400_000;

/**
 * Writes down what stands at the ends of the subscriptions' chains of days, of those that have changed since the last anchors: once a UTC day,
 * also where nothing has. Those chains hold every fact, and the others are compared with them. Answers whether it wrote one.
 */
export async function anchorDaily(ports: AnchorPorts): Promise<boolean> {
  const newest = await ports.anchors.newest();
  const now = ports.clock.now();
  // NB. Another day, not a later one: an anchor of a clock that was wrong ends nothing.
  if (newest?.at.slice(0, 10) === now.toISOString().slice(0, 10)) {
    return false;
  }
  // A full one was to be followed by others: whoever wrote it may have died before.
  const isFull = newest !== undefined && readAnchor(newest)?.heads.length === mostHeads;
  const since =
    newest === undefined || isFull
      ? 0
      : Math.min(Date.parse(newest.at), now.getTime()) - lookedBackMs;
  const months = await ports.ledger.months();
  const looked = months.filter((month) => month >= monthOf(since));
  return write(ports, newest, await changedHeads(ports, looked), {
    evenNone: newest !== undefined || months.length > 0,
  });
}

/** Writes down the ends of a month's chains, of those that differ from what anchors say. */
export async function anchorMonth(ports: AnchorPorts, month: string): Promise<void> {
  const heads = await changedHeads(ports, [month]);
  await write(ports, await ports.anchors.newest(), heads, { evenNone: false });
}

/** Puts into the container what it does not have yet: whoever wrote an anchor may have died before, or the container did not answer. */
export async function copyAnchors({ anchors, anchorContainer }: AnchorPorts): Promise<void> {
  if (anchorContainer === undefined) {
    return;
  }
  const [own, copied] = await Promise.all([anchors.numbers(), anchorContainer.numbers()]);
  if ([...own].every((number) => copied.has(number))) {
    return;
  }
  for await (const anchor of anchors.since(new Date(0))) {
    if (!copied.has(anchor.sequence)) {
      await anchorContainer.put(anchor);
    }
  }
}

/** NB. Another process may write the same anchor: one of both is first, and the other leaves it at that. */
async function write(
  ports: AnchorPorts,
  newest: KeptAnchor | undefined,
  heads: readonly ChainHead[],
  { evenNone }: { readonly evenNone: boolean },
): Promise<boolean> {
  const count = Math.max(evenNone ? 1 : 0, Math.ceil(heads.length / mostHeads));
  let before = newest;
  for (let part = 0; part < count; part += 1) {
    const some = heads.slice(part * mostHeads, (part + 1) * mostHeads);
    const anchor = nextAnchor(ports.ids.digest, before, ports.clock.now(), some);
    if (!(await ports.anchors.put(anchor))) {
      return false;
    }
    before = anchor;
  }
  return count > 0;
}

/** The heads of these months that no anchor tells as they are. */
async function changedHeads(
  ports: AnchorPorts,
  months: readonly string[],
): Promise<readonly ChainHead[]> {
  const [oldest] = months;
  if (oldest === undefined) {
    return [];
  }
  const known = new Map<string, string>();
  for await (const kept of ports.anchors.since(new Date(`${oldest}-01T00:00:00Z`))) {
    for (const { chain, hash } of readAnchor(kept)?.heads ?? []) {
      known.set(chain, hash);
    }
  }
  const changed: ChainHead[] = [];
  for (const month of months) {
    const { from, to } = daysOfMonth(month);
    for (const subscriptionId of await ports.ledger.subscriptions(month)) {
      const heads = await ports.ledger.daysOf(subscriptionId, from, to);
      changed.push(...heads.filter(({ chain, hash }) => known.get(chain) !== hash));
    }
  }
  return changed;
}
