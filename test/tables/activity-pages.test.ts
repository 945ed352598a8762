import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createActivityStore } from "../../src/tables/activity.ts";
import { type Azurite, startAzurite } from "../support/azurite.ts";
import { pause } from "../support/fresh-tables.ts";
import { storageProcesses } from "../support/storage-wire.ts";
import { aFact, subscriptionId, vmId } from "../support/stored-samples.ts";

describe("a page of the activity", () => {
  let azurite: Azurite;

  beforeAll(async () => {
    azurite = await startAzurite();
  }, 30_000);

  afterAll(() => azurite?.stop());

  const span = { from: new Date("2023-01-01"), to: new Date("2026-12-31"), top: 10 };

  it.each([
    ["a VM", { vmId: vmId("web1") }],
    ["a subscription", { subscriptionId }],
  ])(
    "of %s ends after ten answers of the storage, and goes on from there",
    async (_case, of) => {
      const { tables, wire } = storageProcesses(azurite)();
      const activity = createActivityStore(tables, pause);
      const months = Array.from({ length: 14 }, (_, index) => new Date(Date.UTC(2025, index, 15)));
      await activity.record(
        months.map((at, index) => aFact({ id: `${index}`, at: at.toISOString() })),
      );
      await activity.record([
        aFact({ id: "wanted", at: "2025-01-10T00:00:00.000Z", comment: "Sought" }),
      ]);
      const query = { ...span, of, where: { text: "sought" } };
      wire.requests = 0;

      const first = await activity.list(query);
      const cost = wire.requests;
      const second = await activity.list({ ...query, continuation: first.continuation });

      expect(first).toEqual({ items: [], continuation: expect.any(String) });
      // One more lists the months.
      expect(cost).toBe(11);
      expect(second.items.map(({ id }) => id)).toEqual(["wanted"]);
      expect(second.continuation).toBeUndefined();
    },
    20_000,
  );

  it("goes on over months in which nothing was found at all", async () => {
    const { tables } = storageProcesses(azurite)();
    const activity = createActivityStore(tables, pause);
    const months = Array.from({ length: 25 }, (_, index) => new Date(Date.UTC(2024, index, 15)));
    await activity.record(months.map((at) => aFact({ at: at.toISOString(), vmId: vmId("other") })));
    await activity.record([aFact({ id: "wanted", at: "2024-01-10T00:00:00.000Z" })]);
    const query = { ...span, of: { vmId: vmId("web1") } };

    const pages = [await activity.list(query)];
    for (let last = pages[0]; last?.continuation !== undefined; last = pages.at(-1)) {
      pages.push(await activity.list({ ...query, continuation: last.continuation }));
    }

    expect(pages.map(({ items }) => items.map(({ id }) => id))).toEqual([[], [], ["wanted"]]);
  }, 20_000);

  it("loses nothing where the storage gives up looking for what it filters", async () => {
    const { tables, wire } = storageProcesses(azurite)();
    const activity = createActivityStore(tables, pause);
    const facts = [1, 2, 3].map((day) =>
      aFact({ at: `2026-03-0${day}T00:00:00.000Z`, outcome: day === 2 ? "failed" : "done" }),
    );
    await activity.record(facts);
    wire.answer = (request) =>
      decodeURIComponent(request.url).includes("outcome eq")
        ? {
            value: [],
            headers: {
              "x-ms-continuation-nextpartitionkey": "1!4!dm0",
              "x-ms-continuation-nextrowkey": "1!4!dm0",
            },
          }
        : undefined;

    const page = await activity.list({
      ...span,
      of: { subscriptionId },
      where: { outcomes: ["failed"] },
    });

    expect(page).toEqual({ items: [facts[1]] });
  });

  it.each(["000000000", "999999999"])(
    "that is asked for behind the day %s, which nobody has seen, does no harm",
    async (day) => {
      const { tables } = storageProcesses(azurite)();
      const activity = createActivityStore(tables, pause);
      const fact = aFact();
      await activity.record([fact]);
      const continuation = Buffer.from(JSON.stringify([day, ""])).toString("base64url");

      const page = await activity.list({ ...span, of: { subscriptionId }, continuation });

      expect(page).toEqual({ items: day === "000000000" ? [fact] : [] });
    },
  );

  it("is read only when a walk comes to it", async () => {
    const { tables, wire } = storageProcesses(azurite)();
    const activity = createActivityStore(tables, pause);
    await activity.record(Array.from({ length: 600 }, () => aFact({ vmId: undefined })));
    const walk = activity.walk({ ...span, of: { subscriptionId } })[Symbol.asyncIterator]();
    wire.requests = 0;

    await walk.next();
    const first = wire.requests;
    let count = 1;
    while (!(await walk.next()).done) {
      count += 1;
    }

    // The months, and a page; three of 250 in all.
    expect(first).toBe(2);
    expect(wire.requests).toBe(1 + 3);
    expect(count).toBe(600);
  }, 20_000);

  it("can be ended by whoever walks, though nothing is found for a long time", async () => {
    const { tables, wire } = storageProcesses(azurite)();
    const activity = createActivityStore(tables, pause);
    await activity.record(Array.from({ length: 600 }, () => aFact({ vmId: undefined })));
    const where = { text: "nowhere" };
    let answers = 0;
    const onAnswer = () => {
      answers += 1;
      if (answers === 2) {
        throw new Error("The time is up.");
      }
    };
    wire.requests = 0;

    const walk = activity.walk({ ...span, of: { subscriptionId }, where, onAnswer });

    await expect(walk[Symbol.asyncIterator]().next()).rejects.toThrow("The time is up.");
    expect(wire.requests).toBe(3);
  }, 20_000);

  it("has what another process recorded in a month that this one never heard of", async () => {
    const open = storageProcesses(azurite);
    const [one, other] = [open(), open()].map(({ tables }) => createActivityStore(tables, pause));
    const fact = aFact({ at: "2026-04-01T00:00:00.000Z" });
    await one?.record([aFact()]);
    const query = { ...span, of: { vmId: vmId("web1") }, to: new Date("2026-04-01T00:00:01Z") };
    await one?.list(query);

    await other?.record([fact]);

    expect((await one?.list(query))?.items[0]).toEqual(fact);
  });
});
