import { beforeEach, describe, expect, it } from "@jest/globals";
import { healEveryGate } from "../../src/workflow/heal.ts";
import { protect } from "../../src/workflow/protect.ts";
import { aPolicy, aRule, aVirtualMachine, vmId } from "../support/builders.ts";
import { createFaults } from "../support/faults.ts";
import { createWorld, nsgs, type World } from "../support/world.ts";

const anyIn = aRule({ name: "any-in", priority: 150, destinationPorts: ["*"], sources: ["*"] });
const both = [aVirtualMachine(), aVirtualMachine({ id: vmId("dual") })];

describe("what is told of ports that stay open outside any window", () => {
  let world: World;

  beforeEach(async () => {
    world = createWorld();
    for (const gate of Object.values(nsgs)) {
      world.network.edit(gate, () => []);
    }
    await world.protect({ virtualMachines: both });
    await world.clock.advance(60_000);
  });

  const heal = async (process = world.start()) => {
    await world.clock.run(healEveryGate(process));
    await world.clock.advance(60_000);
  };
  const expose = () => world.network.edit(nsgs.dual, (rules) => [...rules, anyIn]);
  const cover = () =>
    world.network.edit(nsgs.dual, (rules) => rules.filter(({ name }) => name !== anyIn.name));
  const told = async () =>
    (await world.factsOf("exposure.")).map(({ operation, vmId: vm, gates, reasons }) => [
      operation,
      vm?.split("/").at(-1),
      gates?.[0]?.id ?? "policy",
      reasons?.[0]?.target,
    ]);
  const begun = ["exposure.begin", "dual", nsgs.dual, anyIn.name];
  const ended = ["exposure.end", "dual", nsgs.dual, anyIn.name];

  it("begins when a customer's rule comes before ours, is told once while it stays, and ends with the rule", async () => {
    const before = await told();
    expose();
    await heal();
    await heal();
    const during = await told();
    cover();
    await heal();

    expect([before, during, await told()]).toEqual([[], [begun], [begun, ended]]);
  });

  it("begins anew when the same rule comes back", async () => {
    for (const step of [expose, cover, expose, cover]) {
      step();
      await heal();
    }

    expect(await told()).toEqual([begun, ended, begun, ended]);
  });

  it("ends when the VM leaves its policy", async () => {
    expose();
    await heal();
    await world.protectAgain({ virtualMachines: [aVirtualMachine()] });

    expect(await told()).toEqual([begun, ended]);
  });

  it("ends when the group is gone", async () => {
    expose();
    await heal();
    world.network.removeGate(nsgs.dual);
    await heal();

    expect(await told()).toContainEqual(ended);
  });

  it("is told once wherever the process dies that finds it", async () => {
    const calls = createFaults();
    expose();
    await heal(world.start(calls));
    const places = calls.calls.length;
    const wrong: unknown[] = [];
    for (let at = 1; at <= places; at += 1) {
      cover();
      await heal();
      const { length } = await told();
      expose();
      const faults = createFaults({ at, kind: "dies after" });
      void healEveryGate(world.start(faults));
      await world.clock.runUntil(() => faults.hasStruck);
      await world.clock.advance(60_000);
      await heal();
      const now = (await told()).slice(length);
      if (JSON.stringify(now) !== JSON.stringify([begun])) {
        wrong.push({ at, call: calls.calls[at - 1], now });
      }
    }

    expect(places).toBeGreaterThan(8);
    expect(wrong).toEqual([]);
  });

  it("begins where a VM has no group in front of it, and ends when it has one, or its policy is deleted", async () => {
    const bare = aVirtualMachine({ id: vmId("bare") });
    const machineWith = (gates: readonly string[]) =>
      world.network.addMachine({
        id: vmId("bare"),
        name: "bare",
        location: "westeurope",
        addresses: [
          { address: "10.0.2.7", family: 4, networkInterfaceId: `${vmId("bare")}-nic`, gates },
        ],
      });
    await world.protectAgain({ virtualMachines: [...both, bare] });
    await world.clock.advance(60_000);
    machineWith([nsgs.card]);
    await heal();
    machineWith([]);
    await heal();
    const stored = await world.policies.get(aPolicy().id);
    await world.policies.put({ ...(stored?.value ?? aPolicy()), state: "deleting" }, stored?.etag);
    await world.clock.run(protect(world.start(), aPolicy().id));

    const path = ["bare", "policy", `${vmId("bare")}-nic`];
    expect(await told()).toEqual([
      ["exposure.begin", ...path],
      ["exposure.end", ...path],
      ["exposure.begin", ...path],
      ["exposure.end", ...path],
    ]);
  });
});
