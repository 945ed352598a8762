import { beforeEach, describe, expect, it } from "@jest/globals";
import { createLog } from "../../src/log.ts";
import { deliveryTimes, nextAttempt, type Sent } from "../../src/notify/outbox.ts";
import type { Webhook } from "../../src/workflow/deliver.ts";
import { createNotifications, type NotificationPorts } from "../../src/workflow/notifications.ts";
import { tellingActivity } from "../../src/workflow/telling.ts";
import { afterNoon, anAccessRequest, aWindow, noon, subscriptionId } from "../support/builders.ts";
import { createFakeActivityStore } from "../support/fake-activity-store.ts";
import { createFakeIds } from "../support/fake-ids.ts";
import { createFakeOutbox, type FakeOutbox } from "../support/fake-outbox.ts";
import { createFakeRequestStore } from "../support/fake-request-store.ts";
import { createFaults, type Faults } from "../support/faults.ts";
import { aWindowFact } from "../support/notifications.ts";
import { createVirtualClock, type VirtualClock } from "../support/virtual-clock.ts";
import type { LogLine } from "../support/world.ts";

const ops: Webhook = { name: "ops", format: "json" };
const hour = 3_600_000;

describe("notifications", () => {
  let clock: VirtualClock;
  let outbox: FakeOutbox;
  let logged: LogLine[];
  /** Ids of the deliveries that arrived, in order, with the webhook's name. */
  let arrived: string[];
  let answer: (webhook: string, id: string) => Sent | Promise<Sent>;
  const activity = createFakeActivityStore();
  const requests = createFakeRequestStore();

  beforeEach(() => {
    clock = createVirtualClock(noon);
    outbox = createFakeOutbox();
    logged = [];
    arrived = [];
    answer = () => ({ outcome: "delivered" });
  });

  /** A process of the app. */
  function start(values: Partial<NotificationPorts> & { faults?: Faults } = {}) {
    const { faults = createFaults(), ...others } = values;
    const notifications = createNotifications({
      clock,
      log: createLog((_level, line) => logged.push(JSON.parse(line) as LogLine)),
      ids: createFakeIds(),
      requests,
      outbox: faults.through("outbox", outbox),
      webhooks: [ops],
      about: { deployment: "shop" },
      sender: {
        async send(webhook, { id }) {
          arrived.push(`${webhook} ${id}`);
          return answer(webhook, id);
        },
      },
      ...others,
    });
    return { ...notifications, activity: tellingActivity(activity, notifications.tell) };
  }

  const fact = aWindowFact();
  const events = () => logged.map(({ event }) => event);
  const recorded = async () =>
    (
      await activity.list({
        of: { subscriptionId },
        from: new Date(0),
        to: new Date("2100-01-01T00:00:00Z"),
        top: 100,
      })
    ).items;

  it("arrive once, however often the facts are recorded", async () => {
    const app = start();

    await clock.run(app.activity.record([fact]));
    await clock.advance(0);
    await clock.run(app.activity.record([fact]));
    await clock.run(app.sweep());

    expect(arrived).toHaveLength(1);
    expect(outbox.waiting).toEqual([]);
  });

  it("go to each webhook that wants the event", async () => {
    const webhooks: readonly Webhook[] = [
      ops,
      { name: "chat", format: "slack", events: ["opened", "closed"] },
      { name: "alarm", format: "teams", events: ["overdue"] },
    ];
    const app = start({ webhooks });

    await clock.run(app.activity.record([fact]));
    await clock.advance(0);

    expect(arrived.map((one) => one.split(" ")[0]).toSorted()).toEqual(["chat", "ops"]);
  });

  it("are neither stored nor sent without a webhook", async () => {
    const faults = createFaults();
    const app = start({ webhooks: [], faults });

    await app.activity.record([fact]);
    await app.sweep();

    expect(faults.calls).toEqual([]);
    expect(arrived).toEqual([]);
  });

  it("do not keep whoever records waiting for a receiver", async () => {
    answer = () => new Promise(() => undefined);

    await clock.run(start().activity.record([fact]));

    expect(clock.now().getTime() - noon.getTime()).toBeLessThan(2_001);
  });

  it("never keep a fact from being recorded: what cannot be stored is stored with the next sweep", async () => {
    const app = start({ faults: createFaults({ at: 1, kind: "fails" }) });

    await clock.run(app.activity.record([fact]));
    expect(await recorded()).toContainEqual(expect.objectContaining({ id: fact.id }));
    expect(arrived).toEqual([]);
    expect(events()).toContain("notification.unstored");

    await clock.run(app.sweep());

    expect(arrived).toHaveLength(1);
  });

  it("wait two seconds at most for an outbox that does not answer", async () => {
    const app = start({ faults: createFaults({ at: 1, kind: "dies before" }) });

    await clock.run(app.activity.record([fact]));
    await clock.run(app.sweep());

    expect(clock.now().getTime() - noon.getTime()).toBeLessThanOrEqual(22_000);
  });

  it("are not told when their facts could not be recorded", async () => {
    const notifications = start();
    const broken = tellingActivity(
      {
        ...activity,
        record: async () => {
          throw new Error("storage is away");
        },
      },
      notifications.tell,
    );

    await expect(broken.record([fact])).rejects.toThrow("storage is away");

    expect(outbox.told).toEqual([]);
  });

  it("are tried again after 1, 4 and 16 seconds in the same process, and later by the sweep", async () => {
    answer = () => ({ outcome: "failed", detail: "answered 503", isLasting: false });
    const app = start();
    const times: number[] = [];
    const seen = () => arrived.length;

    await clock.run(app.activity.record([fact]));
    for (const count of [2, 3, 4]) {
      await clock.runUntil(() => seen() >= count);
      times.push(Math.round((clock.now().getTime() - noon.getTime()) / 1_000));
    }
    await clock.advance(60_000);
    expect(seen()).toBe(4);
    await clock.advance(4_000);
    await clock.run(app.sweep());

    expect(times).toEqual([1, 5, 21]);
    expect(seen()).toBe(5);
  });

  it("leave a receiver alone for as long as it asks", async () => {
    answer = () => ({
      outcome: "failed",
      detail: "answered 429",
      isLasting: false,
      retryAfterMs: 120_000,
    });
    const app = start();

    await clock.run(app.activity.record([fact]));
    await clock.advance(119_000);
    await clock.run(app.sweep());
    expect(arrived).toHaveLength(1);
    await clock.advance(1_001);
    await clock.run(app.sweep());

    expect(arrived).toHaveLength(2);
  });

  it("warn when trying again will not help, and are tried all the same", async () => {
    answer = () => ({ outcome: "failed", detail: "answered 404", isLasting: true });
    const app = start();

    await clock.run(app.activity.record([fact]));
    await clock.advance(1_001);

    expect(arrived.length).toBeGreaterThan(1);
    expect(logged).toContainEqual(
      expect.objectContaining({
        event: "notification.failed",
        webhook: "ops",
        about: "opened",
        detail: "answered 404",
        isLasting: true,
      }),
    );
  });

  it("are given up with an error after a day, and told of no more", async () => {
    answer = () => ({ outcome: "failed", detail: "answered 410", isLasting: true });
    const app = start();

    await clock.run(app.activity.record([fact]));
    for (let minutes = 0; minutes < 25 * 60; minutes += 30) {
      await clock.advance(hour / 2);
      await clock.run(app.sweep());
    }
    const tries = arrived.length;
    await clock.run(app.activity.record([fact]));

    expect(tries).toBeGreaterThan(20);
    expect(tries).toBeLessThan(40);
    expect(events().filter((event) => event === "notification.givenUp")).toHaveLength(1);
    expect(outbox.waiting).toEqual([]);
    expect(arrived).toHaveLength(tries);
  });

  it("do not wait for a webhook that is out of order", async () => {
    const webhooks: readonly Webhook[] = [{ name: "dead", format: "json" }, ops];
    answer = (webhook) =>
      webhook === "dead" ? new Promise(() => undefined) : { outcome: "delivered" };
    const app = start({ webhooks });

    for (let port = 1; port <= 60; port += 1) {
      void app.activity.record([aWindowFact({ port })]);
    }
    await clock.advance(3_000);

    expect(arrived.filter((one) => one.startsWith("ops"))).toHaveLength(60);
  });

  it("ask a receiver that takes nothing three times or so, not for everything that is due", async () => {
    const app = start();
    answer = async () => {
      await clock.pause(10_000);
      return { outcome: "failed", detail: "did not answer in time", isLasting: false };
    };
    await clock.run(
      app.tell(
        Array.from({ length: 60 }, (_, port) => aWindowFact({ port, requestId: `${port}` })),
      ),
    );

    await clock.advance(10_500);

    expect(arrived.length).toBeLessThanOrEqual(8);
  });

  it("arrive again when the process died between sending and noting it: at least once", async () => {
    // The calls are add, due, claim, finish.
    const dying = start({ faults: createFaults({ at: 4, kind: "dies before" }) });
    await clock.run(dying.activity.record([fact]));
    await clock.advance(0);
    expect(arrived).toHaveLength(1);

    const next = start();
    await clock.run(next.sweep());
    expect(arrived).toHaveLength(1);
    await clock.advance(deliveryTimes.claim);
    await clock.run(next.sweep());

    expect(arrived).toHaveLength(2);
    expect(new Set(arrived).size).toBe(1);
    expect(outbox.waiting).toEqual([]);
  });

  it("arrive when the process died before it sent anything", async () => {
    const dying = start({ faults: createFaults({ at: 2, kind: "dies before" }) });
    await clock.run(dying.activity.record([fact]));

    await clock.run(start().sweep());

    expect(arrived).toHaveLength(1);
  });

  it("arrive once each from two processes that deliver at the same time", async () => {
    const [one, other] = [start(), start()];
    const facts = Array.from({ length: 30 }, (_, port) =>
      aWindowFact({ port, requestId: `${port}` }),
    );

    await clock.run(Promise.all([one.tell(facts), other.tell(facts), one.sweep(), other.sweep()]));
    await clock.advance(0);

    expect(arrived).toHaveLength(30);
    expect(new Set(arrived).size).toBe(30);
  });

  it("warn once of a window that closes soon, whoever sweeps and however often", async () => {
    await requests.create(
      anAccessRequest({
        windows: [aWindow({ state: "open", openedAt: afterNoon(0), closesAt: afterNoon(3_600) })],
      }),
    );
    const [one, other] = [start(), start()];

    for (const seconds of [3_240, 60, 60, 60, 60]) {
      await clock.advance(seconds * 1_000);
      await clock.run(Promise.all([one.sweep(), other.sweep()]));
    }

    expect(arrived).toHaveLength(1);
    expect(outbox.told[0]?.notification).toMatchObject({ event: "closingSoon" });
  });

  it("are forgotten two days after they were added", async () => {
    const app = start();
    await clock.run(app.activity.record([fact]));

    await clock.advance(47 * hour);
    await clock.run(app.sweep());
    expect(outbox.told).toHaveLength(1);
    await clock.advance(2 * hour);
    await clock.run(app.sweep());

    expect(outbox.told).toEqual([]);
  });
});

describe("the pause before another attempt", () => {
  const next = (attempts: number, retryAfterMs?: number, now = noon) =>
    nextAttempt({ addedAt: noon.toISOString(), attempts }, now, retryAfterMs);
  const pauseOf = (attempts: number, retryAfterMs?: number) =>
    ((next(attempts, retryAfterMs)?.getTime() ?? 0) - noon.getTime()) / 1_000;

  it("grows from a second to an hour", () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 500].map((attempts) => pauseOf(attempts));

    expect(pauses).toEqual([1, 4, 16, 64, 256, 1_024, 3_600, 3_600, 3_600]);
  });

  it("is as long as the receiver asks, up to an hour", () => {
    expect(pauseOf(1, 30_000)).toBe(30);
    expect(pauseOf(4, 30_000)).toBe(64);
    expect(pauseOf(1, 9e9)).toBe(3_600);
  });

  it("ends when a day has passed since it was added", () => {
    const late = new Date(noon.getTime() + 24 * hour - 500);

    expect(next(1, undefined, late)).toBeUndefined();
  });
});
