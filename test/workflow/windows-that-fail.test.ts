import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Window } from "../../src/access/request.ts";
import { closeWindows } from "../../src/workflow/close-windows.ts";
import { lookAfterWindows } from "../../src/workflow/look-after.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import {
  anAccessRequest,
  aPolicy,
  aPort,
  aRule,
  aVirtualMachine,
  aWindow,
  requestId,
  vmId,
} from "../support/builders.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const ofVm = (id: string) => ({ requestId: id, vmIndex: 0 });
const dual = vmId("dual");
const sshBlocked = aRule({
  name: "block-ssh",
  priority: 90,
  access: "Deny",
  destinationPorts: ["22"],
});

describe("windows that cannot be opened", () => {
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
  const look = () =>
    world.clock.run(lookAfterWindows(world.start(), { ...ofVm(requestId), attempt: 1 }));
  const states = async () => (await world.windows(requestId)).map((window) => window.state);
  const allows = (gateId: string) => world.ours(gateId).filter((rule) => rule.access === "Allow");
  const factsOf = async (operation: string) =>
    (await world.facts())
      .filter((fact) => fact.operation === operation)
      .map((fact) => fact.outcome)
      .toSorted();

  it("that can be opened on one NSG only are closed again, and failed by the name of the rule", async () => {
    world.network.edit(nsgs.card, (rules) => [...rules, sshBlocked]);
    customers = world.customers();
    await ask([aWindow()]);

    await open();
    expect(await states()).toEqual(["closing"]);
    expect(await look()).toEqual({ isFailing: false });

    expect([...allows(nsgs.subnet), ...allows(nsgs.card)]).toEqual([]);
    expect(await world.windows(requestId)).toEqual([
      expect.objectContaining({
        state: "failed",
        reasons: [expect.objectContaining({ code: "BlockedByCustomerRule", target: "block-ssh" })],
      }),
    ]);
    expect(await factsOf("access.open")).toEqual(["asked", "failed"]);
    expect(world.customers()).toBe(customers);
  });

  it.each([
    {
      case: "the VM was deleted meanwhile",
      spoil: () => world.network.removeMachine(vmId()),
      code: "VirtualMachineNotFound",
    },
    {
      case: "they are over before they could be opened",
      spoil: () => world.clock.advance(3_600_000),
      code: "WindowOver",
    },
    {
      case: "the VM lost its last NSG",
      spoil: () =>
        world.network.addMachine({
          id: vmId(),
          name: "web-1",
          location: "westeurope",
          addresses: [{ address: "10.0.0.4", family: 4, networkInterfaceId: "nic", gates: [] }],
        }),
      code: "NetworkSecurityGroupMissing",
    },
    {
      case: "the policy was deleted meanwhile",
      async spoil() {
        const stored = await world.policies.get(aPolicy().id);
        await world.policies.remove(aPolicy().id, stored?.etag ?? "");
      },
      code: "PolicyNotFound",
    },
  ])("fail without a rule being written when $case", async ({ spoil, code }) => {
    const writes = world.network.writes.length;
    await ask([aWindow()]);
    await spoil();

    await open();
    await look();

    expect(world.network.writes).toHaveLength(writes);
    expect(await world.windows(requestId)).toEqual([
      expect.objectContaining({ state: "failed", reasons: [expect.objectContaining({ code })] }),
    ]);
  });

  it("that ended meanwhile are not opened again by a second run of the activity that comes late", async () => {
    await ask([aWindow()]);
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const { gates, ...ports } = world.start();
    const late = openWindows(
      {
        ...ports,
        gates: {
          ...gates,
          change: async (...given: Parameters<typeof gates.change>) => {
            await held;
            return gates.change(...given);
          },
        },
      },
      ofVm(requestId),
    );
    await world.clock.advance(10);
    await open();
    await world.clock.run(
      closeWindows(world.start(), { ...ofVm(requestId), endReason: "UserRequested", attempt: 1 }),
    );

    letGo();
    await world.clock.run(late);

    expect(await states()).toEqual(["closed"]);
    expect(await look()).toEqual({ isFailing: false });
    expect([...allows(nsgs.subnet), ...allows(nsgs.card)]).toEqual([]);
    expect(await factsOf("access.open")).toEqual(["asked", "done"]);
  });

  it("that the policy allows no longer are never written, though others of the request are", async () => {
    await ask([aWindow(), aWindow({ port: 3389 })]);
    await world.protectAgain({ virtualMachines: bothWebVms });

    await open();

    const written = world.network.writes
      .flatMap((write) => write.changes)
      .flatMap((change) =>
        change.kind === "put" && change.rule.access === "Allow" ? [change.rule] : [],
      );
    expect(written.flatMap((rule) => rule.destinationPorts)).not.toContain("3389");
    expect(await states()).toEqual(["open", "closing"]);
  });

  it("from an IPv6 source cannot be opened on a VM that has IPv4 alone", async () => {
    await world.protectAgain({
      virtualMachines: [aVirtualMachine({ ports: [aPort({ allowedSourceAddressPrefix: "*" })] })],
    });
    await ask([aWindow({ sources: ["2001:db8::7"] })]);

    await open();

    expect((await world.windows(requestId))[0]?.reasons).toEqual([
      expect.objectContaining({ code: "NoAddressForSource" }),
    ]);
    expect(allows(nsgs.card)).toEqual([]);
  });
});
