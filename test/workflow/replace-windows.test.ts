import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Requestor, Window } from "../../src/access/request.ts";
import type { Network } from "../../src/ports.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { createSettle } from "../../src/workflow/settle.ts";
import {
  afterNoon,
  alice,
  anAccessRequest,
  aPort,
  aVirtualMachine,
  aWindow,
  requestId,
} from "../support/builders.ts";
import { createWorld, nsgs, type World } from "../support/world.ts";

const newerId = "5c1e2d3f-77bb-4a0c-9d21-1f2e3d4c5b6a";
const bob: Requestor = { ...alice, objectId: "22222222-0000-0000-0000-000000000002", name: "bob" };

describe("asking again for what is open", () => {
  let world: World;

  beforeEach(async () => {
    world = createWorld();
    await world.protect({
      virtualMachines: [aVirtualMachine({ ports: [aPort(), aPort({ number: 3389 })] })],
    });
  });

  const open = async (
    id: string,
    windows: readonly Window[],
    requestor = alice,
    through = (network: Network) => network,
  ) => {
    await world.request(
      anAccessRequest({
        id,
        requestor,
        createdAt: world.clock.now().toISOString(),
        windows: windows.map((window) => ({ ...window, id: `${id}-0-${window.port}` })),
      }),
    );
    const process = world.start();
    const ports = { ...process, network: through(process.network) };
    const settle = createSettle(ports);
    await world.clock.run(openWindows({ ...ports, settle }, { requestId: id, vmIndex: 0 }));
    await world.clock.advance(60_000);
  };
  const states = async (id: string) =>
    (await world.windows(id)).map(({ port, state, endReason }) => [port, state, endReason]);
  const allows = () => world.ours(nsgs.subnet).filter((rule) => rule.access === "Allow");

  it("replaces the older window, without the port being closed in between", async () => {
    await open(requestId, [aWindow()]);
    const openAfterEachWrite: number[] = [];

    await open(newerId, [aWindow({ closesAt: afterNoon(7_200) })], alice, (network) => ({
      ...network,
      async write(reading, changes) {
        const outcome = await network.write(reading, changes);
        openAfterEachWrite.push(allows().length);
        return outcome;
      },
    }));

    expect(await states(requestId)).toEqual([[22, "closed", "NewerRequestInitiated"]]);
    expect(await states(newerId)).toEqual([[22, "open", undefined]]);
    expect(allows()).toHaveLength(1);
    expect(allows()[0]?.description).toContain(afterNoon(7_200));
    expect(openAfterEachWrite).not.toEqual([]);
    expect(openAfterEachWrite).not.toContain(0);
    const [fact] = (await world.facts()).filter(
      ({ operation, outcome }) => operation === "access.close" && outcome === "done",
    );
    expect(fact).toMatchObject({ requestId, endReason: "NewerRequestInitiated" });
  });

  it("may also ask for a sooner end", async () => {
    await open(requestId, [aWindow({ closesAt: afterNoon(7_200) })]);

    await open(newerId, [aWindow({ closesAt: afterNoon(1_800) })]);

    expect(allows().map((rule) => rule.description)).toEqual([
      expect.stringContaining(afterNoon(1_800)),
    ]);
  });

  it("leaves the older request's other ports as they are", async () => {
    await open(requestId, [aWindow(), aWindow({ port: 3389 })]);

    await open(newerId, [aWindow({ closesAt: afterNoon(7_200) })]);

    expect(await states(requestId)).toEqual([
      [22, "closed", "NewerRequestInitiated"],
      [3389, "open", undefined],
    ]);
  });

  it.each([
    { case: "another person", requestor: bob, window: aWindow({ closesAt: afterNoon(7_200) }) },
    { case: "another source", requestor: alice, window: aWindow({ sources: ["203.0.113.8"] }) },
    { case: "another port", requestor: alice, window: aWindow({ port: 3389 }) },
  ])("leaves the older window alone when it is $case", async ({ requestor, window }) => {
    await open(requestId, [aWindow()]);

    await open(newerId, [window], requestor);

    expect(await states(requestId)).toEqual([[22, "open", undefined]]);
    expect((await states(newerId))[0]?.[1]).toBe("open");
  });

  it("shares one rule between two people who would have the same, until the last of them is done", async () => {
    await open(requestId, [aWindow()]);
    await open(newerId, [aWindow({ closesAt: afterNoon(7_200) })], bob);

    expect(allows()).toHaveLength(1);
    expect(allows()[0]?.description).toContain(afterNoon(7_200));
  });

  it("leaves the older window open when the newer one fails", async () => {
    await open(requestId, [aWindow()]);

    await open(newerId, [aWindow({ closesAt: afterNoon(7_200) })], alice, (network) => ({
      ...network,
      write: async () => ({
        outcome: "refused",
        reason: { code: "GateNotWritable", message: "A lock is on the group." },
      }),
    }));

    expect(await states(newerId)).toEqual([[22, "closing", undefined]]);
    expect(await states(requestId)).toEqual([[22, "open", undefined]]);
    expect(allows()).toHaveLength(1);
  });

  it("ends the older one also when it comes to be open only after the newer one", async () => {
    await world.request(anAccessRequest({ windows: [aWindow()] }));
    await world.clock.advance(1_000);
    await open(newerId, [aWindow({ closesAt: afterNoon(7_200) })]);

    await world.clock.run(openWindows(world.start(), { requestId, vmIndex: 0 }));

    expect(await states(requestId)).toEqual([[22, "closed", "NewerRequestInitiated"]]);
    expect(await states(newerId)).toEqual([[22, "open", undefined]]);
    expect(allows()).toHaveLength(1);
  });

  it("is told to no one twice when opening is tried again", async () => {
    await open(requestId, [aWindow()]);
    await open(newerId, [aWindow({ closesAt: afterNoon(7_200) })]);
    const before = (await world.facts()).length;

    await world.clock.run(openWindows(world.start(), { requestId: newerId, vmIndex: 0 }));

    expect(await world.facts()).toHaveLength(before);
  });
});
