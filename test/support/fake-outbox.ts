import type { Outbox, OutboxEntry, WaitingEntry } from "../../src/notify/outbox.ts";
import { isUrgent } from "../../src/notify/summary.ts";

export interface FakeOutbox extends Outbox {
  /** What was added and is remembered, delivered or not. */
  readonly told: readonly OutboxEntry[];
  /** What waits to be delivered, with the time at which it is due. */
  readonly waiting: readonly (WaitingEntry & { readonly dueAt: string })[];
}

/** The outbox in memory; keeps the same promises as the one in Table Storage, shown by the same contract tests. */
export function createFakeOutbox(): FakeOutbox {
  const told = new Map<string, OutboxEntry>();
  const waiting = new Map<string, WaitingEntry & { dueAt: string }>();
  let writes = 0;

  function write(entry: WaitingEntry, changed: { attempts: number; dueAt: string }) {
    if (waiting.get(entry.key)?.etag !== entry.etag) {
      return undefined;
    }
    writes += 1;
    const next = { ...entry, ...changed, etag: String(writes) };
    waiting.set(entry.key, next);
    return next;
  }

  return {
    get told() {
      return [...told.values()];
    },
    get waiting() {
      return [...waiting.values()];
    },
    async add(entry) {
      const key = JSON.stringify([entry.webhook, entry.notification.id]);
      if (!told.has(key)) {
        told.set(key, copy(entry));
        writes += 1;
        const etag = String(writes);
        waiting.set(key, { ...copy(entry), key, etag, attempts: 0, dueAt: entry.addedAt });
      }
    },
    async due(webhook, now, most) {
      return [...waiting.values()]
        .filter((entry) => entry.webhook === webhook && entry.dueAt <= now.toISOString())
        .sort((one, other) => (rankOf(one) < rankOf(other) ? -1 : 1))
        .slice(0, most)
        .map(({ dueAt: _, ...entry }) => copy(entry));
    },
    async claim(entry, until) {
      const next = write(entry, { attempts: entry.attempts + 1, dueAt: until.toISOString() });
      if (next === undefined) {
        return undefined;
      }
      const { dueAt: _, ...claimed } = next;
      return copy(claimed);
    },
    async finish({ key }) {
      waiting.delete(key);
    },
    async postpone(entry, until) {
      write(entry, { attempts: entry.attempts, dueAt: until.toISOString() });
    },
    async purge(before) {
      for (const entries of [told, waiting]) {
        for (const [key, { addedAt }] of entries) {
          if (addedAt < before.toISOString()) {
            entries.delete(key);
          }
        }
      }
    },
  };
}

/** As it would come back from storage. */
function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

/** What is urgent first, then what was added first. */
function rankOf({ notification, addedAt }: WaitingEntry): string {
  return `${isUrgent(notification) ? "0" : "1"}${addedAt}`;
}
