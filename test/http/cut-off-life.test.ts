import { describe, expect, it } from "@jest/globals";
import { requestState } from "../../src/access/life.ts";
import type { AccessRequest } from "../../src/access/request.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { vmId } from "../support/builders.ts";
import { createFaults, type Faults, faultKinds } from "../support/faults.ts";
import { createFrontDoor, type Person, paths, people } from "../support/front-door.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const approvers = "99999999-0000-4000-8000-000000000001";
const approval = {
  approvalsNeeded: 1,
  approvers: { people: [], groups: [{ objectId: approvers, name: "approvers" }] },
  answerWithin: "PT1H",
};
type Door = ReturnType<typeof createFrontDoor>;

/** A call of the API about a request, and what may have come of it at the end: all of it, or nothing. */
interface Story {
  readonly name: string;
  readonly needsApproval: boolean;
  readonly startsOpen: boolean;
  readonly as: Person;
  readonly verb: string;
  readonly body: object;
  /** States of the requests, the oldest first, where the call did all it was to do; and where it did nothing. */
  readonly whole: readonly string[];
  readonly nothing: readonly string[];
  /** And where the work behind it could not be started, which the caller is told. */
  readonly unstarted?: readonly string[];
}

const duration = "PT1H";
const body = {
  virtualMachines: [
    {
      id: vmId(),
      ports: [{ number: 22, duration, allowedSourceAddressPrefix: "203.0.113.7" }],
    },
  ],
};
const stories: readonly Story[] = [
  {
    name: "asking",
    needsApproval: false,
    startsOpen: false,
    as: "alice",
    verb: "initiate",
    body,
    whole: ["open"],
    nothing: [],
    unstarted: ["failed"],
  },
  {
    name: "asking for what needs an approval",
    needsApproval: true,
    startsOpen: false,
    as: "alice",
    verb: "initiate",
    body,
    whole: ["pending approval"],
    nothing: [],
  },
  {
    name: "approving",
    needsApproval: true,
    startsOpen: false,
    as: "bob",
    verb: "approve",
    body: {},
    whole: ["open"],
    nothing: ["pending approval"],
  },
  {
    name: "denying",
    needsApproval: true,
    startsOpen: false,
    as: "bob",
    verb: "deny",
    body: {},
    whole: ["denied"],
    nothing: ["pending approval"],
  },
  {
    name: "ending what is open",
    needsApproval: false,
    startsOpen: true,
    as: "alice",
    verb: "revoke",
    body: {},
    whole: ["closed"],
    nothing: ["open"],
  },
  {
    name: "extending",
    needsApproval: false,
    startsOpen: true,
    as: "alice",
    verb: "extend",
    body: { duration: "PT2H" },
    whole: ["closed", "open"],
    nothing: ["open"],
    unstarted: ["open", "failed"],
  },
  {
    name: "moving to another source",
    needsApproval: false,
    startsOpen: true,
    as: "alice",
    verb: "rebind",
    body: { allowedSourceAddressPrefix: "203.0.113.99" },
    whole: ["closed", "open"],
    nothing: ["open"],
    unstarted: ["open", "failed"],
  },
];

const allows = (world: World) =>
  [nsgs.subnet, nsgs.card].flatMap((gateId) =>
    world.ours(gateId).filter((rule) => rule.access === "Allow"),
  );

async function requestsOf(world: World): Promise<readonly AccessRequest[]> {
  const stored = await world.requests.ofPolicy(paths.policy(), new Date(0));
  return stored.toReversed();
}

/** A policy, and a request that the call is about. */
async function prepare(story: Story): Promise<{ readonly world: World; readonly id: string }> {
  const world = createWorld();
  const door = createFrontDoor(world);
  world.directory.join(approvers, people.bob);
  const accessRules = story.needsApproval ? { accessRules: { approval } } : {};
  const virtualMachines = bothWebVms.map(({ id, ports }) => ({ id, ports }));
  await door.call("PUT", paths.policy(), {
    body: { properties: { virtualMachines, ...accessRules } },
  });
  if (story.verb === "initiate") {
    return { world, id: "" };
  }
  const { id } = (await door.call("POST", paths.initiate(), { as: "alice", body })).json;
  if (story.startsOpen) {
    await door.work();
  }
  await world.clock.advance(60_000);
  return { world, id };
}

function act(door: Door, story: Story, id: string) {
  const path = story.verb === "initiate" ? paths.initiate() : paths.request(id, story.verb);
  return door.call("POST", path, { as: story.as, body: story.body });
}

/** What orchestrations do that were asked for in the call or by the sweep after it. */
async function goOn(world: World, cut: Door): Promise<void> {
  const door = createFrontDoor(world);
  const take = async () => {
    const started = world.started.splice(0).map((requestId) => ({ requestId, vmCount: 1 }));
    door.workflows.started.push(...cut.workflows.started.splice(0), ...started);
    door.workflows.ended.push(...cut.workflows.ended.splice(0));
    await door.work();
  };
  await take();
  await world.clock.advance(61_000);
  await world.clock.run(sweep(world.start()));
  await take();
}

/** What is wrong at the end, in words. */
async function faultsOf(world: World, story: Story): Promise<readonly string[]> {
  const requests = await requestsOf(world);
  const states = requests.map(requestState).join();
  const facts = await world.facts();
  const count = (operation: string, outcome: string, of = requests[0]?.id) =>
    facts.filter(
      (fact) => fact.operation === operation && fact.outcome === outcome && fact.requestId === of,
    ).length;
  const asked = ["access.initiate", "access.extend", "access.rebind"];
  const isDecision = !["initiate", "extend", "rebind"].includes(story.verb);
  const isWhole = states === story.whole.join();
  const openNow = requests.filter((request) => requestState(request) === "open");
  const claims: Readonly<Record<string, boolean>> = {
    [`its requests are '${states}'`]: [story.whole, story.nothing, story.unstarted]
      .map((each) => each?.join())
      .includes(states),
    "a request left no trace": requests.every(({ id }) =>
      asked.some((operation) => count(operation, "asked", id) === 1),
    ),
    "a decision was told otherwise than stored":
      !isDecision || count(`access.${story.verb}`, "done") === (isWhole ? 1 : 0),
    "rules stand for what is not open": allows(world).length === openNow.length * 2,
    "something still waits to be told": requests.every(({ decisions = [] }) =>
      decisions.every(({ isTold }) => isTold === true),
    ),
  };
  return Object.keys(claims).filter((claim) => claims[claim] === false);
}

describe.each(stories)("$name", (story) => {
  it.each(faultKinds)(
    "is done whole or not at all, and told as it was, when any one of its calls %s",
    async (kind) => {
      const watched = createFaults();
      const healthy = await prepare(story);
      const door = createFrontDoor(healthy.world, { faults: watched });
      const { status } = await act(door, story, healthy.id);
      const calls = watched.calls.length;
      await goOn(healthy.world, door);

      const found: string[] = [];
      for (let at = 1; at <= calls; at += 1) {
        const { world, id } = await prepare(story);
        const faults = createFaults({ at, kind });
        await cutOff(world, story, id, faults);

        const faultsNow = await faultsOf(world, story);
        found.push(...faultsNow.map((fault) => `${at} ${watched.calls[at - 1]}: ${fault}`));
      }

      expect([200, 202]).toContain(status);
      expect((await requestsOf(healthy.world)).map(requestState)).toEqual(story.whole);
      expect(await faultsOf(healthy.world, story)).toEqual([]);
      expect(calls).toBeGreaterThan(4);
      expect(found).toEqual([]);
    },
  );
});

async function cutOff(world: World, story: Story, id: string, faults: Faults): Promise<void> {
  const cut = createFrontDoor(world, { faults });
  const reply = act(cut, story, id).catch(() => undefined);
  await world.clock.runUntil(() => faults.hasStruck);
  // One that has died answers nobody; the others get the time they need.
  await world.clock.advance(30_000);
  void reply;
  await goOn(world, cut);
}
