import type { Log } from "../log.ts";
import { mapLimited } from "../map-limited.ts";
import { type BodyFormat, bodyOf, type Sender } from "../notify/bodies.ts";
import type { NotificationEvent } from "../notify/event.ts";
import {
  deliveryTimes,
  nextAttempt,
  type Outbox,
  type Sent,
  type WaitingEntry,
  type WebhookSender,
} from "../notify/outbox.ts";
import type { Clock } from "../ports.ts";
import { guarded } from "./serial.ts";

/** A webhook as far as the workflow knows it: its address and secret stay with the sender. */
export interface Webhook {
  readonly name: string;
  readonly format: BodyFormat;
  /** Only these events; all of them when it is absent. */
  readonly events?: readonly NotificationEvent[] | undefined;
}

export interface DeliveryPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly outbox: Outbox;
  readonly sender: WebhookSender;
  /** What the bodies say of this service. */
  readonly about: Sender;
}

/** For one webhook: sends at once, reads at once, and failures in a row after which it is left alone until the next time. */
const limits = { parallel: 4, atOnce: 20, failuresInRow: 3 } as const;

/** A pause as short as this is waited for in this process; after a longer one the sweep comes by. */
const waitedForMs = 30_000;

/**
 * Builds what delivers to one webhook whatever is due. Calls while it is at work make it look once more, and nothing
 * else; it never rejects. Several processes may deliver at once: a claim gives each entry to one of them. An entry whose
 * deliverer died after sending it is sent again when its claim has run out: at least once.
 */
export function createDeliverer(ports: DeliveryPorts, webhook: Webhook): () => Promise<void> {
  const { clock, log, outbox } = ports;
  let running: Promise<void> | undefined;
  let isAskedAgain = false;
  let waiters = 0;

  async function run(): Promise<void> {
    try {
      do {
        isAskedAgain = false;
        await guarded(log, `notifications to ${webhook.name}`, deliverDue);
      } while (isAskedAgain);
    } finally {
      running = undefined;
    }
  }

  function deliver(): Promise<void> {
    isAskedAgain = true;
    running ??= run();
    return running;
  }

  async function deliverDue(): Promise<void> {
    for (;;) {
      const due = await outbox.due(webhook.name, clock.now(), limits.atOnce);
      let failuresInRow = 0;
      await mapLimited(due, limits.parallel, async (entry) => {
        if (failuresInRow < limits.failuresInRow) {
          failuresInRow = (await deliverOne(entry)) ? 0 : failuresInRow + 1;
        }
      });
      if (due.length < limits.atOnce || failuresInRow >= limits.failuresInRow) {
        return;
      }
    }
  }

  /** False when the receiver did not take it. */
  async function deliverOne(entry: WaitingEntry): Promise<boolean> {
    const until = new Date(clock.now().getTime() + deliveryTimes.claim);
    const claimed = await outbox.claim(entry, until);
    if (claimed === undefined) {
      return true;
    }
    const { notification } = claimed;
    const sent = await ports.sender.send(webhook.name, {
      id: notification.id,
      event: notification.event,
      body: bodyOf(webhook.format, notification, ports.about),
    });
    if (sent.outcome === "delivered") {
      await outbox.finish(claimed);
      return true;
    }
    await tryLater(claimed, sent);
    return false;
  }

  async function tryLater(
    entry: WaitingEntry,
    { detail, isLasting, retryAfterMs }: Extract<Sent, { outcome: "failed" }>,
  ): Promise<void> {
    const { attempts, notification } = entry;
    const told = { webhook: webhook.name, event: notification.event, id: notification.id };
    const now = clock.now();
    const next = nextAttempt(entry, now, retryAfterMs);
    if (next === undefined) {
      await outbox.finish(entry);
      log.notificationGivenUp({ ...told, attempts, detail });
      return;
    }
    await outbox.postpone(entry, next);
    log.notificationFailed({ ...told, attempts, detail, isLasting, next: next.toISOString() });
    lookAgainIn(next.getTime() - now.getTime());
  }

  /** A few of those who wait are enough: each looks at everything that is due. */
  function lookAgainIn(milliseconds: number): void {
    if (milliseconds <= waitedForMs && waiters < limits.failuresInRow) {
      waiters += 1;
      void clock.pause(milliseconds).then(() => {
        waiters -= 1;
        return deliver();
      });
    }
  }

  return deliver;
}
