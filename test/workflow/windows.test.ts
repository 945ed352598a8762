import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Window } from "../../src/access/request.ts";
import { closeWindows } from "../../src/workflow/close-windows.ts";
import { lookAfterWindows } from "../../src/workflow/look-after.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import {
  afterNoon,
  anAccessRequest,
  aPort,
  aVirtualMachine,
  aWindow,
  requestId,
  vmId,
} from "../support/builders.ts";
import { endState } from "../support/end-state.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const ofVm = (id: string) => ({ requestId: id, vmIndex: 0 });
const dual = vmId("dual");
const laterId = "5c1e2d3f-77bb-4a0c-9d21-1f2e3d4c5b6a";

describe("the windows of a request", () => {
  let world: World;
  let customers: string;

  beforeEach(async () => {
    world = createWorld();
    await world.protect({
      virtualMachines: [
        aVirtualMachine({ ports: [aPort(), aPort({ number: 3389 })] }),
        ...bothWebVms.slice(1),
        aVirtualMachine({ id: dual, ports: [aPort({ allowedSourceAddressPrefix: "*" })] }),
      ],
    });
    customers = world.customers();
  });

  const ask = (windows: readonly Window[], id = requestId) =>
    world.request(anAccessRequest({ id, windows }));
  const open = (id = requestId) => world.clock.run(openWindows(world.start(), ofVm(id)));
  const look = (id = requestId) =>
    world.clock.run(lookAfterWindows(world.start(), { ...ofVm(id), attempt: 1 }));
  const close = (more: object = {}, id = requestId) =>
    world.clock.run(
      closeWindows(world.start(), { ...ofVm(id), endReason: "Expired", attempt: 1, ...more }),
    );
  const allows = (gateId: string) => world.ours(gateId).filter((rule) => rule.access === "Allow");
  const factsOf = async (operation: string) =>
    (await world.facts())
      .filter((fact) => fact.operation === operation)
      .map((fact) => fact.outcome)
      .toSorted();

  it("are open on every NSG in front of the VM, for exactly what was asked", async () => {
    await ask([aWindow()]);

    await open();

    expect(await look()).toEqual({ next: afterNoon(3_600), isFailing: false });
    for (const gateId of [nsgs.subnet, nsgs.card]) {
      expect(allows(gateId)).toEqual([
        expect.objectContaining({
          direction: "Inbound",
          protocol: "Tcp",
          sources: ["203.0.113.7"],
          destinations: ["10.0.0.4"],
          destinationPorts: ["22"],
        }),
      ]);
    }
    expect(await world.windows(requestId)).toEqual([
      expect.objectContaining({ state: "open", openedAt: afterNoon(0) }),
    ]);
    expect(await factsOf("access.open")).toEqual(["asked", "done"]);
  });

  it("leave the customer's rules as they were, byte for byte, and after closing the NSG as it was", async () => {
    const before = JSON.stringify(world.ours(nsgs.subnet));
    await ask([aWindow(), aWindow({ port: 3389 })]);

    await open();
    expect(world.customers()).toBe(customers);
    await close();

    expect(world.customers()).toBe(customers);
    expect(JSON.stringify(world.ours(nsgs.subnet))).toBe(before);
    expect(await factsOf("access.close")).toEqual(["asked", "asked", "done", "done"]);
  });

  it("of two requests with different ends on one VM close each at its own time", async () => {
    await ask([aWindow()]);
    const later = aWindow({
      id: `${laterId}-0-22`,
      closesAt: afterNoon(7_200),
      sources: ["203.0.113.9"],
    });
    await ask([later], laterId);
    await Promise.all([open(), open(laterId)]);
    expect(allows(nsgs.card)).toHaveLength(2);

    await world.clock.advance(3_600_000);
    expect(await look()).toEqual({ isFailing: false });
    expect(await look(laterId)).toEqual({ next: afterNoon(7_200), isFailing: false });

    expect(allows(nsgs.card).map((rule) => rule.sources)).toEqual([["203.0.113.9"]]);
    expect((await world.windows(laterId))[0]?.state).toBe("open");
    await world.clock.advance(3_600_000);
    await look(laterId);
    expect(allows(nsgs.card)).toEqual([]);
    expect((await world.windows(requestId))[0]).toMatchObject({
      state: "closed",
      endReason: "Expired",
      closedAt: expect.stringMatching(/^2030-01-31T13:00:00/),
    });
  });

  it("of one request end each at its own time too", async () => {
    await ask([aWindow(), aWindow({ port: 3389, closesAt: afterNoon(7_200) })]);

    await open();
    const first = await look();
    await world.clock.advance(3_600_000);
    const second = await look();

    expect([first.next, second.next]).toEqual([afterNoon(3_600), afterNoon(7_200)]);
    expect(allows(nsgs.card).map((rule) => rule.destinationPorts)).toEqual([["3389"]]);
  });

  it("of a VM with IPv4 and IPv6 are open for each family from its own sources", async () => {
    await ask([aWindow({ vmId: dual, sources: ["203.0.113.7", "2001:db8::7"] })]);

    await open();

    expect(
      allows(nsgs.dual).map(({ sources, destinations }) => [sources, destinations].flat()),
    ).toEqual([
      ["203.0.113.7", "10.0.1.6"],
      ["2001:db8::7", "fd00::6"],
    ]);
  });

  it("have their gates stored before the first rule is wanted", async () => {
    await ask([aWindow()]);
    const process = world.start();
    const wanted: (readonly string[] | undefined)[] = [];
    const gates = {
      ...process.gates,
      change: async (...change: Parameters<typeof process.gates.change>) => {
        wanted.push((await world.windows(requestId))[0]?.gates);
        return process.gates.change(...change);
      },
    };

    await world.clock.run(openWindows({ ...process, gates }, ofVm(requestId)));

    expect(wanted).toEqual([
      [nsgs.subnet, nsgs.card],
      [nsgs.subnet, nsgs.card],
    ]);
  });

  it("are opened and closed once, however often the work is done again", async () => {
    await ask([aWindow()]);

    await open();
    const afterFirst = await endState(world);
    await world.clock.advance(60_000);
    await open();
    expect(await endState(world)).toEqual(afterFirst);
    expect((await world.windows(requestId))[0]?.openedAt).toBe(afterNoon(0));

    await close();
    const afterClosing = await endState(world);
    await world.clock.advance(60_000);
    await close();
    expect(await endState(world)).toEqual(afterClosing);
    await open();
    expect(await look()).toEqual({ isFailing: false });
    expect(await endState(world)).toEqual(afterClosing);
  });

  it("that nobody knows are no fault", async () => {
    await open("unknown");
    expect(await look("unknown")).toEqual({ isFailing: false });
    expect(await close({}, "unknown")).toEqual({ isClosed: true });
  });

  it("of a VM that was deleted while they were open are closed all the same", async () => {
    await ask([aWindow()]);
    await open();
    world.network.removeMachine(vmId());

    expect(await close()).toEqual({ isClosed: true });
    expect([...allows(nsgs.subnet), ...allows(nsgs.card)]).toEqual([]);
  });

  it("on an NSG that was deleted while they were open count as closed", async () => {
    await ask([aWindow()]);
    await open();
    world.network.removeGate(nsgs.card);

    expect(await close()).toEqual({ isClosed: true });
    expect((await world.windows(requestId))[0]?.state).toBe("closed");
  });

  it("say who ended them early", async () => {
    await ask([aWindow()]);
    await open();

    await close({ endReason: "UserRequested" });

    expect((await world.windows(requestId))[0]).toMatchObject({
      state: "closed",
      endReason: "UserRequested",
    });
  });

  it("stay told as overdue, once for each try, until closing succeeds", async () => {
    const reason = { code: "GateNotWritable", message: "A lock.", target: nsgs.card } as const;
    const lock = { result: { outcome: "refused", reason } } as const;
    await ask([aWindow()]);
    await open();

    world.network.failWrites(lock, lock);
    expect(await close({ attempt: 1 })).toEqual({ isClosed: false });
    expect((await world.windows(requestId))[0]).toMatchObject({
      state: "closing",
      reasons: [reason, reason],
    });
    world.network.failWrites(lock);
    expect(await close({ attempt: 2 })).toEqual({ isClosed: false });
    expect(await close({ attempt: 3 })).toEqual({ isClosed: true });

    const failed = (await world.facts()).filter((fact) => fact.outcome === "failed");
    expect(failed.map((fact) => fact.id.split(".").at(-1)).toSorted()).toEqual(["1", "2"]);
    expect(world.logged.filter((line) => line.event === "access.window.overdue")).toHaveLength(2);
    const [window] = await world.windows(requestId);
    expect(window).toMatchObject({ state: "closed", endReason: "Expired" });
    expect(window?.reasons).toBeUndefined();
    expect(await factsOf("access.close")).toEqual(["asked", "done", "failed", "failed"]);
  });

  it("carry source, end and justification into every fact, and no actor where nobody acted", async () => {
    await world.request(anAccessRequest({ justification: "patching" }));
    await open();
    await close();

    for (const fact of await world.facts()) {
      expect(fact).toMatchObject({
        requestId,
        vmId: vmId(),
        port: 22,
        sources: ["203.0.113.7"],
        closesAt: afterNoon(3_600),
        justification: "patching",
      });
      expect(fact.actor).toBeUndefined();
    }
  });
});
