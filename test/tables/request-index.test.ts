import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { indexRows } from "../../src/tables/request-index.ts";
import { createRequestStore } from "../../src/tables/requests.ts";
import { type Azurite, startAzurite } from "../support/azurite.ts";
import { freshTables, pause } from "../support/fresh-tables.ts";
import { aRequest, subscriptionId } from "../support/stored-samples.ts";

describe("the index of requests", () => {
  let azurite: Azurite;

  beforeAll(async () => {
    azurite = await startAzurite();
  }, 30_000);

  afterAll(() => azurite?.stop());

  it("leads past requests that were never stored, as whoever asked died in between", async () => {
    const tables = freshTables(azurite);
    const requests = createRequestStore(tables, pause);
    const [older, ghost, newer] = [1, 2, 3].map((day) =>
      aRequest({ createdAt: `2026-03-0${day}T09:00:00.000Z` }),
    ) as [ReturnType<typeof aRequest>, ReturnType<typeof aRequest>, ReturnType<typeof aRequest>];
    await requests.create(older);
    await requests.create(newer);
    const client = await tables.requests();
    for (const row of indexRows(ghost)) {
      await client.createEntity({ ...row });
    }
    await client.createEntity({ partitionKey: "live", rowKey: ghost.id, requestId: ghost.id });

    const query = {
      of: { subscriptionId },
      from: new Date("2026-02-01T00:00:00Z"),
      to: new Date("2026-04-01T00:00:00Z"),
    };
    const first = await requests.list({ ...query, top: 2 });
    const second = await requests.list({ ...query, top: 2, continuation: first.continuation });

    expect([first.items, second.items]).toEqual([[newer], [older]]);
    expect(await requests.live()).toEqual([]);
  });

  it("keeps nothing of a request that is too large to be stored", async () => {
    const requests = createRequestStore(freshTables(azurite), pause);
    const incompressible = randomBytes(2 * 1_024 * 1_024).toString("base64");
    const request = aRequest({ justification: incompressible });

    await expect(requests.create(request)).rejects.toThrow("compressed");

    expect(await requests.countLive(request.requestor, 1)).toBe(0);
  });
});
