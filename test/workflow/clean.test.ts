import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Network } from "../../src/ports.ts";
import type { SecurityRule } from "../../src/rules/nsg.ts";
import { protect } from "../../src/workflow/protect.ts";
import { aPolicy, aRule, vmId } from "../support/builders.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

/** A deny rule as Microsoft Defender's just-in-time access writes it. */
const defenderDeny = (vm: string, address: string, hex: string, priority: number) =>
  aRule({
    name: `MicrosoftDefenderForCloud-JITRule_${priority}_${hex.repeat(32)}`,
    description: `MDC JIT Network Access rule for policy 'default' of VM '${vm}'.`,
    priority,
    access: "Deny",
    protocol: "*",
    destinations: [address],
    destinationPorts: ["22", "3389"],
  });

const defenderAllow = (vm: string, address: string) =>
  aRule({
    name: `MicrosoftDefenderForCloud-JITRule-7-${"C".repeat(32)}`,
    description: `MDC JIT Network Access rule created by an initiation request for policy 'default' of VM '${vm}'.`,
    priority: 110,
    sources: ["203.0.113.7"],
    destinations: [address],
    destinationPorts: ["22"],
  });

describe("a policy change cleans up after Microsoft Defender", () => {
  let world: World;

  beforeEach(() => {
    world = createWorld();
  });

  const put = (...rules: readonly SecurityRule[]) => putOver({}, ...rules);
  const putOver = async (network: Partial<Network>, ...rules: readonly SecurityRule[]) => {
    world.network.edit(nsgs.subnet, (present) => [...present, ...rules]);
    const policy = aPolicy({ virtualMachines: bothWebVms, state: "updating" });
    await world.policies.put(policy);
    const process = world.start();
    const methods = { ...world.network, ...network };
    await world.clock.run(protect({ ...process, network: methods }, policy.id));
    const names = world.network.rules(nsgs.subnet).map((rule) => rule.name);
    return rules.map((rule) => names.includes(rule.name));
  };

  it("but keeps a rule whose VM has the address", async () => {
    expect(await put(defenderDeny("web-1", "10.0.0.4", "A", 2000))).toEqual([true]);
    expect((await world.facts()).map((fact) => fact.operation)).not.toContain("gate.clean");
  });

  it("takes away an allow rule whose VM does not have the address any more, and tells the audit", async () => {
    const stray = defenderAllow("WEB-1", "10.0.0.99");

    expect(await put(stray)).toEqual([false]);
    const told = (await world.facts()).filter((fact) => fact.operation === "gate.clean");
    expect(told.map((fact) => fact.outcome).toSorted()).toEqual(["asked", "done"]);
    expect(told[0]?.reasons).toMatchObject([{ code: "LeftoverRemoved", target: stray.name }]);
  });

  it("keeps a deny rule whatever the VM's address: it may hold a VM of that name that nobody here sees", async () => {
    expect(await put(defenderDeny("web-1", "10.0.0.99", "A", 2000))).toEqual([true]);
  });

  it("takes away the later of two that say the same", async () => {
    const [first, second] = [
      defenderDeny("web-1", "10.0.0.4", "A", 2000),
      defenderDeny("web-1", "10.0.0.4", "B", 2001),
    ];

    expect(await put(first, second)).toEqual([true, false]);
  });

  it("keeps a rule of a VM that it cannot see", async () => {
    expect(await put(defenderAllow("elsewhere", "10.0.0.99"))).toEqual([true]);
  });

  it("believes no list: a VM that is there with the address when it is read alone keeps its rule", async () => {
    const rule = defenderAllow("web-1", "10.0.0.44");
    const survey = async (id: string) => {
      const seen = await world.network.survey(id);
      world.network.addMachine({
        id: vmId("web-1"),
        name: "web-1",
        location: "westeurope",
        addresses: [
          { address: "10.0.0.44", family: 4, networkInterfaceId: "nic", gates: [nsgs.subnet] },
        ],
      });
      return seen;
    };

    expect(await putOver({ survey }, rule)).toEqual([true]);
  });

  it("touches nothing that differs in anything from what Defender writes", async () => {
    const own = { ...defenderAllow("web-1", "10.0.0.99"), description: "mine" };

    expect(await put(own)).toEqual([true]);
  });

  it("protects all the same when the VMs cannot be listed", async () => {
    const survey = () => Promise.reject(new Error("throttled"));

    expect(await putOver({ survey }, defenderAllow("web-1", "10.0.0.99"))).toEqual([true]);
    expect((await world.policiesStored())[0]?.state).toBe("settled");
  });
});
