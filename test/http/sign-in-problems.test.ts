import { beforeEach, describe, expect, it } from "@jest/globals";
import type { SignInProblem } from "../../src/activity/sign-in-facts.ts";
import { createSignInProblems, type SignInProblems } from "../../src/http/sign-in-problems.ts";
import { subscriptionId } from "../support/builders.ts";
import { createFaults } from "../support/faults.ts";
import { createFrontDoor, paths, people } from "../support/front-door.ts";
import { createWorld, type World } from "../support/world.ts";

const problem = (address?: string, message = "The token has expired."): SignInProblem => ({
  origin: { address },
  reasons: [{ code: "AuthenticationFailed", message }],
});

describe("sign-in problems", () => {
  let world: World;
  let signIns: SignInProblems;
  let calls: number;
  beforeEach(() => {
    world = createWorld();
    signIns = createSignInProblems(world.start(), subscriptionId);
    calls = 0;
  });

  const tell = async (...problems: readonly SignInProblem[]) => {
    for (const one of problems) {
      calls += 1;
      await signIns.tell(one, `call-${calls}`);
    }
  };
  const minutes = (count: number) => world.clock.advance(count * 60_000);
  const told = async () =>
    (await world.facts()).map(({ origin, times, reasons }) => [
      origin?.address,
      times,
      reasons?.[0]?.message,
    ]);

  it("are a fact at once, the first of an address and reason", async () => {
    await tell(
      problem("203.0.113.7"),
      problem("203.0.113.8"),
      problem("203.0.113.7", "No token was sent."),
      problem("203.0.113.7"),
    );

    // All at the same moment, so in no order.
    expect(new Set(await told())).toEqual(
      new Set([
        ["203.0.113.7", undefined, "The token has expired."],
        ["203.0.113.8", undefined, "The token has expired."],
        ["203.0.113.7", undefined, "No token was sent."],
      ]),
    );
  });

  it("are counted for ten minutes, and then told as one fact with their number", async () => {
    await tell(...Array.from({ length: 5 }, () => problem("203.0.113.7")));
    await signIns.flush();
    expect(await told()).toHaveLength(1);

    await minutes(11);
    await signIns.flush();
    await signIns.flush();

    expect(await told()).toEqual([
      ["203.0.113.7", undefined, "The token has expired."],
      ["203.0.113.7", 4, "The token has expired."],
    ]);
  });

  it("are a fact at once again when the ten minutes are over", async () => {
    await tell(problem("203.0.113.7"), problem("203.0.113.7"));
    await minutes(11);
    await tell(problem("203.0.113.7"));

    expect((await told()).map(([, times]) => times)).toEqual([undefined, 1, undefined]);
  });

  it("of one IPv6 network are those of one address", async () => {
    await tell(problem("2001:db8::1"), problem("2001:db8::2"));

    expect(await told()).toHaveLength(1);
  });

  it("of a thousand addresses are told apart, and all others are counted together", async () => {
    const addresses = Array.from(
      { length: 1_500 },
      (_, index) => `10.0.${index >> 8}.${index % 256}`,
    );
    await tell(...addresses.map((address) => problem(address)));
    expect(await told()).toHaveLength(1_000);

    await minutes(11);
    await signIns.flush();

    expect((await told()).at(-1)).toEqual([
      undefined,
      500,
      expect.stringContaining("more addresses"),
    ]);
  });

  it("that storage did not take are told with the next look, once", async () => {
    const faults = createFaults({ at: 1, kind: "fails" });
    signIns = createSignInProblems(world.start(faults), subscriptionId);

    await tell(problem("203.0.113.7"));
    expect(await told()).toEqual([]);
    await signIns.flush();
    await signIns.flush();

    expect(await told()).toHaveLength(1);
  });

  it("tell from where, in which call, and whom the token names, but name nobody as who acted", async () => {
    const door = createFrontDoor(world);
    const { tenantId, objectId } = people.olivia;
    const body = Buffer.from(JSON.stringify({ tid: tenantId, oid: objectId, name: "x" }));
    const correlationId = "33333333-0000-4000-8000-000000000001";

    const reply = await door.call("GET", paths.policy(), {
      as: "nobody",
      headers: {
        authorization: `Bearer eyJh.${body.toString("base64url")}.sig`,
        "x-ms-correlation-request-id": correlationId,
      },
    });

    const [fact, ...others] = await world.facts();
    expect(others).toEqual([]);
    expect(fact).toMatchObject({
      operation: "service.signIn",
      outcome: "refused",
      subscriptionId,
      origin: {
        address: "203.0.113.7",
        callId: reply.headers.get("x-ms-request-id"),
        correlationId,
      },
      claimed: { tenantId, objectId },
    });
    expect(fact).not.toHaveProperty("actor");
  });

  it.each([
    ["no JSON", "bm90IGpzb24"],
    ["no object", Buffer.from('"text"').toString("base64url")],
    ["ids that are none", Buffer.from('{"tid":"<b>","oid":7}').toString("base64url")],
  ])("claim nothing where the token holds %s", async (_case, body) => {
    const door = createFrontDoor(world);
    const headers = { authorization: `Bearer eyJh.${body}.sig` };

    const reply = await door.call("GET", paths.policy(), { as: "nobody", headers });

    expect(reply.status).toBe(401);
    expect((await world.facts())[0]).not.toHaveProperty("claimed");
  });

  it("are answered 401 although storage is away", async () => {
    const door = createFrontDoor(world, { faults: createFaults({ at: 1, kind: "goes down" }) });

    expect((await door.call("GET", paths.policy(), { as: "nobody" })).status).toBe(401);
  });
});
