import { isFirewallGate } from "./gate.ts";

/** What tells how long updates of a gate take: its id, and the measured times in milliseconds. */
export interface Measured {
  readonly gateId: string;
  readonly updateTimes?: readonly number[] | undefined;
}

/**
 * So long a measured update counts at most, in milliseconds, or so many times the longest known one. NB. Its end is known once somebody
 * looks: after an outage of hours that would tell of hours, and whatever ends within them would be shut, and refused. What is
 * plausible counts in full: a lead too short lets a rule outlive its window.
 */
const mostMs = 900_000;
const mostTimesLonger = 3;

/** How many measured times are kept. */
const timesKept = 5;

/** Until one has been measured: Azure Firewall's updates take three to five minutes (Microsoft Learn, "Azure Firewall FAQ"). */
const firstGuessMs = 300_000;

/** What a closing needs beside the update: others may come first for a moment, and its end is noticed a little late. */
const marginMs = 2_000;

/**
 * How long before its end a window has to be taken off a gate so that its rules are gone in time, in milliseconds: the longest
 * of the recent updates and a tenth. Nothing for a network security group, of which whoever writes waits for the write.
 */
export function leadOf({ gateId, updateTimes = [] }: Measured): number {
  if (!isFirewallGate(gateId)) {
    return 0;
  }
  return Math.round(updateTimeOf({ updateTimes }) * 1.1) + marginMs;
}

/** What is kept of a gate's updates once one has ended: as asked, after `tookMs` as far as anybody has seen, or in vain. */
export function afterUpdate<
  T extends {
    readonly operation?: unknown;
    readonly updateTimes?: readonly number[] | undefined;
    readonly failures?: number | undefined;
  },
>({ operation: _, ...updates }: T, tookMs: number | undefined) {
  return tookMs === undefined
    ? { ...updates, failures: (updates.failures ?? 0) + 1 }
    : {
        ...updates,
        failures: 0,
        updateTimes: [
          ...(updates.updateTimes ?? []),
          Math.min(tookMs, Math.max(mostMs, mostTimesLonger * updateTimeOf(updates))),
        ].slice(-timesKept),
      };
}

/** How long an update of a firewall probably takes, in milliseconds. */
function updateTimeOf({ updateTimes = [] }: Pick<Measured, "updateTimes">): number {
  return updateTimes.length === 0 ? firstGuessMs : Math.max(...updateTimes);
}

/**
 * When everything that is wanted of a gate will probably be in effect, in milliseconds since 1970: with the update that is under
 * way, or with the one after it.
 */
export function expectedEnd(
  gate: Measured & {
    readonly operation?: { readonly startedAt: string; readonly revision: number } | undefined;
    readonly desiredRevision: number;
  },
  now: Date,
): number {
  const { operation, desiredRevision } = gate;
  const takes = updateTimeOf(gate);
  if (operation === undefined) {
    return now.getTime() + takes;
  }
  const ends = Math.max(Date.parse(operation.startedAt) + takes, now.getTime());
  return operation.revision >= desiredRevision ? ends : ends + takes;
}

/**
 * How long to leave an update alone before looking at it again, in milliseconds: half of what it should still take; where
 * nobody knows, a quarter of what it has taken.
 */
export function pauseFor(measured: Measured, elapsedMs: number): number {
  const { updateTimes = [] } = measured;
  if (updateTimes.length === 0) {
    return within(elapsedMs / 4, 1_000);
  }
  const shortest = Math.min(...updateTimes);
  return within((shortest - elapsedMs) / 2, Math.max(500, shortest / 40));
}

const longestPauseMs = 15_000;

const within = (pauseMs: number, leastMs: number): number =>
  Math.round(Math.min(Math.max(pauseMs, leastMs), longestPauseMs));

/**
 * How long an update surely still takes, as far as anybody knows, in milliseconds: until then one who looks how it goes is enough. 0
 * where none has been measured, or it should be over.
 */
export function surelyStillTakes({ updateTimes = [] }: Measured, elapsedMs: number): number {
  const shortest = updateTimes.length === 0 ? 0 : Math.min(...updateTimes);
  return Math.max(Math.round(shortest * 0.95 - elapsedMs), 0);
}

/** How often it is looked whether others ask, and for how long at most, in milliseconds. */
export interface Gathering {
  readonly everyMs: number;
  readonly longestMs: number;
}

/**
 * How the first of many who ask for a firewall's update waits for the others, also where nobody is known to come: for a little of what
 * those would wait who have to take the next update. NB. Less than `leadOf` has in hand: a closing may fall due meanwhile.
 */
export function gatheringFor({ updateTimes = [] }: Measured): Gathering {
  const shortest = updateTimes.length === 0 ? firstGuessMs : Math.min(...updateTimes);
  return {
    everyMs: Math.round(Math.min(Math.max(shortest / 40, 250), 2_000)),
    longestMs: Math.round(Math.min(Math.max(shortest / 12, 1_000), 10_000)),
  };
}
