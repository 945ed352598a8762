import { beforeEach, describe, expect, it } from "@jest/globals";
import { actions } from "../../src/caller/requirements.ts";
import { aPolicy, aRule, subscriptionId, vmId } from "../support/builders.ts";
import { createFrontDoor, paths } from "../support/front-door.ts";
import { example } from "../support/jit-examples.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const aPort = {
  number: 22,
  protocol: "TCP",
  allowedSourceAddressPrefix: "203.0.113.0/24",
  maxRequestAccessDuration: "PT3H",
};
const bodyFor = (...names: readonly string[]) => ({
  kind: "Basic",
  properties: { virtualMachines: names.map((name) => ({ id: vmId(name), ports: [aPort] })) },
});
const withPort = (port: object) => ({
  properties: { virtualMachines: [{ id: vmId(), ports: [{ ...aPort, ...port }] }] },
});

describe("putting a policy", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(() => {
    world = createWorld();
    door = createFrontDoor(world);
  });

  const nothingChanged = async () => {
    expect(await world.policiesStored()).toEqual([]);
    expect(world.network.writes).toEqual([]);
    expect((await world.facts()).map((fact) => fact.outcome)).not.toContain("asked");
  };

  it("tells which customer rules keep a protected port open in front of it", async () => {
    const virtualMachines = bothWebVms.map(({ id, ports }) => ({ id, ports }));

    const reply = await door.call("PUT", paths.policy(), {
      body: { properties: { virtualMachines } },
    });

    const told = reply.json.properties.findings;
    expect(told).toContainEqual(
      expect.objectContaining({
        code: "ExposedByCustomerRule",
        target: "let-office-in",
        vmId: vmId("web-2"),
      }),
    );
    expect((await door.call("GET", paths.policy())).json.properties.findings).toEqual(told);
  });

  it("keeps takePriority when a client leaves it out, and drops it for null", async () => {
    const put = async (more: object) => {
      const virtualMachines = bothWebVms.map(({ id, ports }) => ({ id, ports }));
      const body = { properties: { virtualMachines, ...more } };
      const reply = await door.call("PUT", paths.policy(), { body });
      return [reply.json.properties.takePriority, world.ours(nsgs.card)[0]?.priority];
    };

    expect(await put({})).toEqual([undefined, 1001]);
    expect(await put({ takePriority: true })).toEqual([true, 300]);
    expect(await put({})).toEqual([true, 300]);
    expect(await put({ takePriority: null })).toEqual([undefined, 1001]);
  });

  it("answers as the official example does, when its deny rules stand and are proven", async () => {
    for (const gateId of [nsgs.subnet, nsgs.card]) {
      world.network.edit(gateId, (rules) => rules.filter(({ name }) => name !== "let-office-in"));
    }
    const customers = world.customers();
    const official = example("create-policy");
    const here = <T>(value: T): T =>
      JSON.parse(
        JSON.stringify(value)
          .replaceAll(official.parameters.subscriptionId, subscriptionId)
          .replaceAll("/myRg1/", "/shop/")
          .replaceAll("/vm1", "/web-1"),
      );

    const reply = await door.call("PUT", paths.policy(), { body: here(official.parameters.body) });

    const expected = here(official.responses["200"]?.body) as { properties: object };
    expect(reply.status).toBe(200);
    // The history in the example's body is the service's to tell, not the client's.
    expect(reply.json).toEqual({
      ...expected,
      properties: { ...expected.properties, requests: [] },
    });
    for (const gateId of [nsgs.subnet, nsgs.card]) {
      expect(world.ours(gateId)).toEqual([
        expect.objectContaining({
          access: "Deny",
          sources: ["*"],
          destinations: ["10.0.0.4"],
          destinationPorts: ["22", "3389"],
        }),
      ]);
    }
    expect(world.customers()).toBe(customers);
  });

  it("records who asked and that it is done, at every VM", async () => {
    await door.call("PUT", paths.policy(), { body: bodyFor("web-1", "web-2") });

    const facts = await world.facts();
    expect(facts.map(({ operation, outcome }) => `${operation} ${outcome}`).toSorted()).toEqual([
      "policy.write asked",
      "policy.write asked",
      "policy.write done",
      "policy.write done",
    ]);
    expect(new Set(facts.map((fact) => fact.vmId))).toEqual(new Set([vmId(), vmId("web-2")]));
    expect(facts.every((fact) => fact.actor?.name === "olivia@contoso.example")).toBe(true);
  });

  it("tells at every VM the gates and rules that hold that one, and nothing of others", async () => {
    await door.call("PUT", paths.policy(), { body: bodyFor("web-1", "web-2") });

    const facts = (await world.facts()).filter(({ outcome }) => outcome === "done");
    const told = (name: string) => {
      const fact = facts.find((one) => one.vmId === vmId(name));
      return {
        gates: fact?.gates?.map(({ id }) => id),
        rules: fact?.gates?.flatMap(({ rules }) => rules) ?? [],
        found: fact?.reasons?.every(({ message }) => message.includes(name)),
      };
    };
    expect(told("web-1")).toMatchObject({ gates: [nsgs.subnet, nsgs.card], found: true });
    expect(told("web-2")).toMatchObject({ gates: [nsgs.subnet], found: true });
    expect(told("web-1").rules.filter((rule) => told("web-2").rules.includes(rule))).toEqual([]);
  });

  it("tells in the activity which customer rules leave a protected port open", async () => {
    await door.call("PUT", paths.policy(), { body: bodyFor("web-2") });

    const done = (await world.facts()).find((fact) => fact.outcome === "done");
    expect(done?.reasons).toEqual([
      expect.objectContaining({ code: "ExposedByCustomerRule", target: "let-office-in" }),
    ]);
  });

  it("replaces the whole policy: a VM that is left out loses its deny rules", async () => {
    await door.call("PUT", paths.policy(), { body: bodyFor("web-1", "web-2") });

    const reply = await door.call("PUT", paths.policy(), { body: bodyFor("web-2") });

    expect(reply.json.properties.virtualMachines).toHaveLength(1);
    expect(world.ours(nsgs.card)).toEqual([]);
    expect(world.ours(nsgs.subnet).map((rule) => rule.destinations)).toEqual([["10.0.0.5"]]);
    expect(await world.policiesStored()).toEqual([
      expect.objectContaining({ state: "settled", gates: [nsgs.subnet] }),
    ]);
  });

  it("keeps the id as it was first written: another case is the same policy", async () => {
    await door.call("PUT", paths.policy(), { body: bodyFor("web-1") });

    const reply = await door.call(
      "PUT",
      paths.policy("DEFAULT").replace("resourceGroups/shop", "resourcegroups/SHOP"),
      { body: bodyFor("web-2") },
    );

    expect(reply.json.id).toBe(aPolicy().id);
    expect(await world.policiesStored()).toHaveLength(1);
  });

  it.each([
    {
      case: "a VM without any NSG",
      body: bodyFor("web-1", "bare"),
      code: "NetworkSecurityGroupMissing",
      target: "properties.virtualMachines[1].id",
    },
    {
      case: "an unknown VM",
      body: bodyFor("ghost"),
      code: "VirtualMachineNotFound",
      target: "properties.virtualMachines[0].id",
    },
    {
      case: "a VM of another subscription",
      body: JSON.stringify(bodyFor("web-1")).replace(
        `/subscriptions/${subscriptionId}`,
        "/subscriptions/99999999-9999-4999-8999-999999999999",
      ),
      code: "VirtualMachineInAnotherSubscription",
      target: "properties.virtualMachines[0].id",
    },
    {
      case: "a classic VM",
      body: JSON.stringify(bodyFor("web-1")).replace(
        "Microsoft.Compute",
        "Microsoft.ClassicCompute",
      ),
      code: "ClassicVirtualMachineNotSupported",
      target: "properties.virtualMachines[0].id",
    },
    {
      case: "no VMs",
      body: { properties: {} },
      code: "InvalidPolicy",
      target: "properties.virtualMachines",
    },
    {
      case: "port 70000",
      body: withPort({ number: 70_000 }),
      code: "InvalidPolicy",
      target: "properties.virtualMachines[0].ports[0].number",
    },
    {
      case: "an empty protocol",
      body: withPort({ protocol: "" }),
      code: "InvalidPolicy",
      target: "properties.virtualMachines[0].ports[0].protocol",
    },
    {
      case: "two minutes",
      body: withPort({ maxRequestAccessDuration: "PT2M" }),
      code: "InvalidPolicy",
      target: "properties.virtualMachines[0].ports[0].maxRequestAccessDuration",
    },
    {
      case: "two days",
      body: withPort({ maxRequestAccessDuration: "P2D" }),
      code: "InvalidPolicy",
      target: "properties.virtualMachines[0].ports[0].maxRequestAccessDuration",
    },
    {
      case: "the address 10.1",
      body: withPort({ allowedSourceAddressPrefix: "10.1" }),
      code: "InvalidPolicy",
      target: "properties.virtualMachines[0].ports[0].allowedSourceAddressPrefix",
    },
    {
      case: "the address 010.0.0.1",
      body: withPort({ allowedSourceAddressPrefix: "010.0.0.1" }),
      code: "InvalidPolicy",
      target: "properties.virtualMachines[0].ports[0].allowedSourceAddressPrefix",
    },
  ])("refuses $case, names the field, and changes nothing", async ({ body, code, target }) => {
    const reply = await door.call("PUT", paths.policy(), { body });

    expect(reply.status).toBe(400);
    expect(reply.json.error).toMatchObject({ code, target });
    await nothingChanged();
  });

  it("refuses a VM of another location, and takes the location in any spelling", async () => {
    const elsewhere = await door.call("PUT", paths.policy().replace("westeurope", "northeurope"), {
      body: bodyFor("web-1"),
    });
    await nothingChanged();
    const spelled = await door.call("PUT", paths.policy().replace("westeurope", "West%20Europe"), {
      body: bodyFor("web-1"),
    });

    expect(elsewhere.json.error).toMatchObject({ code: "VirtualMachineInAnotherLocation" });
    expect(spelled.status).toBe(200);
  });

  it("refuses who lacks the right on one of two VMs, and changes nothing", async () => {
    door.rights.grant({ objectId: "22222222-0000-4000-8000-000000000004" }, aPolicy().id, [
      "Microsoft.Security/*",
    ]);
    door.rights.grant({ objectId: "22222222-0000-4000-8000-000000000004" }, vmId("web-1"), [
      "Microsoft.Compute/virtualMachines/write",
    ]);

    const reply = await door.call("PUT", paths.policy(), {
      as: "eve",
      body: bodyFor("web-1", "web-2"),
    });

    expect(reply.status).toBe(403);
    expect(reply.json.error).toMatchObject({ code: "AuthorizationFailed", target: vmId("web-2") });
    await nothingChanged();
  });

  it("refuses who lacks the right on a VM that the change would drop, and tells the drop at that VM when it happens", async () => {
    await door.call("PUT", paths.policy(), { body: bodyFor("web-1", "web-2") });
    const eve = { objectId: "22222222-0000-4000-8000-000000000004" };
    for (const scope of [aPolicy().id, vmId("web-1")]) {
      door.rights.grant(eve, scope, ["Microsoft.Security/*", actions.writeMachine]);
    }

    const stripping = await door.call("PUT", paths.policy(), { as: "eve", body: bodyFor("web-1") });
    const rulesThen = world.ours(nsgs.subnet).length;
    const dropping = await door.call("PUT", paths.policy(), { body: bodyFor("web-1") });

    expect(stripping.status).toBe(403);
    expect(stripping.json.error).toMatchObject({
      code: "AuthorizationFailed",
      target: vmId("web-2"),
    });
    expect(rulesThen).toBe(2);
    expect(dropping.status).toBe(200);
    const atDropped = (await world.facts()).filter((fact) => fact.vmId === vmId("web-2"));
    expect(atDropped.map(({ operation, outcome }) => `${operation} ${outcome}`).toSorted()).toEqual(
      ["policy.write asked", "policy.write asked", "policy.write done", "policy.write done"],
    );
  });

  it("says that the change is kept and tried again when Azure refuses to have a gate written", async () => {
    const reason = { code: "GateNotWritable", message: "A lock.", target: nsgs.subnet } as const;
    world.network.failWrites({ result: { outcome: "refused", reason } });

    const reply = await door.call("PUT", paths.policy(), { body: bodyFor("web-2") });

    expect(reply.status).toBe(409);
    expect(reply.json.error.message).toBe(
      "The change is stored and is tried again every minute. A lock.",
    );
    expect(await world.policiesStored()).toEqual([expect.objectContaining({ state: "updating" })]);
    expect((await world.facts()).map((fact) => fact.outcome).toSorted()).toEqual([
      "asked",
      "failed",
    ]);
  });

  it("says that an NSG without a free place is full", async () => {
    world.network.edit(nsgs.dual, () =>
      Array.from({ length: 1_000 }, (_, index) =>
        aRule({ name: `rule-${index}`, priority: 400 + index }),
      ),
    );

    const reply = await door.call("PUT", paths.policy(), { body: bodyFor("dual") });

    expect(reply.status).toBe(409);
    expect(reply.json.error.code).toBe("GateFull");
  });

  it("of two at once, lets the gates follow the one that is stored in the end", async () => {
    world = createWorld({ writeMs: 2_000 });
    door = createFrontDoor(world);
    const other = createFrontDoor(world);

    const replies = await Promise.all([
      door.call("PUT", paths.policy(), { body: bodyFor("web-1") }),
      other.call("PUT", paths.policy(), { body: bodyFor("web-2") }),
    ]);

    expect(replies.map((reply) => reply.status)).toEqual([200, 200]);
    const [stored] = await world.policiesStored();
    const protects = stored?.virtualMachines.map((vm) => vm.id);
    const [first, second] = [vmId("web-1"), vmId("web-2")];
    expect([[first], [second]]).toContainEqual(protects);
    const closed = world.ours(nsgs.subnet).flatMap((rule) => rule.destinations);
    expect(closed).toEqual([protects?.includes(first) ? "10.0.0.4" : "10.0.0.5"]);
    expect(world.ours(nsgs.card)).toHaveLength(protects?.includes(first) ? 1 : 0);
    expect(stored?.state).toBe("settled");
  });

  it("asks to try again when others never stop changing the policy", async () => {
    const put = world.policies.put;
    world.policies.put = async (policy, etag) => {
      const stored = await put({ ...policy, changedAt: "2030-01-31T11:00:00.000Z" }, etag);
      return stored === undefined ? undefined : put(policy, "stale");
    };

    const reply = await door.call("PUT", paths.policy(), { body: bodyFor("web-1") });

    expect(reply.status).toBe(409);
    expect(reply.json.error.code).toBe("PolicyChangedMeanwhile");
  });
});
