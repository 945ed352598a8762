import { describe, expect, it } from "@jest/globals";
import { revoked } from "../../src/access/approval.ts";
import type { Window } from "../../src/access/request.ts";
import { lookAfterWindows } from "../../src/workflow/look-after.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { afterNoon, alice, anAccessRequest, aWindow, requestId } from "../support/builders.ts";
import { createFaults, createInterruption, faultKinds } from "../support/faults.ts";
import { untilDoneOrDead } from "../support/life-story.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const vm = { requestId, vmIndex: 0 };

async function aWorld(window: Window): Promise<World> {
  const world = createWorld();
  await world.protect({ virtualMachines: bothWebVms });
  await world.request(anAccessRequest({ windows: [window] }));
  return world;
}

/** Stores that the request is to end, as the front door does. */
const endOf = (world: World) => () =>
  world.requests.change(
    requestId,
    (current) =>
      revoked(current, { id: "end", kind: "revoke", by: alice, at: afterNoon(0), isTold: true }) ??
      current,
  );

/** What is wrong after the end of a window, in words. */
async function faultsOf(world: World, isRevoked: boolean): Promise<readonly string[]> {
  const [window] = await world.windows(requestId);
  const facts = await world.facts();
  const told = (operation: string, outcome: string) =>
    facts.filter((fact) => fact.operation === operation && fact.outcome === outcome).length;
  const records = await Promise.all(Object.values(nsgs).map(world.record));
  const wasOpen = window?.openedAt !== undefined;
  const claims: Readonly<Record<string, boolean>> = {
    "it is not over": window?.state === (isRevoked || wasOpen ? "closed" : "failed"),
    "nobody knows who ended it": !isRevoked || window?.endReason === "UserRequested",
    "it is wanted": records.every(({ intent }) => intent.windows.length === 0),
    "a rule is left": Object.values(nsgs).every((gateId) =>
      world.ours(gateId).every((rule) => rule.access === "Deny"),
    ),
    "it is told as opened and was not": told("access.open", "done") === (wasOpen ? 1 : 0),
    "it is told as never opened and was": told("access.open", "failed") === (wasOpen ? 0 : 1),
    "its closing was told not once": told("access.close", "done") === 1,
  };
  return Object.keys(claims).filter((claim) => claims[claim] === false);
}

describe.each([
  { case: "until an end that was named", window: aWindow() },
  { case: "for a length", window: aWindow({ durationSeconds: 3_600 }) },
])("a window that is being opened $case", ({ window }) => {
  it("is closed, and told as what it was, whenever meanwhile somebody asks for its end", async () => {
    const watched = createFaults();
    const healthy = await aWorld(window);
    await healthy.clock.run(openWindows(healthy.start(watched), vm));
    const { calls } = watched;

    const found: string[] = [];
    for (let at = 1; at <= calls.length + 1; at += 1) {
      const world = await aWorld(window);
      const ending = createInterruption(at, endOf(world));
      await world.clock.run(openWindows(world.start(ending), vm));
      await endOf(world)();
      await world.clock.run(lookAfterWindows(world.start(), { ...vm, attempt: 1 }));

      const faults = await faultsOf(world, true);
      found.push(...faults.map((fault) => `before ${at} ${calls[at - 1]}: ${fault}`));
    }

    expect(calls.length).toBeGreaterThan(20);
    expect(found).toEqual([]);
  });

  it.each(faultKinds)(
    "is told as what it was when any one call %s, and nobody is left but the sweep",
    async (kind) => {
      const watched = createFaults();
      const healthy = await aWorld(window);
      await healthy.clock.run(openWindows(healthy.start(watched), vm));
      const { calls } = watched;

      const found: string[] = [];
      for (let at = 1; at <= calls.length; at += 1) {
        const world = await aWorld(window);
        const faults = createFaults({ at, kind });
        await untilDoneOrDead(world, openWindows(world.start(faults), vm), faults);
        await world.clock.advance(3_700_000);
        await world.clock.run(sweep(world.start()));

        const now = await faultsOf(world, false);
        found.push(...now.map((fault) => `${at} ${calls[at - 1]}: ${fault}`));
      }

      expect(found).toEqual([]);
    },
  );
});
