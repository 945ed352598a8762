import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Policy } from "../../src/policy/policy.ts";
import { idKey } from "../../src/policy/resource-id.ts";
import type { SecurityRule } from "../../src/rules/nsg.ts";
import { closeWindows } from "../../src/workflow/close-windows.ts";
import { healEveryGate } from "../../src/workflow/heal.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import {
  anAccessRequest,
  aPolicy,
  aPort,
  aRule,
  aWindow,
  requestId,
  subscriptionId,
  vmId,
} from "../support/builders.ts";
import { createFaults } from "../support/faults.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const byName = (rules: readonly SecurityRule[]) =>
  rules.toSorted((one, other) => one.name.localeCompare(other.name));

const newGate = nsgs.subnet.replace("nsg-subnet", "nsg-new");

describe("the look at every gate", () => {
  let world: World;

  beforeEach(async () => {
    world = createWorld();
    await world.protect({ virtualMachines: bothWebVms });
    await world.request(anAccessRequest({ windows: [aWindow()] }));
    await world.clock.run(openWindows(world.start(), { requestId, vmIndex: 0 }));
  });

  const heal = (ports = world.start()) => world.clock.run(healEveryGate(ports));
  const repairs = async () =>
    (await world.facts()).filter((fact) => fact.operation === "gate.repair");
  const allows = (gateId: string) => world.ours(gateId).filter(({ access }) => access === "Allow");
  const moveWebOne = (gates: readonly string[], address = "10.0.0.4") =>
    world.network.addMachine({
      id: vmId(),
      name: "web-1",
      location: "westeurope",
      addresses: [{ address, family: 4, networkInterfaceId: `${vmId()}-nic`, gates }],
    });

  it("touches nothing and reads nothing alone where all is well", async () => {
    const watched = createFaults();

    await heal(world.start(watched));

    expect(watched.calls).toEqual([
      "gates.known",
      "policies.all",
      "network.subscriptions",
      "network.survey",
      "requests.get",
    ]);
    expect(await repairs()).toEqual([]);
  });

  it("puts back what a rewrite of the whole group dropped, keeps what was added, and tells the audit", async () => {
    const before = world.ours(nsgs.subnet);
    world.network.edit(nsgs.subnet, (rules) => [
      ...rules.filter(({ name }) => !name.startsWith("JitAccess-")),
      aRule({ name: "from-code", priority: 777 }),
    ]);

    await heal();

    expect(byName(world.ours(nsgs.subnet))).toEqual(byName(before));
    expect(world.network.rules(nsgs.subnet)).toContainEqual(
      expect.objectContaining({ name: "from-code", priority: 777 }),
    );
    const told = await repairs();
    expect(told.map((fact) => [fact.outcome, fact.vmId])).toEqual(
      expect.arrayContaining([
        ["asked", vmId("web-1")],
        ["done", vmId("web-1")],
        ["asked", vmId("web-2")],
        ["done", vmId("web-2")],
      ]),
    );
    expect(told[0]?.reasons?.map((reason) => reason.code)).toContain("RuleMissing");
    expect(told.flatMap((fact) => fact.gates ?? []).map((gate) => gate.id)).toContain(nsgs.subnet);
  });

  it("puts back a rule of ours that somebody edited, and takes away one that nobody asked for", async () => {
    const before = world.ours(nsgs.card);
    world.network.edit(nsgs.card, (rules) => [
      ...rules.map((rule) =>
        rule.name.includes("-Allow-") ? { ...rule, sources: ["0.0.0.0/0"] } : rule,
      ),
      ...rules
        .filter((rule) => rule.name.includes("-Allow-"))
        .map((rule) => ({
          ...rule,
          priority: 250,
          name: rule.name.replace("-0-22-", "-0-23-"),
        })),
    ]);

    await heal();

    expect(world.ours(nsgs.card)).toEqual(before);
    const codes = (await repairs()).flatMap((fact) => fact.reasons ?? []).map(({ code }) => code);
    expect(codes.toSorted()).toEqual([
      "RuleEdited",
      "RuleEdited",
      "RuleUnexpected",
      "RuleUnexpected",
    ]);
  });

  it("keeps a customer's rule that was added while a window is open, and knows what it exposes", async () => {
    world.network.edit(nsgs.card, (rules) => [
      ...rules,
      aRule({ name: "hole", priority: 200, destinationPorts: ["22"] }),
    ]);

    await heal();

    expect(world.network.rules(nsgs.card).map((rule) => rule.name)).toContain("hole");
    expect((await world.record(nsgs.card)).findings).toContainEqual(
      expect.objectContaining({ code: "ExposedByCustomerRule", target: "hole" }),
    );
    expect(await repairs()).toEqual([]);
  });

  it("lets deny rules and windows follow a VM that got another address and another group", async () => {
    world.network.addGate(newGate, []);
    moveWebOne([nsgs.subnet, newGate], "10.0.0.44");

    await heal();

    expect(world.ours(nsgs.card)).toEqual([]);
    expect(byName(world.ours(newGate)).map((rule) => [rule.access, rule.destinations])).toEqual([
      ["Allow", ["10.0.0.44"]],
      ["Deny", ["10.0.0.44"]],
    ]);
    expect(allows(nsgs.subnet).map((rule) => rule.destinations)).toEqual([["10.0.0.44"]]);
    expect((await world.windows(requestId))[0]?.gates).toContain(idKey(newGate));
    const told = (await repairs()).map(
      (fact) => `${fact.windowId ?? "policy"} ${fact.outcome} ${fact.reasons?.[0]?.code}`,
    );
    expect(told.toSorted()).toEqual([
      `${requestId}-0-22 done PlaceChanged`,
      "policy asked PlaceChanged",
      "policy done PlaceChanged",
    ]);
    await heal();
    expect((await world.gates.known()).map(({ gateId }) => idKey(gateId))).not.toContain(nsgs.card);
  });

  it("ends a window that cannot be open where its VM is now, and says why", async () => {
    world.network.addGate(newGate, [
      aRule({ name: "lockdown", priority: 100, access: "Deny", destinationPorts: ["*"] }),
    ]);
    moveWebOne([newGate]);

    await heal();

    expect(allows(newGate)).toEqual([]);
    expect((await world.windows(requestId))[0]).toMatchObject({ state: "closed" });
    expect(await repairs()).toContainEqual(
      expect.objectContaining({
        outcome: "failed",
        windowId: `${requestId}-0-22`,
        reasons: expect.arrayContaining([
          expect.objectContaining({ code: "BlockedByCustomerRule", target: "lockdown" }),
        ]),
      }),
    );
  });

  it("does not tell what it does by itself as the work of a person, and leaves what failed to the sweep", async () => {
    const full = Array.from({ length: 1_000 }, (_, index) =>
      aRule({ name: `r${index}`, priority: 1_000 + index }),
    );
    world.network.addGate(newGate, full);
    moveWebOne([nsgs.subnet, newGate]);

    await heal();

    expect((await world.policiesStored())[0]).toMatchObject({ state: "updating" });
    expect((await world.facts()).filter(({ actor }) => actor !== undefined)).toEqual([]);
  });

  it("ends the windows of a VM that is gone, on the gates and in the request", async () => {
    world.network.removeMachine(vmId());

    await heal();

    expect(allows(nsgs.subnet)).toEqual([]);
    expect(world.ours(nsgs.card)).toEqual([]);
    expect(world.ours(nsgs.subnet)).toHaveLength(1);
    expect((await world.windows(requestId))[0]).toMatchObject({ state: "closed" });
    expect((await repairs())[0]).toMatchObject({
      vmId: vmId(),
      reasons: [{ code: "VirtualMachineNotFound" }],
    });
  });

  it("does not follow a VM that a list leaves out but that is there", async () => {
    const process = world.start();
    const network = {
      ...process.network,
      subscriptions: process.network.subscriptions,
      survey: async (id: string) => {
        const survey = await process.network.survey(id);
        return survey && { ...survey, machines: new Map() };
      },
    };

    await heal({ ...process, network });

    expect(allows(nsgs.subnet)).toHaveLength(1);
    expect(await repairs()).toEqual([]);
  });

  it("lets go of a gate that was deleted once nothing is wanted of it", async () => {
    moveWebOne([nsgs.subnet]);
    world.network.removeGate(nsgs.card);

    await heal();
    await heal();

    expect((await world.gates.known()).map(({ gateId }) => idKey(gateId))).toEqual([nsgs.subnet]);
  });

  it("closes rules from their own descriptions when storage knows nothing of them, and not before", async () => {
    const lost = createWorld();
    for (const gateId of [nsgs.subnet, nsgs.card]) {
      lost.network.addGate(gateId, world.network.rules(gateId));
    }
    const denies = world.ours(nsgs.card).filter(({ access }) => access === "Deny");

    await lost.clock.run(healEveryGate(lost.start()));
    const early = lost.ours(nsgs.card);
    await lost.clock.advance(3_600_000);
    await lost.clock.run(healEveryGate(lost.start()));

    expect(early).toEqual(world.ours(nsgs.card));
    expect(lost.ours(nsgs.card)).toEqual(denies);
    expect(lost.customers()).toBe(world.customers());
    const facts = await lost.facts();
    expect(
      facts.map((fact) => [fact.operation, fact.outcome, fact.reasons?.[0]?.code]),
    ).toContainEqual(["gate.repair", "done", "RuleOverdue"]);
  });

  it("leaves a subscription alone whose lists cannot be read, and goes on with the others", async () => {
    const process = world.start();
    const other = "6c0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f32";
    world.network.edit(nsgs.card, () => []);
    const network = {
      ...process.network,
      subscriptions: async () => [other, subscriptionId],
      survey: async (id: string) => {
        if (id === other) {
          throw new Error("403");
        }
        return process.network.survey(id);
      },
    };

    await heal({ ...process, network });

    expect(world.ours(nsgs.card)).toHaveLength(2);
    expect(world.logged).toContainEqual(
      expect.objectContaining({ event: "task.fault", what: `surveying subscription ${other}` }),
    );
  });

  it("keeps the deny rules of a group that was moved, whoever comes there first", async () => {
    const moved = nsgs.subnet.replace("/resourcegroups/shop/", "/resourcegroups/elsewhere/");
    const denies = world.ours(nsgs.subnet).filter(({ access }) => access === "Deny");
    world.network.addGate(moved, world.network.rules(nsgs.subnet));
    world.network.removeGate(nsgs.subnet);
    moveWebOne([moved, nsgs.card]);
    world.network.addMachine({
      id: vmId("web-2"),
      name: "web-2",
      location: "westeurope",
      addresses: [{ address: "10.0.0.5", family: 4, networkInterfaceId: "nic", gates: [moved] }],
    });
    const laterId = "5c1e2d3f-77bb-4a0c-9d21-1f2e3d4c5b6a";
    const later = aWindow({ id: `${laterId}-0-22`, sources: ["203.0.113.9"] });
    await world.request(anAccessRequest({ id: laterId, windows: [later] }));

    await world.clock.run(openWindows(world.start(), { requestId: laterId, vmIndex: 0 }));
    const kept = world.ours(moved).filter(({ access }) => access === "Deny");
    await heal();

    expect(byName(kept)).toEqual(byName(denies));
    expect(byName(world.ours(moved).filter(({ access }) => access === "Deny"))).toEqual(
      byName(denies),
    );
    expect(allows(moved)).toHaveLength(2);
  });

  it("keeps a deny rule that nobody wants and that was never proven here: it may be what storage forgot", async () => {
    const [rule] = world.ours(nsgs.card).filter(({ access }) => access === "Deny");
    const stray = `JitAccess-37a8ee-Deny-${"a".repeat(16)}-v4`;
    world.network.edit(nsgs.card, (rules) => [
      ...rules,
      { ...(rule as SecurityRule), name: stray, priority: 2000 },
    ]);

    await heal();
    await world.protectAgain({ virtualMachines: bothWebVms.slice(1) });
    await heal();

    const denies = world.ours(nsgs.card).filter(({ access }) => access === "Deny");
    expect(denies.map(({ name }) => name)).toEqual([stray]);
  });

  it("keeps every deny rule when storage is lost and one policy of several is put anew", async () => {
    const lost = createWorld();
    for (const gateId of [nsgs.subnet, nsgs.card]) {
      lost.network.addGate(gateId, world.network.rules(gateId));
    }
    const denies = world.ours(nsgs.subnet).filter(({ access }) => access === "Deny");

    await lost.clock.run(healEveryGate(lost.start()));
    await lost.protect({ virtualMachines: bothWebVms.slice(1) });
    await lost.clock.advance(3_600_000);
    await lost.clock.run(healEveryGate(lost.start()));

    expect(byName(lost.ours(nsgs.subnet))).toEqual(byName(denies));
  });

  it("brings back what a change that came late took from the rows of a policy", async () => {
    const policy = (await world.policies.get(aPolicy().id))?.value as Policy;
    const [ssh] = policy.virtualMachines;
    const more = { ...(ssh as (typeof bothWebVms)[0]), ports: [aPort(), aPort({ number: 3389 })] };
    const rows = (await world.record(nsgs.card)).intent.denies;
    await world.protectAgain({ virtualMachines: [more, ...bothWebVms.slice(1)] });
    await world.gates.change(nsgs.card, { denies: { policyId: policy.id, rows } });

    await heal();

    const [deny] = world.ours(nsgs.card).filter(({ access }) => access === "Deny");
    expect(deny?.destinationPorts).toEqual(["22", "3389"]);
  });

  it("takes a window off its gates that is over although it is wanted there", async () => {
    const wanted = (await world.record(nsgs.card)).intent.windows;
    await world.clock.run(
      closeWindows(world.start(), {
        requestId,
        vmIndex: 0,
        endReason: "UserRequested",
        attempt: 1,
      }),
    );
    await world.clock.run(
      world.start().settle(nsgs.card, await world.gates.change(nsgs.card, { addWindows: wanted })),
    );
    const before = allows(nsgs.card).length;

    await heal();

    expect([before, allows(nsgs.card).length]).toEqual([1, 0]);
  });

  it("tells when a VM cannot be followed", async () => {
    const full = Array.from({ length: 1_000 }, (_, index) =>
      aRule({ name: `r${index}`, priority: 1_000 + index }),
    );
    world.network.addGate(newGate, full);
    moveWebOne([nsgs.subnet, newGate]);

    await heal();

    const failed = (await repairs()).filter(
      (fact) => fact.outcome === "failed" && fact.windowId === undefined,
    );
    expect(failed).toMatchObject([{ policyId: aPolicy().id, reasons: [{ code: "GateFull" }, {}] }]);
  });
});
