import { beforeEach, describe, expect, it } from "@jest/globals";
import { createRateLimits, type RateLimits } from "../../src/http/rate-limits.ts";
import { vmId } from "../support/builders.ts";
import { createFrontDoor, paths, people } from "../support/front-door.ts";
import { createWorld, type World } from "../support/world.ts";

/** Time that stands until it is moved. */
function aClock() {
  let now = Date.parse("2026-11-22T12:00:00Z");
  return {
    now: () => new Date(now),
    wait: (ms: number) => {
      now += ms;
    },
  };
}

/** How many calls go through at once. */
function admittedAtOnce(take: () => { readonly isAdmitted: boolean }): number {
  for (let count = 0; count < 100_000; count++) {
    if (!take().isAdmitted) {
      return count;
    }
  }
  return Number.POSITIVE_INFINITY;
}

describe("what a caller may call", () => {
  let clock: ReturnType<typeof aClock>;
  let limits: RateLimits;
  beforeEach(() => {
    clock = aClock();
    limits = createRateLimits(clock, 1);
  });

  it.each([
    { kind: "reads", atOnce: 250, perSecond: 25 },
    { kind: "writes", atOnce: 200, perSecond: 10 },
    { kind: "deletes", atOnce: 200, perSecond: 10 },
  ] as const)(
    "is $atOnce $kind at once and $perSecond a second, as in Azure Resource Manager",
    ({ kind, atOnce, perSecond }) => {
      const call = () => limits.admitCaller(people.alice, kind);

      expect(admittedAtOnce(call)).toBe(atOnce);
      clock.wait(1_000);
      expect(admittedAtOnce(call)).toBe(perSecond);
      clock.wait(3_600_000);
      expect(admittedAtOnce(call)).toBe(atOnce);
    },
  );

  it("is counted apart by caller and by kind, and says how many are left", () => {
    admittedAtOnce(() => limits.admitCaller(people.alice, "reads"));

    expect(limits.admitCaller(people.rita, "reads")).toEqual({
      isAdmitted: true,
      remaining: 249,
    });
    expect(limits.admitCaller(people.alice, "writes")).toEqual({
      isAdmitted: true,
      remaining: 199,
    });
  });

  it("is not the same for callers of one object id in two tenants", () => {
    admittedAtOnce(() => limits.admitCaller(people.alice, "reads"));
    const namesake = { ...people.alice, tenantId: "11111111-0000-4000-8000-000000000002" };

    expect(limits.admitCaller(namesake, "reads").isAdmitted).toBe(true);
  });

  it("comes back after the time that the refusal tells, and is said to begin only once", () => {
    const call = () => limits.admitCaller(people.alice, "writes");
    const answers = Array.from({ length: 202 }, call);

    expect(answers.slice(200)).toEqual([
      { isAdmitted: false, retryAfterSeconds: 1, isFirst: true },
      { isAdmitted: false, retryAfterSeconds: 1, isFirst: false },
    ]);
    clock.wait(1_000);
    expect(call().isAdmitted).toBe(true);
  });

  it("can be multiplied by whoever runs the app", () => {
    const wider = createRateLimits(clock, 2.5);

    expect(admittedAtOnce(() => wider.admitCaller(people.alice, "writes"))).toBe(500);
    clock.wait(1_000);
    expect(admittedAtOnce(() => wider.admitCaller(people.alice, "writes"))).toBe(25);
  });

  it("may come to owe a filling for what a call cost more, never further", () => {
    limits.charge(people.alice, "writes", 1_000_000);

    expect(limits.admitCaller(people.alice, "writes")).toMatchObject({ retryAfterSeconds: 21 });
    clock.wait(21_000);
    expect(limits.admitCaller(people.alice, "writes").isAdmitted).toBe(true);
  });

  it("is counted right though a clock goes back", () => {
    admittedAtOnce(() => limits.admitCaller(people.alice, "writes"));
    clock.wait(-60_000);

    expect(limits.admitCaller(people.alice, "writes").isAdmitted).toBe(false);
  });
});

describe("what a stranger may call", () => {
  const all = (limits: RateLimits, address: string | undefined) =>
    admittedAtOnce(() => limits.admitStranger(address, "reads"));

  it("is counted by address, by network for IPv6, and together where there is no address", () => {
    const limits = createRateLimits(aClock(), 1);

    expect(all(limits, "203.0.113.7")).toBe(250);
    expect(all(limits, "203.0.113.8")).toBe(250);
    expect(all(limits, "2001:db8::7")).toBe(250);
    expect(all(limits, "2001:db8::ffff:0:1")).toBe(0);
    expect(all(limits, "2001:db8:0:1::7")).toBe(250);
    expect(all(limits, undefined)).toBe(250);
    expect(all(limits, undefined)).toBe(0);
  });

  it("does not fill memory, from however many addresses it comes, and never lets more in from one that stays busy", () => {
    const limits = createRateLimits(aClock(), 1);
    let admitted = 0;
    for (let index = 0; index < 30_000; index++) {
      limits.admitStranger(
        `2001:db8:${(index >> 8).toString(16)}:${(index & 255).toString(16)}::1`,
        "reads",
      );
      admitted += limits.admitStranger("203.0.113.7", "reads").isAdmitted ? 1 : 0;
    }

    expect(admitted).toBe(250);
  });
});

describe("the front door", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;
  beforeEach(() => {
    world = createWorld();
    door = createFrontDoor(world, { rateLimitScale: 0.1 });
  });

  const events = () =>
    world.logged.map(({ event }) => event).filter((event) => event === "http.throttled");

  it("tells a caller of too many calls when to come again, and others are served meanwhile", async () => {
    for (let index = 0; index < 25; index++) {
      const reply = await door.call("GET", paths.ofSubscription, { as: "rita" });
      expect(reply.status).toBe(200);
      expect(reply.headers.get("x-ms-ratelimit-remaining-subscription-reads")).toBe(
        `${24 - index}`,
      );
    }

    const reply = await door.call("GET", paths.ofSubscription, { as: "rita" });
    const other = await door.call("GET", paths.ofSubscription, { as: "olivia" });

    expect(reply.status).toBe(429);
    expect(reply.json.error.code).toBe("TooManyRequests");
    expect(reply.headers.get("retry-after")).toBe("1");
    expect(reply.headers.get("x-ms-ratelimit-remaining-subscription-reads")).toBe("0");
    expect(other.status).toBe(200);
    await world.clock.advance(1_000);
    expect((await door.call("GET", paths.ofSubscription, { as: "rita" })).status).toBe(200);
  });

  it("tells strangers alike, by address, and serves whoever has a good token at the same address", async () => {
    const stranger = (headers = {}) => door.call("GET", paths.policy(), { as: "nobody", headers });
    for (let index = 0; index < 25; index++) {
      expect((await stranger()).status).toBe(401);
    }

    expect((await stranger()).status).toBe(429);
    expect((await stranger({ "x-forwarded-for": "1.2.3.4, 203.0.113.7:51234" })).status).toBe(429);
    expect((await stranger({ "x-forwarded-for": "198.51.100.9:1" })).status).toBe(401);
    expect((await door.call("GET", paths.ofSubscription)).status).toBe(200);
    expect(events()).toHaveLength(1);
  });

  it("keeps no fact of calls that are too many, only a line in the log when it begins", async () => {
    for (let index = 0; index < 30; index++) {
      await door.call("DELETE", paths.policy(), { as: "eve" });
    }

    expect(await world.facts()).toHaveLength(20);
    expect(events()).toHaveLength(1);
  });

  it("lets nobody fill the activity with refusals at many VMs: each fact costs as much as a call", async () => {
    const virtualMachines = Array.from({ length: 30 }, (_, index) => ({ id: vmId(`vm-${index}`) }));
    const ask = () => door.call("POST", paths.initiate(), { as: "eve", body: { virtualMachines } });

    expect((await ask()).status).toBe(400);
    expect((await ask()).status).toBe(429);
    expect(await world.facts()).toHaveLength(30);
  });
});
