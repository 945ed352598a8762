import { beforeEach, describe, expect, it } from "@jest/globals";
import { actions } from "../../src/caller/requirements.ts";
import { aPolicy, aRule, subscriptionId, vmId } from "../support/builders.ts";
import { createFrontDoor, paths } from "../support/front-door.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const ask = (port: object = {}, vm = vmId()) => ({
  virtualMachines: [
    {
      id: vm,
      ports: [{ number: 22, duration: "PT1H", allowedSourceAddressPrefix: "203.0.113.7", ...port }],
    },
  ],
  justification: "testing a new version of the product",
});

describe("initiating access that cannot be granted", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(async () => {
    world = createWorld();
    door = createFrontDoor(world);
    await world.protect({ virtualMachines: bothWebVms });
  });

  const stored = () => world.requests.ofPolicy(paths.policy(), new Date(0));

  const port = "virtualMachines[0].ports[0]";

  it.each([
    {
      case: "without virtual machines",
      body: {},
      code: "InvalidInitiateInput",
      target: "virtualMachines",
    },
    {
      case: "without an end",
      body: ask({ duration: undefined }),
      code: "InvalidInitiateInput",
      target: `${port}.endTimeUtc`,
    },
    {
      case: "of port 70000",
      body: ask({ number: 70_000 }),
      code: "InvalidInitiateInput",
      target: `${port}.number`,
    },
    {
      case: "of a port outside the policy",
      body: ask({ number: 3389 }),
      code: "RequestNotSubsetOfPolicy",
      target: `${port}.number`,
    },
    {
      case: "with an end in the past",
      body: ask({ duration: undefined, endTimeUtc: "2030-01-31T11:59:59Z" }),
      code: "InvalidInitiateInput",
      target: `${port}.endTimeUtc`,
    },
    {
      case: "past the longest window",
      body: ask({ duration: undefined, endTimeUtc: "2030-01-31T15:02:00Z" }),
      code: "RequestNotSubsetOfPolicy",
      target: `${port}.endTimeUtc`,
    },
    {
      case: "from outside the allowed sources",
      body: ask({ allowedSourceAddressPrefix: "198.51.100.1" }),
      code: "RequestNotSubsetOfPolicy",
      target: `${port}.allowedSourceAddressPrefix`,
    },
    {
      case: "from everywhere",
      body: ask({ allowedSourceAddressPrefix: "*" }),
      code: "RequestNotSubsetOfPolicy",
      target: `${port}.allowedSourceAddressPrefix`,
    },
    {
      case: "from 10.1",
      body: ask({ allowedSourceAddressPrefix: "10.1" }),
      code: "InvalidInitiateInput",
      target: `${port}.allowedSourceAddressPrefix`,
    },
    {
      case: "from 010.0.0.1",
      body: ask({ allowedSourceAddressPrefix: "010.0.0.1" }),
      code: "InvalidInitiateInput",
      target: `${port}.allowedSourceAddressPrefix`,
    },
    {
      case: "for a VM the policy does not protect",
      body: ask({}, vmId("dual")),
      code: "RequestNotSubsetOfPolicy",
      target: "virtualMachines[0].id",
    },
    {
      case: "for a VM of another subscription",
      body: ask({}, vmId().replace(subscriptionId, "99999999-9999-4999-8999-999999999999")),
      code: "VirtualMachineInAnotherSubscription",
      target: "virtualMachines[0].id",
    },
  ])(
    "is refused $case, and nothing is stored, started or written",
    async ({ body, code, target }) => {
      const writes = world.network.writes.length;

      const reply = await door.call("POST", paths.initiate(), { body });

      expect(reply.status).toBe(400);
      expect(reply.json.error).toMatchObject({ code, target });
      expect(await stored()).toEqual([]);
      expect(door.workflows.started).toEqual([]);
      expect(world.network.writes).toHaveLength(writes);
      expect(await world.facts()).toEqual([
        expect.objectContaining({ operation: "access.initiate", outcome: "refused" }),
      ]);
    },
  );

  it("names every reason when several things are outside the policy", async () => {
    const body = ask({ allowedSourceAddressPrefix: "198.51.100.1", duration: "PT4H" });

    const reply = await door.call("POST", paths.initiate(), { body });

    expect(reply.json.error.details.map((detail: { target: string }) => detail.target)).toEqual([
      `${port}.allowedSourceAddressPrefix`,
      `${port}.duration`,
    ]);
  });

  it.each(["other", "deleted"])("is refused for a policy that is not there: %s", async (name) => {
    await world.policies.put(
      aPolicy({ id: paths.policy("deleted"), name: "deleted", state: "deleting" }),
    );

    const reply = await door.call("POST", paths.initiate(name), { body: ask() });

    expect(reply.status).toBe(404);
    expect(reply.json.error).toMatchObject({ code: "PolicyNotFound", target: "name" });
    expect((await world.facts()).map((fact) => fact.vmId)).toEqual([vmId()]);
  });

  it("needs the right on every VM it names, and says so before it tells anything of the policy", async () => {
    const body = {
      virtualMachines: [ask().virtualMachines[0], ask({}, vmId("web-2")).virtualMachines[0]],
    };

    const reply = await door.call("POST", paths.initiate("other"), { as: "alice", body });

    expect(reply.status).toBe(403);
    expect(reply.json.error).toMatchObject({ code: "AuthorizationFailed", target: vmId("web-2") });
    expect(reply.json.error.message).toContain(actions.initiate);
    expect((await world.facts()).map((fact) => fact.vmId).toSorted()).toEqual([
      vmId(),
      vmId("web-2"),
    ]);
  });

  it("is told at once when a customer's rule would win over ours, with the rule's name", async () => {
    world.network.edit(nsgs.card, (rules) => [
      ...rules,
      aRule({ name: "lockdown", priority: 100, access: "Deny", destinationPorts: ["*"] }),
    ]);

    const reply = await door.call("POST", paths.initiate(), { body: ask() });

    expect(reply.status).toBe(409);
    expect(reply.json.error).toMatchObject({ code: "BlockedByCustomerRule", target: "lockdown" });
    expect(await stored()).toEqual([]);
    expect(door.workflows.started).toEqual([]);
  });

  it("goes on to the opening when the network cannot be asked beforehand", async () => {
    world.network.failReads(new Error("connection reset"));

    const reply = await door.call("POST", paths.initiate(), { body: ask() });

    expect(reply.status).toBe(202);
    expect(await stored()).toHaveLength(1);
  });
});
