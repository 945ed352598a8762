import type { Notification } from "./event.ts";

/** A notification on its way to one webhook, by the webhook's name. */
export interface OutboxEntry {
  readonly webhook: string;
  readonly notification: Notification;
  /** ISO 8601, UTC. */
  readonly addedAt: string;
}

/** An entry that waits to be delivered. `key` and `etag` are the store's. */
export interface WaitingEntry extends OutboxEntry {
  readonly key: string;
  readonly etag: string;
  /** How often it was claimed. */
  readonly attempts: number;
}

/** What still has to be told. Everything may be repeated; a fault is thrown. */
export interface Outbox {
  /** Adds an entry that is due at once. One of the same notification and webhook stays as it is, and stays away when it was delivered. */
  add(entry: OutboxEntry): Promise<void>;
  /** Entries of a webhook whose time has come: what is urgent first, then those added first. */
  due(webhook: string, now: Date, most: number): Promise<readonly WaitingEntry[]>;
  /** Takes the entry until then, and counts the attempt; nothing when somebody else was quicker. */
  claim(entry: WaitingEntry, until: Date): Promise<WaitingEntry | undefined>;
  /** It was delivered, or given up: it waits no more, and is remembered. */
  finish(entry: WaitingEntry): Promise<void>;
  /** It is due again at that time; no effect when somebody else has taken it since. */
  postpone(entry: WaitingEntry, until: Date): Promise<void>;
  /** Forgets whatever was added before then, waiting or not. */
  purge(before: Date): Promise<void>;
}

/**
 * What became of one attempt. `detail` is for the log: no address, no secret, nothing of the answer's body. `isLasting`: the
 * receiver or the settings have to be put right, or it will be so for ever.
 */
export type Sent =
  | { readonly outcome: "delivered" }
  | {
      readonly outcome: "failed";
      readonly detail: string;
      readonly isLasting: boolean;
      /** How long the receiver wants to be left alone. */
      readonly retryAfterMs?: number | undefined;
    };

/** The way to the webhooks. Never throws for what a receiver does or does not do. */
export interface WebhookSender {
  send(
    webhook: string,
    message: { readonly id: string; readonly event: string; readonly body: string },
  ): Promise<Sent>;
}

/** In milliseconds; a claim outlasts any attempt. */
export const deliveryTimes = {
  claim: 60_000,
  firstPause: 1_000,
  longestPause: 3_600_000,
  giveUpAfter: 24 * 3_600_000,
  /** A notification is remembered for so long, so that facts that are told again are not sent again. */
  remembered: 48 * 3_600_000,
} as const;

/**
 * When to try again after so many attempts: after 1 s, 4 s, 16 s, … 1 h, not before the receiver wants it (an hour at most);
 * nothing when a day has passed since it was added.
 */
export function nextAttempt(
  { addedAt, attempts }: Pick<WaitingEntry, "addedAt" | "attempts">,
  now: Date,
  retryAfterMs = 0,
): Date | undefined {
  const { firstPause, longestPause, giveUpAfter } = deliveryTimes;
  const pause = Math.max(firstPause * 4 ** Math.min(attempts - 1, 10), retryAfterMs);
  const next = now.getTime() + Math.min(pause, longestPause);
  return next > Date.parse(addedAt) + giveUpAfter ? undefined : new Date(next);
}
