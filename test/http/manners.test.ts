import { HttpRequest } from "@azure/functions";
import { beforeEach, describe, expect, it } from "@jest/globals";
import { callLimits } from "../../src/http/call-limits.ts";
import { createNothingHere, createOpenRoute } from "../../src/http/front-door.ts";
import { createRateLimits } from "../../src/http/rate-limits.ts";
import { createFrontDoor, paths } from "../support/front-door.ts";
import { createWorld, type World } from "../support/world.ts";

const guid = "9C4D50EE-2D56-4CD3-8152-34347DC9F2B0";

let world: World;
let door: ReturnType<typeof createFrontDoor>;
beforeEach(() => {
  world = createWorld();
  door = createFrontDoor(world);
});

const read = (headers: Record<string, string> = {}, path: string = paths.ofSubscription) =>
  door.call("GET", path, { headers });

describe("the ids of a call", () => {
  it("are the caller's own in the answer when it asks for that, and ours", async () => {
    const reply = await read({
      "x-ms-client-request-id": guid,
      "x-ms-return-client-request-id": "True",
      "x-ms-correlation-request-id": guid,
    });

    expect(reply.headers.get("x-ms-client-request-id")).toBe(guid);
    expect(reply.headers.get("x-ms-correlation-request-id")).toBe(guid);
    expect(reply.headers.get("x-ms-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("are not told back when nobody asks", async () => {
    const reply = await read({ "x-ms-client-request-id": guid });

    expect(reply.headers.get("x-ms-client-request-id")).toBeNull();
    expect(reply.headers.get("x-ms-correlation-request-id")).toBe(
      reply.headers.get("x-ms-request-id"),
    );
  });

  it.each([
    `${guid}x`,
    `{${guid}}`,
    "<script>",
    "a".repeat(36),
    `${guid}, ${guid}`,
    "x".repeat(9_000),
  ])("are not taken from outside when they are no GUID: %.40s", async (id) => {
    const reply = await read({
      "x-ms-client-request-id": id,
      "x-ms-return-client-request-id": "true",
      "x-ms-correlation-request-id": id,
    });

    expect(JSON.stringify([...reply.headers])).not.toContain(id);
    expect(JSON.stringify(world.logged)).not.toContain(id);
  });

  it("stand in every line that is logged while the call goes on", async () => {
    door.rights.failNext(new Error("broken"));

    const reply = await read({ "x-ms-correlation-request-id": guid });

    expect(world.logged.map(({ event }) => event)).toEqual(["http.unforeseen", "http.answered"]);
    for (const line of world.logged) {
      expect(line).toMatchObject({
        time: world.clock.now().toISOString(),
        requestId: reply.headers.get("x-ms-request-id"),
        correlationId: guid,
      });
    }
  });
});

describe("a call that is too large or means two things", () => {
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-h${index}`, "1"]));

  it.each([
    ["too many headers", () => read(many(callLimits.headers)), 431, "RequestHeadersTooLarge"],
    [
      "headers that are too long",
      () => read({ "x-long": "x".repeat(33_000) }),
      431,
      "RequestHeadersTooLarge",
    ],
    [
      "an address that is too long",
      () => read({}, `${paths.ofSubscription}?x=${"x".repeat(9_000)}`),
      414,
      "RequestUriTooLong",
    ],
    [
      "too many query parameters",
      () => read({}, `${paths.activity}?${"a=1&".repeat(21)}`),
      400,
      "InvalidQuery",
    ],
    [
      "one query parameter twice",
      () => read({}, `${paths.activity}?vm=a&vm=b`),
      400,
      "InvalidQuery",
    ],
  ])("by %s is refused", async (_case, call, status, code) => {
    const reply = await call();

    expect([reply.status, reply.json.error.code]).toEqual([status, code]);
  });

  it("is refused in the same words whoever sends it", async () => {
    const path = `${paths.activity}?vm=a&vm=b`;
    const [known, stranger] = [
      await read({}, path),
      await door.call("GET", path, { as: "nobody" }),
    ];

    expect([stranger.status, stranger.text]).toEqual([known.status, known.text]);
  });

  it("may say api-version twice, as clients do that follow a link", async () => {
    const twice = "?api-version=2020-01-01&api-version=2020-01-01";

    expect((await read({}, `${paths.ofSubscription}${twice}`)).status).toBe(200);
  });
});

describe("what is open to everybody", () => {
  const ports = () => ({
    ...world.start(),
    tokens: { verify: () => Promise.reject(new Error("not asked")) },
    rateLimits: createRateLimits(world.clock, 0.1),
    trustedProxyHops: 1,
    workflows: () => {
      throw new Error("not here");
    },
  });
  const aRequest = (headers: Record<string, string> = {}) =>
    new HttpRequest({ method: "GET", url: "https://jit.contoso.example/x", headers });
  const live = () => createOpenRoute(ports(), async () => ({ status: 200, body: {} }));

  it("has the same headers as all the rest", async () => {
    const guarded = [...(await read()).headers.keys()].filter(
      (name) => !name.startsWith("x-ms-ratelimit"),
    );

    for (const answer of [live(), createNothingHere(ports())]) {
      const { headers } = await answer(aRequest());
      expect([...new Headers(headers as Record<string, string>).keys()]).toEqual(guarded);
    }
  });

  it("answers that nothing is at an address alike with and without a token, and strangers so often only", async () => {
    const nothing = createNothingHere(ports());

    const [one, other] = [
      await nothing(aRequest()),
      await nothing(aRequest({ authorization: "Bearer olivia" })),
    ];
    expect([one?.status, one?.body]).toEqual([404, other?.body]);
    for (let index = 0; index < 23; index++) {
      await nothing(aRequest());
    }
    expect((await nothing(aRequest())).status).toBe(429);
  });

  it("does not count or log the calls of whoever watches over health", async () => {
    const health = live();

    for (let index = 0; index < 100; index++) {
      expect((await health(aRequest())).status).toBe(200);
    }
    expect(world.logged).toEqual([]);
  });
});
