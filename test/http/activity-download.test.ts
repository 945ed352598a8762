import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { ActivityStore } from "../../src/activity/store.ts";
import { aFact, afterNoon, requestId, subscriptionId, vmId } from "../support/builders.ts";
import { createFrontDoor, type Person, paths, people } from "../support/front-door.ts";
import { createWorld, type World } from "../support/world.ts";

/** Texts that cannot be compressed, and come again only when gzip has forgotten them. */
const dense = Array.from({ length: 10 }, () => randomBytes(20_000).toString("base64"));

describe("a download of the activity", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(async () => {
    world = createWorld();
    door = createFrontDoor(world);
    await world.activity.record([
      aFact({ id: "first", at: afterNoon(-300), justification: "=1+1" }),
      aFact({ id: "second", at: afterNoon(-200), requestId, requestor: people.dan }),
      aFact({
        id: "other",
        at: afterNoon(-100),
        vmId: vmId("web-2"),
        requestId,
        actor: people.bob,
        requestor: people.dan,
        origin: { address: "198.51.100.99" },
      }),
      aFact({ id: "long-ago", at: afterNoon(-40 * 86_400) }),
    ]);
  });

  /** The door to the same world with another store of facts. */
  const doorWith = (activity: Partial<ActivityStore>) =>
    createFrontDoor({
      ...world,
      start: (faults) => ({ ...world.start(faults), activity: { ...world.activity, ...activity } }),
    });

  const ask = (
    query: Record<string, string>,
    headers: Record<string, string> = {},
    as: Person = "olivia",
    at = door,
  ) =>
    at.call("GET", `${paths.activity}?${new URLSearchParams(query)}`, {
      as,
      headers,
      inRealTime: true,
    });
  const csvIds = (text: string) =>
    text
      .trimEnd()
      .split("\r\n")
      .slice(1)
      .map((line) => /,(first|second|other|long-ago),/.exec(line)?.[1]);
  const lines = (text: string) =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));

  it("as CSV has a line for every fact, newest first, a name, and no formula", async () => {
    const reply = await ask({ vm: vmId() }, { accept: "text/csv" });

    expect(reply.status).toBe(200);
    expect(reply.headers.get("content-type")).toBe("text/csv; charset=utf-8; header=present");
    expect(reply.headers.get("content-disposition")).toBe(
      'attachment; filename="jit-activity-vm-web-1-20300131.csv"',
    );
    expect(reply.headers.get("content-encoding")).toBeNull();
    expect(reply.headers.get("vary")).toBe("accept, accept-encoding");
    expect(reply.bytes.subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]));
    expect(csvIds(reply.text)).toEqual(["second", "first"]);
    expect(reply.text).toContain(",'=1+1,");
  });

  it("as lines of JSON has every fact as the API gives it, with its place in its chain", async () => {
    const reply = await ask({ subscriptionId }, { accept: "application/x-ndjson" });
    const page = await door.call("GET", `${paths.activity}?subscriptionId=${subscriptionId}`);

    expect(reply.headers.get("content-type")).toBe("application/x-ndjson");
    expect(lines(reply.text).map(({ chain: _, ...fact }) => fact)).toEqual(page.json.value);
    expect(lines(reply.text)[0].chain).toEqual({
      name: expect.any(String),
      sequence: expect.any(Number),
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it("can be asked for in the address, so that a link will do, whatever the client takes", async () => {
    const csv = await ask({ vm: vmId(), format: "csv" }, { accept: "application/json" });
    const ndjson = await ask({ requestId, format: "ndjson" });
    const json = await ask({ vm: vmId(), format: "json" }, { accept: "text/csv" });

    expect(csv.headers.get("content-type")).toMatch(/^text\/csv/);
    expect(ndjson.headers.get("content-disposition")).toBe(
      `attachment; filename="jit-activity-request-${requestId}-20300131.ndjson"`,
    );
    expect(json.json.value).toHaveLength(2);
  });

  it("is compressed for whoever takes that", async () => {
    const plain = await ask({ vm: vmId(), format: "csv" });
    const gzipped = await ask({ vm: vmId(), format: "csv" }, { "accept-encoding": "gzip, br" });

    expect(gzipped.headers.get("content-encoding")).toBe("gzip");
    expect(gzipped.text).toBe(plain.text);
    expect(gzipped.bytes.length).toBeLessThan(plain.bytes.length);
  });

  it("of nothing has the columns, or is empty", async () => {
    const time = { from: afterNoon(-10), to: afterNoon(0) };

    expect((await ask({ vm: vmId(), format: "csv", ...time })).text).toMatch(/^\uFEFFtime,.*\r\n$/);
    expect((await ask({ vm: vmId(), format: "ndjson", ...time })).text).toBe("");
  });

  it("holds what the caller may read, and nothing else", async () => {
    expect(csvIds((await ask({ subscriptionId, format: "csv" }, {}, "alice")).text)).toEqual([
      "second",
      "first",
    ]);
    expect(csvIds((await ask({ subscriptionId, format: "csv" }, {}, "eve")).text)).toEqual([]);
    expect((await ask({ vm: vmId("web-2"), format: "csv" }, {}, "alice")).status).toBe(403);
  });

  it("of one's own requests tells neither from where others called nor places in histories of others", async () => {
    const reply = await ask({ requestor: "me", format: "ndjson" }, {}, "dan");

    const [other, second] = lines(reply.text);
    expect(other).toMatchObject({ id: "other", actor: { name: people.bob.name } });
    expect(other).not.toHaveProperty("origin");
    expect(other).not.toHaveProperty("chain");
    expect(second).toHaveProperty("chain");
  });

  it.each(["top", "$skiptoken"])("has no pages: '%s' is refused", async (name) => {
    const reply = await ask({ vm: vmId(), format: "csv", [name]: "10" });

    expect(reply.status).toBe(400);
    expect(reply.json.error).toMatchObject({ code: "InvalidQuery", target: name });
  });

  it("that would be too large is refused before anything is sent, with what to do", async () => {
    const large = {
      async *walk() {
        for (let sequence = 1; ; sequence += 1) {
          const fact = aFact({ justification: dense[sequence % dense.length] });
          yield { fact, position: { chain: "", sequence, hash: "" } };
        }
      },
    };
    const reply = await ask({ vm: vmId(), format: "csv" }, {}, "olivia", doorWith(large));

    expect(reply.status).toBe(413);
    expect(reply.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(reply.headers.get("content-encoding")).toBeNull();
    expect(reply.json.error).toMatchObject({ code: "DownloadTooLarge", target: "from" });
    expect(reply.json.error.message).toMatch(/curl --compressed/);
  });

  it("that takes too long is refused, though nothing of it was for the caller", async () => {
    const slow = {
      async *walk() {
        for (;;) {
          await world.clock.advance(5_000);
          yield { fact: aFact({}), position: { chain: "", sequence: 1, hash: "" } };
        }
      },
    };
    const reply = await ask({ subscriptionId, format: "csv" }, {}, "eve", doorWith(slow));

    expect(reply.status).toBe(413);
    expect(reply.json.error.message).toMatch(/more than 100 seconds/);
  });

  it("that finds nothing in a long time is refused too, and its storage is asked no further", async () => {
    let answers = 0;
    const empty: Partial<ActivityStore> = {
      async *walk({ onAnswer }) {
        for (; answers < 1_000; answers += 1) {
          await world.clock.advance(5_000);
          onAnswer?.();
          yield* [];
        }
      },
    };
    const query = { subscriptionId, operation: "activity.drop", format: "csv" };
    const reply = await ask(query, {}, "olivia", doorWith(empty));

    expect(reply.status).toBe(413);
    expect(reply.json.error.message).toMatch(/more than 100 seconds/);
    expect(answers).toBeLessThan(25);
  });

  it("whose storage fails in the middle is an answer that says so, never half a file", async () => {
    const broken = {
      async *walk() {
        yield { fact: aFact({}), position: { chain: "", sequence: 1, hash: "" } };
        throw Object.assign(new Error("storage"), { name: "RestError" });
      },
    };
    const reply = await ask({ vm: vmId(), format: "csv" }, {}, "olivia", doorWith(broken));

    expect(reply.status).toBe(503);
    expect(reply.json.error.code).toBe("ServiceUnavailable");
  });

  it("waits its turn: two of a caller and four in all are made at a time", async () => {
    const { promise: isOver, resolve: finish } = Promise.withResolvers<void>();
    const waiting = doorWith({
      // biome-ignore lint/correctness/useYield: nothing is found in the end
      async *walk() {
        await isOver;
      },
    });
    const query = { subscriptionId, format: "csv" };
    const begin = (as: Person) => ask(query, {}, as, waiting);

    const running = [begin("alice"), begin("alice"), begin("rita")];
    const third = await begin("alice");
    running.push(begin("olivia"));
    const fifth = await begin("dan");
    finish();

    expect(
      [third, fifth].map(({ status, headers }) => [status, headers.get("retry-after")]),
    ).toEqual([
      [429, "15"],
      [503, "15"],
    ]);
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await begin("alice")).status).toBe(200);
  });

  it("gives its place back when it fails", async () => {
    const broken = doorWith({
      // biome-ignore lint/correctness/useYield: it fails before
      async *walk() {
        throw new Error("storage");
      },
    });
    const query = { subscriptionId, format: "csv" };
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1) {
      statuses.push((await ask(query, {}, "olivia", broken)).status);
    }

    expect(statuses).toEqual([500, 500, 500]);
  });

  it("has a name of plain letters, whatever the VM is called", async () => {
    door.rights.grant(people.olivia, vmId("wöb'1"), ["*"]);
    const reply = await ask({ vm: vmId("wöb'1"), format: "csv" });

    expect(reply.headers.get("content-disposition")).toBe(
      'attachment; filename="jit-activity-vm-w-b-1-20300131.csv"',
    );
  });
});
