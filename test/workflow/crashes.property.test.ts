import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { Requestor } from "../../src/access/request.ts";
import { healEveryGate } from "../../src/workflow/heal.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { protect } from "../../src/workflow/protect.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { alice, anAccessRequest, aPolicy, aWindow, vmId } from "../support/builders.ts";
import { type Edit, edit, editing } from "../support/customer-edits.ts";
import { createFaults, faultKinds } from "../support/faults.ts";
import { untilDoneOrDead } from "../support/life-story.ts";
import { propertyRuns } from "../support/property-runs.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const gates = Object.values(nsgs);
const bob: Requestor = { ...alice, objectId: "22222222-0000-0000-0000-000000000002", name: "bob" };

/** Somebody asks for SSH, and the process that opens it meets a fault at one of its calls, or none. */
const asking = fc.record({
  kind: fc.constant("ask" as const),
  vm: fc.constantFrom("web-1", "web-2"),
  by: fc.constantFrom(alice, bob),
  source: fc.constantFrom("203.0.113.7", "203.0.113.8"),
  seconds: fc.integer({ min: 60, max: 7_200 }),
  fault: fc.option(
    fc.record({ at: fc.integer({ min: 1, max: 40 }), kind: fc.constantFrom(...faultKinds) }),
    { nil: undefined },
  ),
});

/** Time passes, and perhaps a sweep of a process that meets a fault. */
const passing = fc.record({
  kind: fc.constant("pass" as const),
  seconds: fc.integer({ min: 1, max: 3_600 }),
  sweep: fc.constantFrom(undefined, sweep, healEveryGate),
  fault: fc.option(
    fc.record({ at: fc.integer({ min: 1, max: 30 }), kind: fc.constantFrom(...faultKinds) }),
    { nil: undefined },
  ),
});

type Step =
  | (typeof asking extends fc.Arbitrary<infer T> ? T : never)
  | Edit
  | (typeof passing extends fc.Arbitrary<infer T> ? T : never);

/** Carries one step out; what a process that died leaves behind stays behind. */
async function take(world: World, step: Step, index: number): Promise<void> {
  if (step.kind === "edit") {
    edit(world, step, index);
    return;
  }
  const faults = createFaults(step.fault);
  const process = world.start(faults);
  if (step.kind === "pass") {
    await world.clock.advance(step.seconds * 1_000);
    await untilDoneOrDead(world, step.sweep?.(process), faults);
    return;
  }
  const id = `5c1e2d3f-77bb-4a0c-9d21-${String(index).padStart(12, "0")}`;
  const now = world.clock.now().getTime();
  const closesAt = new Date(now + step.seconds * 1_000).toISOString();
  const window = aWindow({
    id: `${id}-0-22`,
    vmId: vmId(step.vm),
    sources: [step.source],
    closesAt,
  });
  await world.request(
    anAccessRequest({
      id,
      requestor: step.by,
      createdAt: new Date(now).toISOString(),
      windows: [window],
    }),
  );
  await untilDoneOrDead(world, openWindows(process, { requestId: id, vmIndex: 0 }), faults);
}

/** For ten thousand stories; a few hundred take seconds. */
const longEnough = 1_800_000;

describe("whatever dies, fails, or is edited meanwhile", () => {
  it(
    "customer rules stay, every window ends, and the gates are as they were when the policy is gone",
    async () => {
      const steps = fc.array(fc.oneof(asking, asking, editing, passing), {
        minLength: 1,
        maxLength: 10,
      });
      await fc.assert(
        fc.asyncProperty(steps, async (story) => {
          const world = createWorld();
          await world.protect({ virtualMachines: bothWebVms });
          for (const [index, step] of story.entries()) {
            const before = step.kind === "edit" ? undefined : world.customers();
            await take(world, step, index);
            expect(before ?? world.customers()).toBe(world.customers());
          }
          const customers = world.customers();

          await world.clock.advance(7_200_000);
          await world.clock.run(sweep(world.start()));
          await world.clock.run(healEveryGate(world.start()));
          const left = gates.flatMap((gate) => world.ours(gate));
          const owed = await world.gates.overdue(world.clock.now());
          const behind = await world.gates.unsettled(world.clock.now());
          const stored = await world.policies.get(aPolicy().id);
          await world.policies.put(
            { ...(stored?.value ?? aPolicy()), state: "deleting" },
            stored?.etag,
          );
          await world.clock.run(protect(world.start(), aPolicy().id));

          expect(left.filter((rule) => rule.access === "Allow")).toEqual([]);
          expect(left).toHaveLength(3);
          expect([owed, behind]).toEqual([[], []]);
          expect(gates.flatMap((gate) => world.ours(gate))).toEqual([]);
          expect(world.customers()).toBe(customers);
          expect(world.writeWrongs).toEqual([]);
          expect(world.unansweredWrites()).toEqual([]);
        }),
        propertyRuns,
      );
    },
    longEnough,
  );
});
