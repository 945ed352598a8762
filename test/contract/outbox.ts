import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Outbox, OutboxEntry, WaitingEntry } from "../../src/notify/outbox.ts";
import { afterNoon, noon } from "../support/builders.ts";
import { aNotification } from "../support/notifications.ts";

const entry = (id: string, values: Partial<OutboxEntry> = {}): OutboxEntry => ({
  webhook: "ops",
  notification: aNotification({ id }),
  addedAt: afterNoon(0),
  ...values,
});

const at = (seconds: number): Date => new Date(afterNoon(seconds));
const idsOf = (entries: readonly WaitingEntry[]) => entries.map((one) => one.notification.id);

/** What every outbox promises. `one` and `other` are two processes' ways to the same outbox. */
export function outboxContract(open: () => { one: Outbox; other: Outbox }): void {
  describe("the outbox", () => {
    let one: Outbox;
    let other: Outbox;
    const due = (seconds = 0, webhook = "ops") => one.due(webhook, at(seconds), 100);

    beforeEach(() => {
      ({ one, other } = open());
    });

    it("gives back what was added, each webhook its own", async () => {
      const added = entry("a", { notification: aNotification({ id: "a", comment: "ä – 🚪" }) });
      await one.add(added);
      await one.add(entry("b", { webhook: "ops-2" }));

      expect(await due()).toEqual([expect.objectContaining({ ...added, attempts: 0 })]);
      expect(idsOf(await due(0, "ops-2"))).toEqual(["b"]);
      expect(await due(0, "op")).toEqual([]);
    });

    it("gives those first that were added first, and not more than asked for", async () => {
      await one.add(entry("late", { addedAt: afterNoon(2) }));
      await one.add(entry("early", { addedAt: afterNoon(1) }));
      await one.add(entry("last", { addedAt: afterNoon(3) }));

      expect(idsOf(await one.due("ops", at(9), 2))).toEqual(["early", "late"]);
    });

    it("gives what is urgent before what was only added earlier", async () => {
      await one.add(entry("usual", { addedAt: afterNoon(1) }));
      const urgent = aNotification({ id: "urgent", event: "overdue" });
      await one.add(entry("urgent", { notification: urgent, addedAt: afterNoon(2) }));

      expect(idsOf(await one.due("ops", at(9), 2))).toEqual(["urgent", "usual"]);
    });

    it("keeps a notification once for each webhook, however often and whenever it is added", async () => {
      await Promise.all([one.add(entry("a")), other.add(entry("a", { addedAt: afterNoon(1) }))]);
      await other.add(entry("a", { addedAt: afterNoon(60) }));

      expect(idsOf(await due(99))).toEqual(["a"]);
    });

    it("does not take a notification again that was delivered", async () => {
      await one.add(entry("a"));
      const [waiting] = (await due()) as [WaitingEntry];
      await one.finish(waiting);

      await other.add(entry("a", { addedAt: afterNoon(3_600) }));

      expect(await due(9_999)).toEqual([]);
    });

    it("gives an entry to one of two deliverers", async () => {
      await one.add(entry("a"));
      const [waiting] = (await due()) as [WaitingEntry];

      const claims = await Promise.all([
        one.claim(waiting, at(60)),
        other.claim(waiting, at(60)),
        one.claim(waiting, at(60)),
      ]);

      expect(claims.filter((claim) => claim !== undefined)).toEqual([
        expect.objectContaining({ attempts: 1, notification: waiting.notification }),
      ]);
    });

    it("has an entry due again when whoever claimed it gave no sign until then", async () => {
      await one.add(entry("a"));
      const [waiting] = (await due()) as [WaitingEntry];
      await one.claim(waiting, at(60));

      expect(await due(59)).toEqual([]);
      expect(await due(60)).toEqual([expect.objectContaining({ attempts: 1 })]);
    });

    it("has an entry due again when it was put off until then, but not by somebody who lost it", async () => {
      await one.add(entry("a"));
      const [waiting] = (await due()) as [WaitingEntry];
      const claimed = (await one.claim(waiting, at(60))) as WaitingEntry;
      await one.postpone(waiting, at(1));
      expect(await due(59)).toEqual([]);

      await one.postpone(claimed, at(4));

      expect(await due(3)).toEqual([]);
      expect(await due(4)).toEqual([expect.objectContaining({ attempts: 1 })]);
    });

    it("takes it for no fault when what is finished, claimed or put off is gone", async () => {
      await one.add(entry("a"));
      const [waiting] = (await due()) as [WaitingEntry];
      await other.finish(waiting);

      await one.finish(waiting);
      await one.postpone(waiting, at(1));

      expect(await one.claim(waiting, at(60))).toBeUndefined();
      expect(await due(9_999)).toEqual([]);
    });

    it("forgets what is old, delivered or not, and nothing else", async () => {
      await one.add(entry("old"));
      await one.add(entry("old-2", { webhook: "gone" }));
      await one.add(entry("new", { addedAt: afterNoon(10) }));

      await one.purge(at(10));

      expect(idsOf(await due(99))).toEqual(["new"]);
      expect(await due(99, "gone")).toEqual([]);
      await one.add(entry("old", { addedAt: afterNoon(20) }));
      expect(idsOf(await due(99))).toEqual(["new", "old"]);
    });

    it("keeps a notification that is as long as one can be", async () => {
      const long = aNotification({
        id: "long",
        subjects: Array.from({ length: 20 }, () => ({ vmId: "ä".repeat(3_000) })),
      });
      await one.add({ webhook: "ops", notification: long, addedAt: noon.toISOString() });

      const [waiting] = (await due()) as [WaitingEntry];
      const claimed = await one.claim(waiting, at(1));

      expect(claimed?.notification).toEqual(long);
      expect((await due(1))[0]?.notification).toEqual(long);
    });
  });
}
