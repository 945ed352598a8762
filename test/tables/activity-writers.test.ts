import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { ActivityStore } from "../../src/activity/store.ts";
import { createActivityStore } from "../../src/tables/activity.ts";
import { createLedger } from "../../src/tables/ledger.ts";
import { type Azurite, startAzurite } from "../support/azurite.ts";
import { countFacts, faultsOf } from "../support/chain-check.ts";
import { pause } from "../support/fresh-tables.ts";
import { storageProcesses } from "../support/storage-wire.ts";
import { aFact, subscriptionId, vmId } from "../support/stored-samples.ts";

describe("writers of the activity at the same time", () => {
  let azurite: Azurite;

  beforeAll(async () => {
    azurite = await startAzurite();
  }, 30_000);

  afterAll(() => azurite?.stop());

  it("are 50 in five processes on one VM: all facts are there, and all chains intact", async () => {
    const open = storageProcesses(azurite);
    const processes = Array.from({ length: 5 }, () => createActivityStore(open().tables, pause));
    const facts = Array.from({ length: 50 }, (_, index) =>
      aFact({ requestId: `request-${index}` }),
    );

    await Promise.all(facts.map((fact, index) => processes[index % 5]?.record([fact])));

    const { tables } = open();
    const ledger = createLedger(tables, pause);
    const page = await createActivityStore(tables, pause).list({
      of: { vmId: vmId("web1") },
      from: new Date(0),
      to: new Date("2027-01-01"),
      top: 100,
    });
    expect(new Set(page.items.map(({ id }) => id))).toEqual(new Set(facts.map(({ id }) => id)));
    expect(await faultsOf(ledger)).toEqual([]);
    expect(await ledger.complete(new Date(Date.now() + 60_000))).toEqual([]);
  }, 20_000);

  it("tell the same facts in two processes again and again, in any order: each is there once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rounds, { minLength: 1, maxLength: 3 }), async (all) => {
        const open = storageProcesses(azurite);
        const processes = [open(), open()].map(({ tables }) => createActivityStore(tables, pause));

        for (const round of all) {
          await Promise.all(round.map((telling) => tell(processes, telling)));
        }

        const ledger = createLedger(open().tables, pause);
        expect(await faultsOf(ledger)).toEqual([]);
        expect(await countFacts(ledger)).toBe(
          new Set(all.flat().flatMap(({ facts }) => facts)).size,
        );
      }),
      { numRuns: Number(process.env["PROPERTY_RUNS"] ?? 6) },
    );
  }, 30_000);

  it("pay nothing for facts that they know to be whole", async () => {
    const { tables, wire } = storageProcesses(azurite)();
    const activity = createActivityStore(tables, pause);
    const facts = [aFact(), aFact()];
    await activity.record(facts);
    wire.requests = 0;

    await activity.record(facts.map((fact) => ({ ...fact, at: "2026-04-01T00:00:00.000Z" })));

    expect(wire.requests).toBe(0);
  });

  it("take as many calls for a fact and for a page however long the history is", async () => {
    const { tables, wire } = storageProcesses(azurite)();
    const activity = createActivityStore(tables, pause);
    const query = {
      of: { subscriptionId },
      from: new Date("2026-03-01"),
      to: new Date("2026-03-31"),
      where: { outcomes: ["failed"] as const },
      top: 10,
    };
    const costs: number[][] = [];
    await activity.record([aFact({ outcome: "failed" })]);
    await activity.list(query);
    for (const length of [1, 300]) {
      await activity.record(Array.from({ length }, () => aFact()));
      await activity.record([aFact({ outcome: "failed" })]);

      wire.requests = 0;
      await activity.record([aFact({ outcome: "failed" })]);
      const written = wire.requests;
      await activity.list(query);
      costs.push([written, wire.requests - written]);
    }

    expect(costs[1]).toEqual(costs[0]);
    expect(costs[0]?.[1]).toBe(1);
  }, 20_000);
});

interface Telling {
  readonly process: number;
  /** Numbers of facts. */
  readonly facts: readonly number[];
  /** Of the month: the same fact may be told on several. */
  readonly day: number;
}

/** What is told at once. */
const rounds = fc.array(
  fc.record({
    process: fc.integer({ min: 0, max: 1 }),
    facts: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 }),
    day: fc.integer({ min: 1, max: 28 }),
  }),
  { minLength: 1, maxLength: 4 },
);

function tell(processes: readonly ActivityStore[], { process, facts, day }: Telling) {
  return processes[process]?.record(
    facts.map((number) =>
      aFact({
        id: `fact-${number}`,
        at: new Date(Date.UTC(2026, 2, day)).toISOString(),
        ...(number % 2 === 0 ? {} : { vmId: undefined }),
        justification: `told on day ${day}`,
      }),
    ),
  );
}
