import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Fact } from "../../src/activity/fact.ts";
import type { ActivityStore, FactQuery } from "../../src/activity/store.ts";
import {
  aFact,
  afterNoon,
  anAccessRequest,
  aPolicy,
  requestId,
  subscriptionId,
  vmId,
} from "../support/builders.ts";
import { createFrontDoor, type Person, paths, people } from "../support/front-door.ts";
import { createWorld, type World } from "../support/world.ts";

const elsewhere = "99999999-3c1d-4e7f-9a52-7d1c0e4b8f31";
const inElsewhere = (id: string) => id.replace(subscriptionId, elsewhere);

/** Of Alice's request for both web VMs, and a little beside. */
const facts: readonly Fact[] = [
  aFact({
    id: "asked",
    at: afterNoon(-600),
    operation: "access.initiate",
    outcome: "asked",
    requestId,
    actor: people.alice,
    requestor: people.alice,
    origin: { address: "203.0.113.7" },
    justification: 'INC-4711: the "disk" is full',
  }),
  aFact({
    id: "asked-2",
    at: afterNoon(-599),
    operation: "access.initiate",
    outcome: "asked",
    requestId,
    vmId: vmId("web-2"),
    actor: people.alice,
    requestor: people.alice,
  }),
  aFact({
    id: "agreed",
    at: afterNoon(-500),
    operation: "access.approve",
    vmId: vmId("web-2"),
    requestId,
    actor: people.bob,
    requestor: people.alice,
    origin: { address: "198.51.100.99" },
  }),
  aFact({ id: "open", at: afterNoon(-400), requestId, windowId: `${requestId}-0-22`, port: 22 }),
  aFact({
    id: "refused",
    at: afterNoon(-300),
    outcome: "refused",
    vmId: vmId("web-2"),
    actor: people.dan,
  }),
  aFact({
    id: "far-away",
    at: afterNoon(-200),
    subscriptionId: elsewhere,
    policyId: inElsewhere(aPolicy().id),
    vmId: inElsewhere(vmId()),
    actor: people.dan,
  }),
  aFact({ id: "written", at: afterNoon(-100), operation: "policy.write", vmId: undefined }),
];

describe("a question to the activity", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(async () => {
    world = createWorld();
    door = createFrontDoor(world);
    await world.activity.record(facts);
  });

  const ask = (query: Record<string, string>, as: Person = "olivia") =>
    door.call("GET", `${paths.activity}?${new URLSearchParams(query)}`, { as });
  const told = async (query: Record<string, string>, as: Person = "olivia") => {
    const reply = await ask(query, as);
    return reply.status === 200
      ? reply.json.value.map(({ id }: Fact) => id)
      : [reply.status, reply.json.error.code];
  };

  it.each([
    {
      case: "an operation",
      query: { subscriptionId, operation: "policy.write" },
      answer: ["written"],
    },
    {
      case: "several operations, or all of a kind",
      query: { subscriptionId, operation: "policy.*, access.approve" },
      answer: ["written", "agreed"],
    },
    {
      case: "outcomes",
      query: { subscriptionId, outcome: "refused,asked" },
      answer: ["refused", "asked-2", "asked"],
    },
    {
      case: "a VM and whoever acted on it",
      query: { vm: vmId("web-2"), requestor: people.dan.objectId },
      answer: ["refused"],
    },
    {
      case: "a VM of a subscription, as it was once named",
      query: { vm: vmId("WEB-2"), subscriptionId: subscriptionId.toUpperCase() },
      answer: ["refused", "agreed", "asked-2"],
    },
    {
      case: "a VM of another subscription than is named",
      query: { vm: vmId(), subscriptionId: elsewhere },
      answer: [],
    },
    {
      case: "a resource group",
      query: { subscriptionId, resourceGroup: "SHOP", operation: "access.open" },
      answer: ["refused", "open"],
    },
    { case: "another resource group", query: { subscriptionId, resourceGroup: "lab" }, answer: [] },
    {
      case: "a request",
      query: { requestId: requestId.toUpperCase() },
      answer: ["open", "agreed", "asked-2", "asked"],
    },
    { case: "a request at one VM", query: { requestId, vm: vmId() }, answer: ["open", "asked"] },
    { case: "a window", query: { windowId: `${requestId}-0-22` }, answer: ["open"] },
    {
      case: "a text, in any case",
      query: { subscriptionId, text: "inc-4711" },
      answer: ["asked"],
    },
    {
      case: "a text with signs",
      query: { subscriptionId, text: 'the "disk"' },
      answer: ["asked"],
    },
    { case: "a text that only names have", query: { subscriptionId, text: "outcome" }, answer: [] },
    {
      case: "everything at once",
      query: {
        subscriptionId,
        resourceGroup: "shop",
        vm: vmId(),
        requestor: people.alice.objectId,
        requestId,
        operation: "access.*",
        outcome: "asked",
        text: "full",
        from: afterNoon(-700),
        to: afterNoon(0),
      },
      answer: ["asked"],
    },
  ])("may be for $case", async ({ query, answer }) => {
    expect(await told(query as Record<string, string>)).toEqual(answer);
  });

  it("for a person shows, of whatever subscription, the facts whose scope the caller may read", async () => {
    expect(await told({ requestor: people.dan.objectId })).toEqual(["refused"]);
    expect(await told({ requestor: people.dan.objectId }, "eve")).toEqual([]);

    door.rights.grant(people.rita, `/subscriptions/${elsewhere}`, ["*/read"]);
    expect(await told({ requestor: people.dan.objectId }, "rita")).toEqual(["far-away", "refused"]);
  });

  it("asks for the rights of a subscription once, however many facts are of it", async () => {
    await told({ requestor: people.alice.objectId });

    expect(door.rights.asked).toHaveLength(1);
  });

  it("shows whoever asked for access what became of it, but not from where others called", async () => {
    // Alice may read web-1; of web-2 she asked for access.
    const reply = await ask({ requestor: "me" }, "alice");

    expect(reply.json.value.map(({ id }: Fact) => id)).toEqual(["agreed", "asked-2", "asked"]);
    expect(reply.json.value[0]).toMatchObject({ actor: { name: people.bob.name } });
    expect(reply.text).not.toContain("198.51.100.99");
    expect(await told({ requestId }, "alice")).toEqual(["open", "agreed", "asked-2", "asked"]);
    expect(await told({ requestor: "me", vm: vmId("web-2") }, "alice")).toEqual([
      "agreed",
      "asked-2",
    ]);
  });

  it("does not find by a text what it does not show", async () => {
    expect(await told({ requestor: "me", text: "198.51.100" }, "alice")).toEqual([]);
    expect(await told({ requestId, text: "198.51.100" })).toEqual(["agreed"]);
  });

  it("shows nobody the requests of others without the right to read the scope", async () => {
    expect(await told({ requestor: people.alice.objectId }, "bob")).toEqual([]);
    expect(await told({ requestor: "me" }, "bob")).toEqual([]);
    expect(await told({ vm: vmId("web-2") }, "alice")).toEqual([403, "AuthorizationFailed"]);
  });

  it("for a request begins when it was made, however long that is ago", async () => {
    await world.activity.record([
      aFact({ id: "long-ago", at: afterNoon(-90 * 86_400), requestId }),
      aFact({ id: "before", at: afterNoon(-99 * 86_400), requestId }),
    ]);
    expect(await told({ requestId, operation: "access.open" })).toEqual([
      "open",
      "long-ago",
      "before",
    ]);

    await world.request(anAccessRequest({ createdAt: afterNoon(-90 * 86_400) }));
    expect(await told({ requestId, operation: "access.open" })).toEqual(["open", "long-ago"]);
  });

  describe("whose pages may be empty, as the store looks at so much at a time", () => {
    const asked: FactQuery[] = [];
    const atATime = 1;
    let sparse: ReturnType<typeof createFrontDoor>;

    beforeEach(() => {
      asked.length = 0;
      const { list } = world.activity;
      // Looks at one fact a page, and lets the filter see only that.
      const stepping: ActivityStore["list"] = async (query) => {
        asked.push(query);
        const { where, ...rest } = query;
        const page = await list({ ...rest, top: atATime });
        const kept = await list({ ...query, continuation: rest.continuation, where, top: 1_000 });
        const ids = new Set(kept.items.map(({ id }) => id));
        return { ...page, items: page.items.filter(({ id }) => ids.has(id)) };
      };
      const activity = { ...world.activity, list: stepping };
      sparse = createFrontDoor({
        ...world,
        start: (faults) => ({ ...world.start(faults), activity }),
      });
    });

    const follow = async (query: Record<string, string>, as: Person) => {
      const seen: string[] = [];
      let address: string | undefined = `${paths.activity}?${new URLSearchParams(query)}`;
      let pages = 0;
      while (address !== undefined) {
        const reply = await sparse.call("GET", address, { as });
        seen.push(...reply.json.value.map(({ id }: Fact) => id));
        address = reply.json.nextLink;
        pages += 1;
      }
      return { seen, pages };
    };

    it("goes on for whoever may read the scope, until all is found", async () => {
      await world.activity.record(
        Array.from({ length: 25 }, (_, index) =>
          aFact({ id: `noise-${index}`, at: afterNoon(-30 - index), outcome: "failed" }),
        ),
      );

      const { seen, pages } = await follow({ subscriptionId, operation: "policy.write" }, "rita");

      expect(seen).toEqual(["written"]);
      expect(pages).toBeGreaterThan(2);
    });

    it("does not say that there is more to whoever sees nothing of it", async () => {
      await world.activity.record(
        Array.from({ length: 25 }, (_, index) =>
          aFact({ id: `noise-${index}`, at: afterNoon(-30 - index), vmId: vmId("web-2") }),
        ),
      );

      expect(await follow({ subscriptionId }, "eve")).toEqual({ seen: [], pages: 1 });
      expect(asked).toHaveLength(10);
    });

    it("leads nobody through the history of a machine or request that is not theirs to read", async () => {
      await world.activity.record(
        Array.from({ length: 25 }, (_, index) =>
          aFact({ id: `noise-${index}`, at: afterNoon(-30 - index), requestId }),
        ),
      );

      expect(await follow({ vm: vmId("web-2"), requestor: "me" }, "eve")).toEqual({
        seen: [],
        pages: 1,
      });
      expect(await follow({ requestId, requestor: "me" }, "eve")).toEqual({ seen: [], pages: 1 });
    });

    it("finds what became of one's own request among all else that happened to the machine", async () => {
      await world.activity.record(
        Array.from({ length: 25 }, (_, index) =>
          aFact({ id: `noise-${index}`, at: afterNoon(-30 - index), vmId: vmId("web-2") }),
        ),
      );

      const { seen } = await follow({ vm: vmId("web-2"), requestor: "me" }, "alice");

      expect(seen).toEqual(["agreed", "asked-2"]);
    });
  });

  it("is answered with pages that speak of the same time, whatever is recorded meanwhile", async () => {
    const first = await ask({ requestId, top: "2" });
    await world.clock.advance(3_600_000);
    await world.activity.record([aFact({ id: "new", at: afterNoon(3_000), requestId })]);
    const second = await door.call("GET", first.json.nextLink);

    const ids = [first, second].map(({ json }) => json.value.map(({ id }: Fact) => id));
    expect(ids).toEqual([
      ["open", "agreed"],
      ["asked-2", "asked"],
    ]);
    expect(second.json.nextLink).toBeUndefined();
  });

  it("is told that rights cannot be looked up, rather than that there is nothing", async () => {
    door.rights.failNext(Object.assign(new Error("down"), { name: "ArmError" }));

    expect(await told({ requestor: people.dan.objectId })).toEqual([503, "ServiceUnavailable"]);
  });

  it("tells nobody from where others called, by no text that is looked for", async () => {
    const agreed = Array.from({ length: 30 }, (_, index) =>
      aFact({
        id: `agreed-${index}`,
        at: afterNoon(-500 - index),
        operation: "access.approve",
        vmId: vmId("web-2"),
        requestId,
        actor: people.bob,
        requestor: people.alice,
        origin: { address: "198.51.100.99" },
      }),
    );
    await world.activity.record(agreed);

    const [there, not] = await Promise.all(
      ["198.51.100.99", "198.51.100.98"].map((text) =>
        ask({ requestor: "me", text, top: "1" }, "alice"),
      ),
    );

    expect(there?.json.value).toEqual([]);
    expect(there?.json.nextLink?.replaceAll("98&", "99&")).toBe(
      not?.json.nextLink?.replaceAll("98&", "99&"),
    );
  });

  it("tells nobody when a request was made that is not theirs to see", async () => {
    await world.request(anAccessRequest({ id: requestId, requestor: people.alice }));
    const known = await ask({ requestId, to: "2000-01-01T00:00:00Z" }, "eve");
    const odd = { from: "2000-01-02T00:00:00Z", to: "2000-01-01T00:00:00Z" };
    const stranger = requestId.replace(/^./, "0");

    expect([known.status, known.json.value]).toEqual([200, []]);
    expect((await ask({ requestId, ...odd }, "eve")).json.error.message).toBe(
      (await ask({ requestId: stranger, ...odd }, "eve")).json.error.message,
    );
  });
});
