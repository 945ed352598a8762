import { beforeEach, describe, expect, it } from "@jest/globals";
import type { GateReading } from "../../src/ports.ts";
import { closeWindows } from "../../src/workflow/close-windows.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { createSettle } from "../../src/workflow/settle.ts";
import { anAccessRequest, requestId } from "../support/builders.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const vm = { requestId, vmIndex: 0 };
const closing = { ...vm, endReason: "Expired", attempt: 1 } as const;

describe("closing a window", () => {
  let world: World;

  beforeEach(async () => {
    world = createWorld();
    await world.protect({ virtualMachines: bothWebVms });
    await world.request(anAccessRequest());
  });

  const open = () => world.clock.run(openWindows(world.start(), vm));
  const told = async (operation: string) =>
    (await world.facts())
      .filter((fact) => fact.operation === operation)
      .map(({ outcome, reasons = [] }) => [outcome, ...reasons.map(({ code }) => code)].join(" "))
      .toSorted();

  it("tells that it was never open when no try to open it came to an end", async () => {
    await world.clock.run(closeWindows(world.start(), closing));

    expect(await told("access.open")).toEqual(["failed NotSettledInTime"]);
    expect(await told("access.close")).toEqual(["asked", "done"]);
  });

  it("is told as failed when Azure cannot be read a second time", async () => {
    await open();
    world.network.failReads(new Error("away"), new Error("away"));

    const closed = await world.clock.run(closeWindows(world.start(), { ...closing, attempt: 2 }));

    expect(closed).toEqual({ isClosed: false });
    expect(await told("access.close")).toEqual([
      "asked",
      "failed NotSettledInTime NotSettledInTime",
    ]);
  });

  it("is told as overdue while the first try still goes on", async () => {
    await open();
    const letGo = world.network.holdWrites();
    const closed = closeWindows(world.start(), closing);
    await world.clock.advance(25_000);
    const meanwhile = await told("access.close");
    letGo();

    expect(await world.clock.run(closed)).toEqual({ isClosed: true });
    expect(meanwhile).toEqual(["asked", "failed NotSettledInTime"]);
    expect(await told("access.close")).toEqual(["asked", "done", "failed NotSettledInTime"]);
  });

  it("takes the rule away even when the first reading is from before it was written", async () => {
    const ports = world.start();
    const before = await ports.network.readGate(nsgs.card);
    await open();
    const stale: (GateReading | undefined)[] = [before];
    const network = {
      ...ports.network,
      readGate: async (gateId: string) =>
        (gateId === nsgs.card ? stale.pop() : undefined) ?? ports.network.readGate(gateId),
    };

    const settle = createSettle({ ...ports, network });
    await world.clock.run(closeWindows({ ...ports, network, settle }, closing));

    expect(world.ours(nsgs.card).map(({ access }) => access)).toEqual(["Deny"]);
    expect(await told("gate.repair")).toEqual([]);
  });
});
