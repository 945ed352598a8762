import type { Fact } from "../activity/fact.ts";
import { mapLimited } from "../map-limited.ts";
import { closingSoonNotifications } from "../notify/closing-soon.ts";
import { type Notification, notificationsOf } from "../notify/event.ts";
import { deliveryTimes, type OutboxEntry } from "../notify/outbox.ts";
import type { Ids, RequestStore } from "../ports.ts";
import { createDeliverer, type DeliveryPorts, type Webhook } from "./deliver.ts";
import { guarded } from "./serial.ts";

export interface NotificationPorts extends DeliveryPorts {
  readonly ids: Pick<Ids, "digest">;
  readonly requests: Pick<RequestStore, "live">;
  readonly webhooks: readonly Webhook[];
}

/** Tells people, by webhooks, of what was recorded. With no webhook nothing is stored, read or sent. */
export interface Notifications {
  /** Puts what the facts tell into the outbox and begins to deliver it. Never rejects, and ends within two seconds. */
  tell(facts: readonly Fact[]): Promise<void>;
  /** Tells of windows that close soon, and takes up what others left: entries that are due, or were not stored. Never rejects, and ends within 20 seconds. */
  sweep(): Promise<void>;
}

/** Whoever tells waits so long for the outbox, in milliseconds; storing goes on behind. */
const patienceMs = 2_000;

/** NB. The sweep that closes ports comes again only when this one has ended: it does not wait for slow receivers. */
const sweepPatienceMs = 20_000;

/** Entries that could not be stored are kept in memory, the newest of them, for the next time. */
const mostKept = 1_000;

const parallelAdds = 8;

/** How often old entries are forgotten, in milliseconds. */
const purgeEvery = 3_600_000;

/**
 * Builds the notifications of one process. NB. The audit comes first: no fault of outbox or webhooks reaches whoever records
 * a fact. What cannot be stored is kept in memory and tried again with the next fact or sweep; it is lost only when the
 * process ends before that, and nobody records the same facts again.
 */
export function createNotifications(ports: NotificationPorts): Notifications {
  const { clock, log, outbox, webhooks, ids } = ports;
  if (webhooks.length === 0) {
    return { tell: async () => undefined, sweep: async () => undefined };
  }
  const deliverers = webhooks.map((webhook) => createDeliverer(ports, webhook));
  const deliver = () => Promise.all(deliverers.map((start) => start()));
  let unstored: readonly OutboxEntry[] = [];
  let purgedAt = Number.NEGATIVE_INFINITY;

  function entriesOf(notifications: readonly Notification[]): readonly OutboxEntry[] {
    const addedAt = clock.now().toISOString();
    return webhooks.flatMap(({ name, events }) =>
      notifications
        .filter(({ event }) => events === undefined || events.includes(event))
        .map((notification) => ({ webhook: name, notification, addedAt })),
    );
  }

  /** Once storing fails, the rest is kept without a try: storage that is down is not asked a thousand times. */
  async function add(entries: readonly OutboxEntry[]): Promise<void> {
    const all = [...entries, ...unstored];
    const failed: OutboxEntry[] = [];
    let fault: unknown;
    unstored = [];
    await mapLimited(all, parallelAdds, async (entry) => {
      try {
        if (failed.length === 0) {
          await outbox.add(entry);
        } else {
          failed.push(entry);
        }
      } catch (error) {
        fault = error;
        failed.push(entry);
      }
    });
    unstored = [...failed, ...unstored].slice(0, mostKept);
    if (failed.length > 0) {
      log.notificationsUnstored({ count: failed.length, error: fault });
    }
  }

  async function purge(): Promise<void> {
    const now = clock.now().getTime();
    if (now - purgedAt >= purgeEvery) {
      purgedAt = now;
      await outbox.purge(new Date(now - deliveryTimes.remembered));
    }
  }

  async function sweepAll(): Promise<void> {
    await guarded(log, "telling what closes soon", async () => {
      const requests = await ports.requests.live();
      await add(entriesOf(closingSoonNotifications(requests, clock.now(), ids.digest)));
    });
    await deliver();
    await guarded(log, "forgetting old notifications", purge);
  }

  return {
    async tell(facts) {
      await guarded(log, "telling people", async () => {
        const entries = entriesOf(notificationsOf(facts, ids.digest));
        if (entries.length > 0) {
          const added = add(entries).then(() => void deliver());
          await Promise.race([added, clock.pause(patienceMs)]);
        }
      });
    },

    async sweep() {
      await Promise.race([sweepAll(), clock.pause(sweepPatienceMs)]);
    },
  };
}
