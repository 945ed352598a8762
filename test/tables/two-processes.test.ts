import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createActivityStore } from "../../src/tables/activity.ts";
import { createTables } from "../../src/tables/client.ts";
import { createLedger } from "../../src/tables/ledger.ts";
import { allOf } from "../support/all-of.ts";
import { type Azurite, startAzurite } from "../support/azurite.ts";
import { pause } from "../support/fresh-tables.ts";
import { aFact, vmId } from "../support/stored-samples.ts";

describe("the activity of a process that has written nothing itself", () => {
  let azurite: Azurite;

  beforeAll(async () => {
    azurite = await startAzurite();
  }, 30_000);

  afterAll(() => azurite?.stop());

  it("shows the facts of another process, and its months", async () => {
    const fact = aFact({ at: "2026-03-05T09:00:00.000Z" });
    await createActivityStore(createTables(azurite, { prefix: "Two" }), pause).record([fact]);

    const tables = createTables(azurite, { prefix: "Two" });
    const of = { vmId: fact.vmId ?? vmId("web1") };
    const span = { of, from: new Date("2026-01-01"), to: new Date("2026-12-31") };
    const found = await allOf(createActivityStore(tables, pause).walk(span));

    expect(found.map((one) => one.fact.id)).toEqual([fact.id]);
    expect(await createLedger(tables, pause).months()).toEqual(["2026-03"]);
  });
});
