import { RestError } from "@azure/data-tables";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createActivityStore } from "../../src/tables/activity.ts";
import { createTables, type Tables } from "../../src/tables/client.ts";
import { rowsOf } from "../../src/tables/fact-rows.ts";
import { createLedger } from "../../src/tables/ledger.ts";
import { allOf } from "../support/all-of.ts";
import { type Azurite, startAzurite } from "../support/azurite.ts";
import { pause } from "../support/fresh-tables.ts";
import { aFact, subscriptionId, vmId } from "../support/stored-samples.ts";

const aMinuteLater = () => new Date(Date.now() + 60_000);

describe("a fact that the storage does not take", () => {
  let azurite: Azurite;

  beforeAll(async () => {
    azurite = await startAzurite();
  }, 30_000);

  afterAll(() => azurite?.stop());

  /** A storage that refuses rows of chains whose fact says `poison`, for ever. */
  function choosy(prefix: string, isDead = () => false): Tables {
    return createTables(azurite, {
      prefix,
      additionalPolicies: [
        {
          position: "perRetry",
          policy: {
            name: "choosy",
            sendRequest(request, next) {
              const body = String(request.body ?? "");
              const isOfChain = request.method === "POST" && body.includes("subscription%7C");
              const isInChain = isOfChain || body.includes('"PartitionKey":"subscription|');
              if (isInChain && (isDead() || body.includes("poison"))) {
                throw new RestError("Not taken.", {
                  code: "InvalidInput",
                  statusCode: 400,
                  request,
                });
              }
              return next(request);
            },
          },
        },
      ],
    });
  }

  const idsIn = async (tables: Tables) => {
    const facts = await allOf(
      createActivityStore(tables, pause).walk({
        of: { subscriptionId },
        from: new Date(0),
        to: new Date("2100-01-01T00:00:00Z"),
      }),
    );
    return facts.map(({ fact }) => fact.id).filter((id) => !id.includes("poison"));
  };

  it("keeps no other out of the chain that is written together with it", async () => {
    const tables = choosy("Ttogether");
    const activity = createActivityStore(tables, pause);

    await Promise.all(["a", "b-poison", "c", "d"].map((id) => activity.record([aFact({ id })])));

    expect((await idsIn(tables)).toSorted()).toEqual(["a", "c", "d"]);
  });

  it("keeps nobody from finishing all others, however many there are of its kind", async () => {
    let isDead = false;
    const tables = choosy("Tmany", () => isDead);
    const activity = createActivityStore(tables, pause);
    const poison = Array.from({ length: 120 }, (_, index) => aFact({ id: `poison-${index}` }));
    isDead = true;
    await Promise.all(poison.map((fact) => activity.record([fact])));
    await Promise.all(["a", "b", "c"].map((id) => activity.record([aFact({ id })])));
    isDead = false;
    const ledger = createLedger(tables, pause);

    for (let minute = 0; minute < 3; minute += 1) {
      await ledger.complete(aMinuteLater());
    }

    expect((await idsIn(tables)).toSorted()).toEqual(["a", "b", "c"]);
  });

  it("cannot be made with a name: whatever a VM or a subscription is called, its columns are plain", () => {
    const odd = aFact({
      vmId: vmId("\uD800\u0001é|'"),
      subscriptionId: "\uDFFF\u0000'",
    });

    const texts = rowsOf(odd).flatMap(({ body: _, ...row }) =>
      Object.values(row).map((value) => String(value)),
    );

    expect(texts.filter((text) => /[^\x20-\x7e]/.test(text))).toEqual([]);
  });
});
