import { beforeEach, describe, expect, it } from "@jest/globals";
import { protect } from "../../src/workflow/protect.ts";
import { machineFaults } from "../../src/workflow/vm-gates.ts";
import { aPolicy, aPort, aRule, aVirtualMachine, vmId } from "../support/builders.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const [web1, web2] = bothWebVms;
const other = (values: Parameters<typeof aPolicy>[0]) =>
  aPolicy({ id: aPolicy().id.replace(/default$/, "other"), name: "other", ...values });

describe("protecting the VMs of a policy", () => {
  let world: World;

  beforeEach(() => {
    world = createWorld();
  });

  const denied = (gateId: string) =>
    world
      .ours(gateId)
      .map((rule) => `${rule.destinations} ${rule.destinationPorts}`)
      .toSorted();
  const run = (policyId = aPolicy().id) => world.clock.run(protect(world.start(), policyId));

  /** A process that waits before it wants anything on a gate. */
  function lateProcess() {
    const ports = world.start();
    const [isAboutToWant, about] = signal();
    const [mayGoOn, goOn] = signal();
    const gates: World["gates"] = {
      ...ports.gates,
      async change(...wanted) {
        about();
        await mayGoOn;
        return ports.gates.change(...wanted);
      },
    };
    return { ports: { ...ports, gates }, isAboutToWant, goOn };
  }

  it("puts one deny rule for every VM on every NSG in front of it", async () => {
    const customers = world.customers();

    await world.protect({ virtualMachines: bothWebVms });

    expect(denied(nsgs.subnet)).toEqual(["10.0.0.4 22", "10.0.0.5 22"]);
    expect(denied(nsgs.card)).toEqual(["10.0.0.4 22"]);
    expect(await world.policiesStored()).toEqual([
      expect.objectContaining({ state: "settled", gates: [nsgs.subnet, nsgs.card] }),
    ]);
    expect(world.customers()).toBe(customers);
  });

  it("puts one for each of IPv4 and IPv6", async () => {
    await world.protect({ virtualMachines: [aVirtualMachine({ id: vmId("dual") })] });

    expect(denied(nsgs.dual)).toEqual(["10.0.1.6 22", "fd00::6 22"]);
  });

  it("writes nothing when everything stands already", async () => {
    await world.protect({ virtualMachines: bothWebVms });
    const writes = world.network.writes.length;

    const result = await run();

    expect(result.outcome).toBe("settled");
    expect(world.network.writes).toHaveLength(writes);
  });

  it("takes the deny rule of a VM away that the policy does not name any more", async () => {
    await world.protect({ virtualMachines: bothWebVms });

    await world.protectAgain({ virtualMachines: web2 === undefined ? [] : [web2] });

    expect(denied(nsgs.subnet)).toEqual(["10.0.0.5 22"]);
    expect(denied(nsgs.card)).toEqual([]);
    expect((await world.policiesStored())[0]?.gates).toEqual([nsgs.subnet]);
  });

  it("follows a VM that got another address and NSG", async () => {
    await world.protect({ virtualMachines: bothWebVms });
    world.network.addMachine({
      id: vmId(),
      name: "web-1",
      location: "westeurope",
      addresses: [
        { address: "10.0.1.9", family: 4, networkInterfaceId: "nic", gates: [nsgs.dual] },
      ],
    });

    await world.protectAgain({ virtualMachines: bothWebVms });

    expect([denied(nsgs.subnet), denied(nsgs.card), denied(nsgs.dual)]).toEqual([
      ["10.0.0.5 22"],
      [],
      ["10.0.1.9 22"],
    ]);
  });

  it("lets go of a VM that was deleted", async () => {
    await world.protect({ virtualMachines: bothWebVms });
    world.network.removeMachine(vmId());

    await run();

    expect([denied(nsgs.subnet), denied(nsgs.card)]).toEqual([["10.0.0.5 22"], []]);
  });

  it("by two policies closes the ports of both, and deleting one leaves those of the other closed", async () => {
    await world.protect({ virtualMachines: web1 === undefined ? [] : [web1] });
    const rdp = other({
      virtualMachines: [aVirtualMachine({ ports: [aPort({ number: 3389 })] })],
      state: "updating",
    });
    await world.policies.put(rdp);
    await run(rdp.id);
    expect(denied(nsgs.card)).toEqual(["10.0.0.4 22,3389"]);

    const stored = await world.policies.get(rdp.id);
    await world.policies.put({ ...rdp, ...stored?.value, state: "deleting" }, stored?.etag);
    await run(rdp.id);

    expect(denied(nsgs.card)).toEqual(["10.0.0.4 22"]);
    expect(await world.policiesStored()).toHaveLength(1);
  });

  it("starts over when the policy is changed while it works, so that the gates follow what is stored", async () => {
    world = createWorld({ writeMs: 2_000 });
    await world.policies.put(aPolicy({ virtualMachines: bothWebVms, state: "updating" }));
    const first = protect(world.start(), aPolicy().id);
    await world.clock.advance(1_000);
    const stored = await world.policies.get(aPolicy().id);
    await world.policies.put(
      aPolicy({ ...stored?.value, virtualMachines: bothWebVms.slice(1), state: "updating" }),
      stored?.etag,
    );

    await world.clock.run(first);

    expect([denied(nsgs.subnet), denied(nsgs.card)]).toEqual([["10.0.0.5 22"], []]);
    expect(await world.policiesStored()).toEqual([expect.objectContaining({ state: "settled" })]);
  });

  it("that was overtaken by another change neither writes what it wanted nor leaves it behind", async () => {
    await world.policies.put(aPolicy({ virtualMachines: bothWebVms, state: "updating" }));
    const overtaken = lateProcess();
    const first = protect(overtaken.ports, aPolicy().id);
    await overtaken.isAboutToWant;
    await world.protectAgain({ virtualMachines: bothWebVms.slice(1) });
    const writes = world.network.writes.length;

    overtaken.goOn();
    await world.clock.run(first);

    expect(world.network.writes).toHaveLength(writes);
    expect([denied(nsgs.subnet), denied(nsgs.card)]).toEqual([["10.0.0.5 22"], []]);
    expect((await world.record(nsgs.card)).intent.denies).toEqual([]);
    expect(await world.policiesStored()).toEqual([
      expect.objectContaining({ state: "settled", gates: [nsgs.subnet] }),
    ]);
  });

  it("is unsettled, and says why, where an NSG has no place left", async () => {
    world.network.edit(nsgs.card, () =>
      Array.from({ length: 1_000 }, (_, index) =>
        aRule({ name: `rule-${index}`, priority: 400 + index }),
      ),
    );
    await world.policies.put(aPolicy({ virtualMachines: bothWebVms, state: "updating" }));

    const result = await run();

    expect(result).toMatchObject({ outcome: "unsettled", reasons: [{ code: "GateFull" }] });
    expect(await world.policiesStored()).toEqual([expect.objectContaining({ state: "updating" })]);
    // What could be closed is closed.
    expect(denied(nsgs.subnet)).toHaveLength(2);
  });

  it("of a policy that is gone is done", async () => {
    expect(await run()).toEqual({ outcome: "settled", gates: [], reasons: [] });
  });

  it("can be settled although one of its NSGs was deleted", async () => {
    await world.protect({ virtualMachines: bothWebVms });
    world.network.removeGate(nsgs.card);

    const stored = await world.policies.get(aPolicy().id);
    await world.policies.put(aPolicy({ ...stored?.value, state: "deleting" }), stored?.etag);

    expect((await run()).outcome).toBe("settled");
    expect(denied(nsgs.subnet)).toEqual([]);
    expect(await world.policiesStored()).toEqual([]);
  });
});

function signal(): readonly [Promise<void>, () => void] {
  let give: () => void = () => undefined;
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return [given, () => give()];
}

describe("a machine for a policy", () => {
  it.each(["westeurope", "West Europe", "WESTEUROPE"])("may be in the location %s", (location) => {
    const machine = {
      id: vmId(),
      name: "web-1",
      location,
      addresses: [
        { address: "10.0.0.4", family: 4, networkInterfaceId: "nic", gates: [nsgs.card] },
      ],
    } as const;

    expect(machineFaults(machine, vmId(), "westeurope", "id")).toEqual([]);
  });
});
