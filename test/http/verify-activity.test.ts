import { beforeEach, describe, expect, it } from "@jest/globals";
import { anchorDaily } from "../../src/workflow/anchor-activity.ts";
import { aFact, afterNoon, subscriptionId, vmId } from "../support/builders.ts";
import { createFrontDoor, paths } from "../support/front-door.ts";
import { createWorld, type World } from "../support/world.ts";

const yesterday = afterNoon(-86_400);

describe("the verification of the activity", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;
  const other = "99999999-3c1d-4e7f-9a52-7d1c0e4b8f31";

  beforeEach(async () => {
    world = createWorld();
    door = createFrontDoor(world);
    await world.activity.record([
      aFact({ id: "first", at: yesterday }),
      aFact({ id: "second", at: yesterday, vmId: vmId("web-2") }),
      aFact({ id: "of-another", at: yesterday, subscriptionId: other }),
    ]);
    await anchorDaily(world);
  });

  const ask = (
    query: Readonly<Record<string, string>> = {},
    as: "olivia" | "alice" | "eve" = "olivia",
  ) =>
    door.call(
      "GET",
      `${paths.verifyActivity}?${new URLSearchParams({ subscriptionId, ...query })}`,
      { as },
    );
  const chainOf = async (kind: string) => {
    for await (const item of world.ledger.rows("2030-01")) {
      if ("head" in item && item.head.chain.includes(kind)) {
        return item.head.chain;
      }
    }
    return "";
  };

  it("tells what was looked at when everything is as it was written", async () => {
    const reply = await ask();

    expect(reply.status).toBe(200);
    expect(reply.json).toEqual({
      verified: true,
      months: ["2030-01"],
      chains: 3,
      facts: 2,
      problems: [],
      problemCount: 0,
      anchors: { checked: 1, latest: afterNoon(0) },
      checkedAt: afterNoon(0),
    });
  });

  it("tells an altered fact with its position", async () => {
    const chain = await chainOf("web-2");
    world.tamper.alter(chain, 1, { hash: "0".repeat(64) });

    const reply = await ask();

    expect(reply.json).toMatchObject({
      verified: false,
      problemCount: 1,
      problems: [{ kind: "altered", chain, sequence: 1, factId: "second", at: afterNoon(-86_400) }],
    });
  });

  it("says nothing of what is wrong in other subscriptions", async () => {
    world.tamper.alter(await chainOf(other), 1, { hash: "0".repeat(64) });

    expect((await ask()).json).toMatchObject({ verified: true, problems: [] });
  });

  it.each([
    { case: "has others there", more: [aFact({ id: "third" })] },
    { case: "has no other there", more: [] },
  ])(
    "tells whose fact was altered beyond knowing, in a chain of several, that it is so: who $case",
    async ({ more }) => {
      await world.activity.record(more);
      const chain = await chainOf("web-1");
      world.tamper.alter(chain, 1, { text: "{}" });

      const { json } = await ask();

      expect(json).toMatchObject({ verified: false, problemCount: 1 });
      expect(json.problems).toEqual([
        { kind: "altered", chain, message: expect.any(String), subscriptionId },
      ]);
    },
  );

  it("is for those who may read the subscription itself", async () => {
    for (const as of ["alice", "eve"] as const) {
      const reply = await ask({}, as);
      expect(reply.status).toBe(403);
      expect(reply.json.error).toMatchObject({
        code: "AuthorizationFailed",
        target: "subscriptionId",
      });
    }
  });

  it("looks at the months that the days asked for touch", async () => {
    await world.activity.record([aFact({ id: "long-ago", at: "2029-11-30T10:00:00.000Z" })]);

    expect((await ask({ from: "2029-11-01", to: "2029-12-31" })).json.months).toEqual(["2029-11"]);
    expect((await ask({ from: "2029-12-31" })).json.months).toEqual(["2030-01"]);
  });

  it("leaves what it does not get done in half a minute to the next call", async () => {
    await world.activity.record([aFact({ id: "long-ago", at: "2029-11-30T10:00:00.000Z" })]);
    const { rows } = world.ledger;
    world.ledger.rows = async function* (month) {
      await world.clock.pause(31_000);
      yield* rows(month);
    };

    const first = await ask({ from: "2029-11-01" });
    const second = await door.call("GET", first.json.nextLink);

    expect([first.json.months, second.json.months]).toEqual([["2029-11"], ["2030-01"]]);
    expect([first.json.verified, second.json.verified]).toEqual([true, true]);
    expect(second.json.nextLink).toBeUndefined();
  });

  it("gives up a month that takes longer than a minute, and says who can", async () => {
    world.ledger.rows = async function* (month) {
      for (let index = 0; index < 10_000; index += 1) {
        if (index % 1_000 === 0) {
          await world.clock.pause(20_000);
        }
        yield { head: { chain: `${month}/vm|${index}`, sequence: 0, hash: "" } };
      }
    };

    const reply = await ask();

    expect(reply.status).toBe(503);
    expect(reply.json.error.code).toBe("NotVerifiedInTime");
  });

  it("goes on once at a time for each caller", async () => {
    const { rows } = world.ledger;
    world.ledger.rows = async function* (month) {
      await world.clock.pause(5_000);
      yield* rows(month);
    };

    const replies = await Promise.all([ask(), ask()]);
    const refused = replies.find(({ status }) => status === 429);

    expect(replies.map(({ status }) => status).toSorted()).toEqual([200, 429]);
    expect(refused?.headers.get("retry-after")).toBe("15");
    expect((await ask()).status).toBe(200);
  });

  it.each([
    { case: "no subscription", query: { subscriptionId: "x" }, target: "subscriptionId" },
    { case: "no day", query: { from: "2030-01-31T12:00:00Z" }, target: "from" },
    {
      case: "an end before its beginning",
      query: { from: "2030-02-01", to: "2030-01-01" },
      target: "from",
    },
    { case: "a misspelt parameter", query: { form: "2030-01-01" }, target: "form" },
  ])("cannot be asked for $case", async ({ query, target }) => {
    const reply = await ask(query as Record<string, string>);

    expect(reply.status).toBe(400);
    expect(reply.json.error).toMatchObject({ code: "InvalidQuery", target });
  });
});
