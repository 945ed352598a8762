import { odata } from "@azure/data-tables";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Fact } from "../../src/activity/fact.ts";
import { chainParts } from "../../src/activity/places.ts";
import { createActivityStore } from "../../src/tables/activity.ts";
import type { Tables } from "../../src/tables/client.ts";
import { createLedger } from "../../src/tables/ledger.ts";
import { allOf } from "../support/all-of.ts";
import { type Azurite, startAzurite } from "../support/azurite.ts";
import { countFacts, faultsOf } from "../support/chain-check.ts";
import { pause } from "../support/fresh-tables.ts";
import { type StorageWire, storageProcesses } from "../support/storage-wire.ts";
import { aFact, subscriptionId, vmId } from "../support/stored-samples.ts";

/** After a minute, the sweep takes up what was begun. */
const aMinuteLater = () => new Date(Date.now() + 60_000);

/** The last moment at which the month before is looked at. */
const again = "2026-03-07T23:59:59.999Z";

/** How many writes a recording of {@link story} takes. */
const writesOfStory = 9;

describe("a recording of facts that goes wrong on its way", () => {
  let azurite: Azurite;

  beforeAll(async () => {
    azurite = await startAzurite();
  }, 30_000);

  afterAll(() => azurite?.stop());

  const everyWrite = Array.from({ length: writesOfStory }, (_, index) => index + 1);
  const crashes: readonly NonNullable<StorageWire["fault"]>[] = [
    ...everyWrite.map((at) => ({ at, kind: "dies after" as const })),
    ...everyWrite.map((at) => ({ at, kind: "loses its answer" as const })),
    // The making of the table, the claims, a chain, and the end.
    ...[1, 2, 5, 9].map((at) => ({ at, kind: "is cut off" as const })),
  ];

  it.each(crashes)("write $at $kind: the sweep makes it whole, exactly once", async (fault) => {
    const open = storageProcesses(azurite);
    const [mortal, sweeper] = [open(), open()];
    mortal.wire.fault = fault;
    const facts = story();

    const outcome = await createActivityStore(mortal.tables, pause)
      .record(facts)
      .then(
        () => "recorded",
        () => "failed",
      );
    const ledger = createLedger(sweeper.tables, pause);
    await ledger.complete(aMinuteLater());

    expect(mortal.wire.writes).toBeGreaterThanOrEqual(fault.at);
    expect(await faultsOf(ledger)).toEqual([]);
    expect(await unfinishedIn(sweeper.tables)).toBe(0);
    // Whoever was told that it is recorded can rely on it.
    const count = await countFacts(ledger);
    expect([outcome, count]).toEqual(
      outcome === "recorded" ? ["recorded", 2] : ["failed", count === 0 ? 0 : 2],
    );
  });

  it.each([1, 2, 4, 8])(
    "dies at write %s: whoever tells the facts again makes them whole",
    async (at) => {
      const open = storageProcesses(azurite);
      const [mortal, other] = [open(), open()];
      mortal.wire.fault = { at, kind: "dies after" };
      const facts = story();
      const activity = createActivityStore(other.tables, pause);

      await createActivityStore(mortal.tables, pause)
        .record(facts)
        .catch(() => undefined);
      await activity.record(facts.map((fact) => ({ ...fact, at: again })));

      const ledger = createLedger(other.tables, pause);
      expect(await faultsOf(ledger)).toEqual([]);
      expect(await unfinishedIn(other.tables)).toBe(0);
      expect(await countFacts(ledger)).toBe(2);
      // The first telling counts, unless nobody was told of it.
      const { items } = await activity.list({
        of: { requestId: "request" },
        from: new Date(0),
        to: new Date("2027-01-01"),
        top: 10,
      });
      expect(items.map((fact) => fact.at)).toEqual(at === 1 ? [again, again] : timesOf(facts));
    },
  );

  it("is told first by a clock that is ahead, at a month's end: it lies once all the same", async () => {
    const open = storageProcesses(azurite);
    const [one, other] = [open(), open()];
    const fact = aFact({ at: "2026-04-01T00:00:00.200Z" });

    await createActivityStore(one.tables, pause).record([fact]);
    await createActivityStore(other.tables, pause).record([
      { ...fact, at: "2026-03-31T23:59:59.900Z" },
    ]);

    const ledger = createLedger(other.tables, pause);
    expect(await countFacts(ledger)).toBe(1);
    expect(await faultsOf(ledger)).toEqual([]);
  });

  it("is finished by nobody before its time, and answers what was finished", async () => {
    const open = storageProcesses(azurite);
    const [mortal, sweeper] = [open(), open()];
    // The table and the claims are written.
    mortal.wire.fault = { at: 2, kind: "dies after" };
    const facts = story();
    await createActivityStore(mortal.tables, pause)
      .record(facts)
      .catch(() => undefined);
    const ledger = createLedger(sweeper.tables, pause);

    expect(await ledger.complete(new Date(Date.now() - 60_000))).toEqual([]);
    expect(await ledger.complete(aMinuteLater())).toEqual(JSON.parse(JSON.stringify(facts)));
    expect(await ledger.complete(aMinuteLater())).toEqual([]);
  });

  it("says so in the log, and resolves, where only a chain could not be written", async () => {
    const { tables, wire } = storageProcesses(azurite)();
    const logged: unknown[] = [];
    const log = { factsUnfinished: (fields: object) => void logged.push(fields) };
    wire.fault = { at: 4, kind: "is cut off" };

    await createActivityStore(tables, pause, log).record(story());

    expect(logged).toEqual([
      { count: 2, chain: expect.stringContaining("2026-02/"), error: expect.any(Error) },
    ]);
    expect(await unfinishedIn(tables)).toBe(1);
  });

  it("does not happen again in a month that was dropped meanwhile by another process", async () => {
    const open = storageProcesses(azurite);
    const [one, other] = [open(), open()];
    const activity = createActivityStore(one.tables, pause);
    await activity.record([aFact()]);
    await createLedger(other.tables, pause).drop("2026-03");

    await activity.record([aFact()]);

    const ledger = createLedger(one.tables, pause);
    expect(await countFacts(ledger)).toBe(1);
    expect(await faultsOf(ledger)).toEqual([]);
  });
});

describe("rows of the activity that somebody changed in the storage", () => {
  let azurite: Azurite;

  beforeAll(async () => {
    azurite = await startAzurite();
  }, 30_000);

  afterAll(() => azurite?.stop());

  it.each([
    ["a column by which it would be found", { operation: "access.close" }],
    ["a column that was not there", { group: "Other" }],
    ["its text, beyond recognition", { body: "{" }],
    ["its text", { body: JSON.stringify(aFact({ justification: "nothing to see" })) }],
  ])("are found by the ledger where they changed %s", async (_case, change) => {
    const { tables } = storageProcesses(azurite)();
    const activity = createActivityStore(tables, pause);
    await activity.record([aFact({ vmId: undefined }), aFact()]);
    const client = tables.activity.toRead("2026-03");
    const filter = odata`operation eq ${"access.open"}`;
    const [row] = await allOf(client.listEntities({ queryOptions: { filter } }));
    const { partitionKey = "", rowKey = "" } = row ?? {};

    await client.updateEntity({ partitionKey, rowKey, ...change }, "Merge");

    const ledger = createLedger(tables, pause);
    const rows = await allOf(ledger.rows("2026-03"));
    expect(rows).toHaveLength(5);
    expect(await faultsOf(ledger)).not.toEqual([]);
  });

  it("are gone: whoever reads on from a place comes over the gap", async () => {
    const { tables } = storageProcesses(azurite)();
    const activity = createActivityStore(tables, pause);
    const facts = [1, 2, 3, 4, 5, 6].map((second) => aFact({ at: `2026-03-01T00:00:0${second}Z` }));
    for (const fact of facts) {
      await activity.record([fact]);
    }
    const ledger = createLedger(tables, pause);
    const [day] = await ledger.daysOf(subscriptionId, "2026-03-01", "2026-03-01");
    const chain = day?.chain ?? "";
    const client = tables.activity.toRead("2026-03");
    for (const removed of [2, 3, 4]) {
      const filter = odata`PartitionKey eq ${chainParts(chain).partition} and RowKey gt ${"!head"} and seq eq ${removed}`;
      for (const { partitionKey = "", rowKey = "" } of await allOf(
        client.listEntities({ queryOptions: { filter } }),
      )) {
        await client.deleteEntity(partitionKey, rowKey);
      }
    }

    const rest = await ledger.after(chain, 1, 2);

    expect(rest.map(({ position }) => position.sequence)).toEqual([5, 6]);
  });
});

/** Two facts of one request: with two chains of days, two of VMs, one of a person and one of the request they take nine writes. */
function story(): readonly Fact[] {
  const requestor = { tenantId: "tenant", objectId: "object", name: "alice" };
  return [
    aFact({ at: "2026-02-27T10:00:00.000Z", requestor, requestId: "request" }),
    aFact({ at: "2026-02-28T23:59:59.999Z", requestor, requestId: "request", vmId: vmId("db1") }),
  ];
}

/** Newest first. */
const timesOf = (facts: readonly Fact[]) => facts.map(({ at }) => at).toReversed();

/** Pending recordings of the month of {@link story}. */
async function unfinishedIn(tables: Tables): Promise<number> {
  const filter = odata`PartitionKey eq ${"claims"} and RowKey gt ${"pending|"} and RowKey lt ${"pending}"}`;
  const rows = await allOf(
    tables.activity.toRead("2026-02").listEntities({ queryOptions: { filter } }),
  ).catch(() => []);
  return rows.length;
}
