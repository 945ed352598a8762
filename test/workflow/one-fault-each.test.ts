import { describe, expect, it } from "@jest/globals";
import { closeWindows } from "../../src/workflow/close-windows.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { protect } from "../../src/workflow/protect.ts";
import {
  anAccessRequest,
  aPolicy,
  aPort,
  aRule,
  aVirtualMachine,
  aWindow,
  requestId,
} from "../support/builders.ts";
import { endState } from "../support/end-state.ts";
import { createFaults, type FaultKind, faultKinds } from "../support/faults.ts";
import { bothWebVms, createWorld, nsgs, type Process, type World } from "../support/world.ts";

/** A piece of work that may meet a fault, and what was there before. */
interface Story {
  readonly name: string;
  setUp(world: World): Promise<void>;
  /** Answers what the next step relies on. */
  work(process: Process): Promise<unknown>;
  /** What a reader may count on at the end, whatever went wrong on the way. */
  readonly allowRules: number;
  readonly denyRules: number;
}

const vm = { requestId, vmIndex: 0 };
const twoPorts = [aWindow(), aWindow({ port: 3389, closesAt: "2030-01-31T14:00:00.000Z" })];

const blockSsh = {
  name: "block-ssh",
  priority: 90,
  access: "Deny",
  destinationPorts: ["22"],
} as const;

const twoPortsOfWeb1 = [
  aVirtualMachine({ ports: [aPort(), aPort({ number: 3389 })] }),
  ...bothWebVms.slice(1),
];

async function anOpenRequest(world: World): Promise<void> {
  await world.protect({ virtualMachines: twoPortsOfWeb1 });
  await world.request(anAccessRequest({ windows: twoPorts }));
}

const stories: readonly Story[] = [
  {
    name: "opening two ports of a VM behind two NSGs",
    setUp: anOpenRequest,
    work: (process) => openWindows(process, vm),
    allowRules: 4,
    denyRules: 3,
  },
  {
    name: "opening a port that a customer's rule blocks on one of two NSGs",
    async setUp(world) {
      await world.protect({ virtualMachines: bothWebVms });
      world.network.edit(nsgs.card, (rules) => [...rules, aRule(blockSsh)]);
      await world.request(anAccessRequest());
    },
    work: (process) => openWindows(process, vm),
    // The other NSG has its rule; whoever opened closes next what did not come to be open.
    allowRules: 1,
    denyRules: 3,
  },
  {
    name: "opening two ports of which the policy does not allow one any more",
    async setUp(world) {
      await world.protect({ virtualMachines: bothWebVms });
      await world.request(anAccessRequest({ windows: twoPorts }));
    },
    work: (process) => openWindows(process, vm),
    allowRules: 2,
    denyRules: 3,
  },
  {
    name: "closing two ports of a VM behind two NSGs",
    async setUp(world) {
      await anOpenRequest(world);
      await world.clock.run(openWindows(world.start(), vm));
    },
    work: (process) => closeWindows(process, { ...vm, endReason: "Expired", attempt: 1 }),
    allowRules: 0,
    denyRules: 3,
  },
  {
    name: "protecting two VMs by a policy",
    setUp: async (world) => {
      await world.policies.put(aPolicy({ virtualMachines: bothWebVms, state: "updating" }));
    },
    work: async (process) => (await protect(process, aPolicy().id)).outcome,
    allowRules: 0,
    denyRules: 3,
  },
  {
    name: "deleting a policy with a window still open",
    async setUp(world) {
      await anOpenRequest(world);
      await world.clock.run(openWindows(world.start(), vm));
      const stored = await world.policies.get(aPolicy().id);
      await world.policies.put(
        { ...(stored?.value ?? aPolicy()), state: "deleting" },
        stored?.etag,
      );
    },
    work: async (process) => (await protect(process, aPolicy().id)).outcome,
    allowRules: 0,
    denyRules: 0,
  },
];

describe.each(stories)("$name", (story) => {
  it("goes well when nothing fails", async () => {
    const { world } = await toldWithoutFault(story);

    const rules = Object.values(nsgs).flatMap((gateId) => world.ours(gateId));
    expect(rules.filter((rule) => rule.access === "Allow")).toHaveLength(story.allowRules);
    expect(rules.filter((rule) => rule.access === "Deny")).toHaveLength(story.denyRules);
    expect(await world.gates.unsettled(world.clock.now())).toEqual([]);
  });

  it.each(faultKinds)(
    "ends the same when any one of its calls %s, and it is tried again",
    async (kind) => {
      const { world, calls, answer } = await toldWithoutFault(story);
      const expected = { answer, ...(await endState(world)) };

      const different = [];
      for (let at = 1; at <= calls.length; at += 1) {
        const state = await toldWithFault(story, kind, at).catch((error: unknown) => String(error));
        if (JSON.stringify(state) !== JSON.stringify(expected)) {
          different.push({ at, call: calls[at - 1], state });
        }
      }

      expect(calls.length).toBeGreaterThan(10);
      // The first one in full: it says more than a list of all.
      expect(different[0]?.state ?? expected).toEqual(expected);
      expect(different.map(({ at, call }) => `${at} ${call}`)).toEqual([]);
    },
  );
});

async function toldWithoutFault(story: Story) {
  const world = createWorld();
  await story.setUp(world);
  const faults = createFaults();
  const answer = await world.clock.run(story.work(world.start(faults)));
  return { world, calls: faults.calls, answer };
}

/** The work with its fault, then again as the orchestration would: by the same process, or by another when it died. */
async function toldWithFault(story: Story, kind: FaultKind, at: number): Promise<unknown> {
  const world = createWorld();
  await story.setUp(world);
  const faults = createFaults({ at, kind });
  const process = world.start(faults);
  const first = story.work(process).catch(() => undefined);
  if (kind.startsWith("dies")) {
    await world.clock.runUntil(() => faults.hasStruck);
  } else {
    await world.clock.run(first);
  }
  const isGone = kind !== "fails" && kind !== "loses its answer";
  const answer = await world.clock.run(story.work(isGone ? world.start() : process));
  return { answer, ...(await endState(world)) };
}
