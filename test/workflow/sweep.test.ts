import { beforeEach, describe, expect, it } from "@jest/globals";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import {
  afterNoon,
  anAccessRequest,
  aPolicy,
  aWindow,
  requestId,
  vmId,
} from "../support/builders.ts";
import { createFaults, faultKinds } from "../support/faults.ts";
import { createFrontDoor, paths } from "../support/front-door.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const body = {
  properties: {
    virtualMachines: bothWebVms.map(({ id, ports }) => ({ id, ports })),
  },
};

describe("the sweep", () => {
  let world: World;

  beforeEach(() => {
    world = createWorld();
  });

  const run = (ports = world.start()) => world.clock.run(sweep(ports));
  const rules = (access: "Allow" | "Deny") =>
    Object.values(nsgs)
      .flatMap((gateId) => world.ours(gateId))
      .filter((rule) => rule.access === access);

  it("does nothing where nothing is left to do", async () => {
    await world.protect({ virtualMachines: bothWebVms });
    const watched = createFaults();

    await run(world.start(watched));

    expect(watched.calls).toEqual(["gates.unsettled", "policies.unsettled", "requests.live"]);
    expect(world.logged.map((line) => line.event)).not.toContain("sweep.settled");
  });

  it("closes windows that are over although no orchestration is left to do it", async () => {
    await world.protect({ virtualMachines: bothWebVms });
    await world.request(anAccessRequest({ windows: [aWindow()] }));
    await world.clock.run(openWindows(world.start(), { requestId, vmIndex: 0 }));
    await world.clock.advance(3_599_000);
    await run();
    expect(rules("Allow")).toHaveLength(2);

    await world.clock.advance(1_000);
    await run();

    expect(rules("Allow")).toEqual([]);
    expect(rules("Deny")).toHaveLength(3);
    expect(await world.gates.unsettled(world.clock.now())).toEqual([]);
  });

  it("ends requests that nobody looks after, soon after their end, or when they wait for too long", async () => {
    await world.protect({ virtualMachines: bothWebVms });
    const longId = "5c1e2d3f-77bb-4a0c-9d21-1f2e3d4c5b6a";
    await world.request(anAccessRequest({ windows: [aWindow({ closesAt: afterNoon(600) })] }));
    await world.request(
      anAccessRequest({
        id: longId,
        windows: [aWindow({ id: `${longId}-0-22`, closesAt: afterNoon(10_000) })],
      }),
    );
    const states = async () =>
      [...(await world.windows(requestId)), ...(await world.windows(longId))].map(
        ({ state }) => state,
      );

    await world.clock.advance(629_000);
    await run();
    const early = await states();
    await world.clock.advance(1_000);
    await run();
    const afterEnd = await states();
    await world.clock.advance(570_000);
    await run();

    expect(early).toEqual(["opening", "opening"]);
    expect(afterEnd).toEqual(["failed", "opening"]);
    expect(await states()).toEqual(["failed", "failed"]);
    const told = (await world.facts()).filter(({ outcome }) => outcome === "failed");
    expect(told.map(({ operation }) => operation)).toEqual(["access.open", "access.open"]);
  });

  it("takes over from a process that died while it wrote", async () => {
    await world.protect({ virtualMachines: bothWebVms });
    await world.request(anAccessRequest({ windows: [aWindow()] }));
    const faults = createFaults({ at: 12, kind: "dies after" });
    void openWindows(world.start(faults), { requestId, vmIndex: 0 });
    await world.clock.runUntil(() => faults.hasStruck);

    await run();

    expect(await world.gates.unsettled(world.clock.now())).toEqual([]);
  });

  it("does not let one fault keep it from its other tasks", async () => {
    await world.policies.put(aPolicy({ virtualMachines: bothWebVms, state: "updating" }));
    const lonely = aPolicy({
      id: aPolicy().id.replace(/default$/, "dual"),
      name: "dual",
      virtualMachines: [{ ...bothWebVms[0], id: vmId("dual") } as (typeof bothWebVms)[0]],
      state: "updating",
    });
    await world.policies.put(lonely);
    const process = world.start();
    const network = {
      ...process.network,
      findMachine: async (id: string) => {
        if (id === vmId()) {
          throw new Error("Azure is away");
        }
        return process.network.findMachine(id);
      },
    };

    await run({ ...process, network });

    const states = (await world.policiesStored()).map(({ name, state }) => ({ name, state }));
    expect(states).toEqual([
      { name: "default", state: "updating" },
      { name: "dual", state: "settled" },
    ]);
    expect(world.logged).toContainEqual(
      expect.objectContaining({ event: "task.fault", message: "Azure is away" }),
    );
  });

  it.each(faultKinds)("finishes a policy change of which any one call %s", async (kind) => {
    const watched = createFaults();
    const { calls } = watched;
    const healthy = createFrontDoor(world, { faults: watched });
    await healthy.call("PUT", paths.policy(), { body });

    const halves = [];
    for (let at = 1; at <= calls.length; at += 1) {
      world = createWorld();
      const faults = createFaults({ at, kind });
      const door = createFrontDoor(world, { faults });
      const reply = door.call("PUT", paths.policy(), { body }).catch(() => undefined);
      await world.clock.runUntil(() => faults.hasStruck);
      await (kind.startsWith("dies") ? undefined : reply);

      await run();

      const isWhole =
        rules("Deny").length === 3 && (await world.policiesStored())[0]?.state === "settled";
      const isNothing = rules("Deny").length === 0 && (await world.policiesStored()).length === 0;
      if (!(isWhole || isNothing) || (await world.gates.unsettled(world.clock.now())).length > 0) {
        halves.push(`${at} ${calls[at - 1]}`);
      }
    }

    expect(calls.length).toBeGreaterThan(20);
    expect(halves).toEqual([]);
  });

  it.each(faultKinds)(
    "finishes the deletion of a policy of which any one call %s",
    async (kind) => {
      const watched = createFaults();
      const { calls } = watched;
      await world.protect({ virtualMachines: bothWebVms });
      const healthy = createFrontDoor(world, { faults: watched });
      await healthy.call("DELETE", paths.policy());

      const halves = [];
      for (let at = 1; at <= calls.length; at += 1) {
        world = createWorld();
        await world.protect({ virtualMachines: bothWebVms });
        const faults = createFaults({ at, kind });
        const reply = createFrontDoor(world, { faults })
          .call("DELETE", paths.policy())
          .catch(() => undefined);
        await world.clock.runUntil(() => faults.hasStruck);
        await (kind.startsWith("dies") ? undefined : reply);

        await run();

        const left = (await world.policiesStored()).map(({ state }) => state).join();
        const isWhole = rules("Deny").length === 3 && left === "settled";
        const isNothing = rules("Deny").length === 0 && left === "";
        if (!(isWhole || isNothing)) {
          halves.push(`${at} ${calls[at - 1]}: ${left}, ${rules("Deny").length} rules`);
        }
      }

      expect(calls.length).toBeGreaterThan(10);
      expect(halves).toEqual([]);
    },
  );
});
