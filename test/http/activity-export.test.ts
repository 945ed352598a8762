import { beforeEach, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { Fact } from "../../src/activity/fact.ts";
import { readCursor, writeCursor } from "../../src/http/export-cursor.ts";
import { aFact, afterNoon, subscriptionId, vmId } from "../support/builders.ts";
import { createFrontDoor, type Person, paths, type Reply } from "../support/front-door.ts";
import { fewRuns, propertyRuns } from "../support/property-runs.ts";
import { createWorld, type World } from "../support/world.ts";

const day = 86_400;
/** Recorded so many seconds after noon. */
const factAt = (id: string, seconds: number, values: Partial<Fact> = {}): Fact =>
  aFact({ id, at: afterNoon(seconds), ...values });
const another = "99999999-3c1d-4e7f-9a52-7d1c0e4b8f31";

describe("the export of the activity", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(() => {
    world = createWorld();
    door = createFrontDoor(world);
  });

  const ask = (query: Record<string, string> = {}, as: Person = "olivia") =>
    door.call(
      "GET",
      `${paths.activityExport}?${new URLSearchParams({ subscriptionId, ...query })}`,
      {
        as,
      },
    );
  const ids = ({ text }: Reply) =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line).id);
  const cursorOf = ({ headers }: Reply) => headers.get("x-jit-cursor") ?? "";

  /** As the loop in docs/api.md: until nothing is there yet. */
  async function fetchAll(query: Record<string, string>) {
    const fetched: string[] = [];
    let [asked, portions] = [query, 0];
    for (;;) {
      const reply = await ask(asked);
      fetched.push(...ids(reply));
      asked = {
        ...(query["top"] === undefined ? {} : { top: query["top"] }),
        cursor: cursorOf(reply),
      };
      portions += 1;
      if (reply.headers.get("x-jit-more") !== "true") {
        return { fetched, portions, cursor: cursorOf(reply) };
      }
    }
  }

  it("gives a subscription's facts in the order of recording, day by day, and then nothing until there are new ones", async () => {
    await world.activity.record([
      factAt("today", 0),
      factAt("yesterday", -day),
      factAt("earlier today", -600),
      factAt("of another", 0, { subscriptionId: another }),
    ]);

    const first = await ask();
    const second = await ask({ cursor: cursorOf(first) });
    await world.activity.record([factAt("new", 0)]);
    const third = await ask({ cursor: cursorOf(second) });

    expect(first.status).toBe(200);
    expect(first.headers.get("content-type")).toBe("application/x-ndjson");
    expect([first, second, third].map(ids)).toEqual([
      ["yesterday", "today", "earlier today"],
      [],
      ["new"],
    ]);
    expect(cursorOf(second)).toBe(cursorOf(first));
    expect([first, second, third].map(({ headers }) => headers.get("x-jit-more"))).toEqual([
      "false",
      "false",
      "false",
    ]);
  });

  it("tells each fact whole, with its place in its chain", async () => {
    await world.activity.record([factAt("one", 0, { justification: "INC-4711" })]);

    const reply = await ask();

    expect(JSON.parse(reply.text)).toEqual({
      ...factAt("one", 0, { justification: "INC-4711" }),
      chain: {
        name: expect.stringMatching(/^2030-01\/subscription\|/),
        sequence: 1,
        hash: expect.stringMatching(/^[\da-f]{64}$/),
      },
    });
  });

  it("comes in portions that lead through all of it exactly once", async () => {
    const facts = Array.from({ length: 23 }, (_, index) =>
      factAt(`fact-${index}`, -index * 40_000),
    );
    await world.activity.record(facts);

    const { fetched, portions } = await fetchAll({ top: "5" });

    expect(fetched.toSorted()).toEqual(facts.map(({ id }) => id).toSorted());
    expect(portions).toBe(5);
  });

  it("ends a portion before its facts grow too large to be held", async () => {
    const justification = "x".repeat(30_000);
    await world.activity.record(
      Array.from({ length: 450 }, (_, index) => factAt(`${index}`, 0, { justification })),
    );

    const first = await ask();
    const { fetched } = await fetchAll({ cursor: cursorOf(first) });

    expect(ids(first)).toHaveLength(200);
    expect(first.headers.get("x-jit-more")).toBe("true");
    expect(fetched).toHaveLength(250);
  });

  it("begins thirty days ago, or with the day that is named", async () => {
    await world.activity.record(
      [-40, -31, -30, -20, -1].map((days) => factAt(`${days}`, days * day)),
    );

    expect((await fetchAll({})).fetched).toEqual(["-30", "-20", "-1"]);
    expect((await fetchAll({ from: afterNoon(-20 * day + 3_600) })).fetched).toEqual(["-20", "-1"]);
    expect((await fetchAll({ from: "1999-01-01T00:00:00Z" })).fetched).toEqual([
      "-40",
      "-31",
      "-30",
      "-20",
      "-1",
    ]);
  });

  it("goes on where it was after months without anybody who fetched", async () => {
    await world.activity.record([factAt("before", 0)]);
    const { cursor } = await fetchAll({});
    await world.clock.advance(100 * day * 1_000);
    await world.activity.record([factAt("meanwhile", 50 * day), factAt("now", 100 * day)]);

    expect((await fetchAll({ cursor })).fetched).toEqual(["meanwhile", "now"]);
  });

  it("does not miss a fact that is recorded late into one of the last eight days", async () => {
    await world.activity.record([factAt("first", -7 * day), factAt("second", 0)]);
    const { cursor } = await fetchAll({});
    await world.activity.record([factAt("late", -7 * day + 60), factAt("too late", -8 * day)]);

    expect((await fetchAll({ cursor })).fetched).toEqual(["late"]);
  });

  it("has a cursor that stays short, however long it goes on", async () => {
    let cursor = (await fetchAll({})).cursor;
    for (let passed = 0; passed < 30; passed += 1) {
      await world.activity.record([factAt(`${passed}`, passed * day)]);
      ({ cursor } = await fetchAll({ cursor }));
      await world.clock.advance(day * 1_000);
    }

    expect(cursor.length).toBeLessThan(120);
  });

  it("is for those who may read the subscription, and leaves out what they are denied", async () => {
    await world.activity.record([factAt("web-1", 0), factAt("web-2", 0, { vmId: vmId("web-2") })]);
    expect(ids(await ask({}, "rita"))).toEqual(["web-1", "web-2"]);

    door.rights.deny(vmId("web-2"), ["*/read"]);
    expect(ids(await ask({}, "rita"))).toEqual(["web-1"]);

    const reply = await ask({}, "alice");
    expect([reply.status, reply.json.error.code]).toEqual([403, "AuthorizationFailed"]);
    expect(reply.headers.get("x-jit-cursor")).toBeNull();
  });

  it("may be compressed", async () => {
    await world.activity.record([factAt("one", 0)]);
    const address = `${paths.activityExport}?subscriptionId=${subscriptionId}`;
    const headers = { "accept-encoding": "gzip" };
    const reply = await door.call("GET", address, { headers, inRealTime: true });

    expect(reply.headers.get("content-encoding")).toBe("gzip");
    expect(ids(reply)).toEqual(["one"]);
  });

  it.each<{ case: string; query: Record<string, string>; target: string }>([
    { case: "no subscription", query: { subscriptionId: "x" }, target: "subscriptionId" },
    { case: "a cursor that is none", query: { cursor: "nonsense" }, target: "cursor" },
    {
      case: "another subscription's cursor",
      query: { cursor: writeCursor({ day: 20_000, reached: [] }, another) },
      target: "cursor",
    },
    {
      case: "a cursor of the future",
      query: { cursor: writeCursor({ day: 22_000, reached: [] }, subscriptionId) },
      target: "cursor",
    },
    { case: "an end", query: { to: afterNoon(0) }, target: "to" },
    {
      case: "a beginning and a cursor",
      query: {
        from: afterNoon(-day),
        cursor: writeCursor({ day: 20_000, reached: [] }, subscriptionId),
      },
      target: "from",
    },
    { case: "a beginning in the future", query: { from: afterNoon(day) }, target: "from" },
    { case: "too many facts", query: { top: "5001" }, target: "top" },
    { case: "a filter", query: { operation: "access.open" }, target: "operation" },
  ])("cannot be asked for $case", async ({ query, target }) => {
    const reply = await ask(query);

    expect(reply.status).toBe(400);
    expect(reply.json.error).toMatchObject({ code: "InvalidQuery", target });
  });

  it("misses nothing and repeats nothing, whenever somebody fetches while facts are recorded now or late", async () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ record: fc.array(fc.integer({ min: -6 * day, max: 0 }), { maxLength: 6 }) }),
        fc.record({ fetch: fc.integer({ min: 1, max: 4 }) }),
        fc.record({ wait: fc.integer({ min: 1, max: day }) }),
      ),
      { maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        world = createWorld();
        door = createFrontDoor(world);
        const [recorded, fetched]: [string[], string[]] = [[], []];
        let query: Record<string, string> = {};
        let passed = 0;
        for (const step of all) {
          if ("record" in step) {
            const facts = step.record.map((at, index) =>
              factAt(`${recorded.length + index}`, passed + at),
            );
            await world.activity.record(facts);
            recorded.push(...facts.map(({ id }) => id));
          } else if ("fetch" in step) {
            const reply = await ask({ ...query, top: String(step.fetch) });
            fetched.push(...ids(reply));
            query = { cursor: cursorOf(reply) };
          } else {
            await world.clock.advance(step.wait * 1_000);
            passed += step.wait;
          }
        }
        fetched.push(...(await fetchAll(query)).fetched);

        expect(fetched.toSorted()).toEqual(recorded.toSorted());
      }),
      fewRuns,
    );
  });
});

describe("a cursor of the export", () => {
  const cursors = fc.record({
    day: fc.integer({ min: 0, max: 2_900_000 }),
    reached: fc.array(fc.integer({ min: 0, max: 1_000_000_000 }), { maxLength: 8 }),
  });

  it("is read as it was written, by nobody but its own subscription", () => {
    fc.assert(
      fc.property(cursors, (cursor) => {
        const text = writeCursor(cursor, subscriptionId.toUpperCase());
        const read = readCursor(text, subscriptionId);
        const at = (index: number) => read?.reached[index] ?? 0;

        expect(read?.day).toBe(cursor.day);
        expect(cursor.reached.map((_, index) => at(index))).toEqual(cursor.reached);
        expect(text).toMatch(/^[\w-]+$/);
        expect(readCursor(text, another)).toBeUndefined();
      }),
      propertyRuns,
    );
  });

  it("that somebody made up is none, whatever it is", () => {
    const made = fc.oneof(
      fc.string(),
      fc
        .array(fc.constantFrom("1", "2", subscriptionId, "", "-1", "1e3", "20000", "0x1", "01"), {
          maxLength: 14,
        })
        .map((parts) => Buffer.from(parts.join(" ")).toString("base64url")),
    );
    fc.assert(
      fc.property(made, (text) => {
        const read = readCursor(text, subscriptionId);
        const numbers = read === undefined ? [] : [read.day, ...read.reached];

        expect(numbers.every((one) => Number.isSafeInteger(one) && one >= 0)).toBe(true);
        expect(numbers.length).toBeLessThanOrEqual(10);
      }),
      propertyRuns,
    );
  });
});
