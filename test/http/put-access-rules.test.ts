import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Fact } from "../../src/activity/fact.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { vmId } from "../support/builders.ts";
import { createFrontDoor, paths, people } from "../support/front-door.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const virtualMachines = bothWebVms.map(({ id, ports }) => ({ id, ports }));
const group = "44444444-0000-4000-8000-000000000001";
const narrow = { sources: { anyAllowed: false, widestIpv4PrefixLength: 24 } };
const ticket = { justification: { required: true, pattern: "INC-\\d+" } };

describe("putting the access rules of a policy", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(() => {
    world = createWorld();
    door = createFrontDoor(world);
  });

  const put = (accessRules?: unknown) =>
    door.call("PUT", paths.policy(), { body: { properties: { virtualMachines, accessRules } } });
  const told = async (): Promise<readonly Fact[]> =>
    (await world.facts()).filter((fact) => fact.operation === "policy.accessRules");
  const outcomes = async () => (await told()).map((fact) => fact.outcome).toSorted();

  it("keeps what is stored when a client leaves them out, replaces them whole, and removes them for null", async () => {
    const shown = async (accessRules?: unknown) =>
      (await put(accessRules)).json.properties.accessRules;

    expect(await shown()).toBeUndefined();
    expect(await shown(narrow)).toEqual(narrow);
    expect(await shown()).toEqual(narrow);
    expect(await shown(ticket)).toEqual(ticket);
    expect(await shown(null)).toBeUndefined();
    expect(await shown()).toBeUndefined();
    expect((await world.policiesStored())[0]).not.toHaveProperty("accessRules");
  });

  it("names whoever is given without a tenant as somebody of the caller's", async () => {
    const { objectId, tenantId } = people.alice;

    await put({ approval: { approvers: { people: [objectId], groups: [group] } } });

    expect((await world.policiesStored())[0]?.accessRules?.approval?.approvers).toEqual({
      people: [{ tenantId, objectId }],
      groups: [{ objectId: group }],
    });
  });

  it("shows them to who may read the policy, and to who may read but one of its VMs", async () => {
    await put(narrow);

    for (const as of ["rita", "alice"] as const) {
      const reply = await door.call("GET", paths.policy(), { as });
      expect(reply.json.properties.accessRules).toEqual(narrow);
    }
  });

  it("changes nothing on any gate", async () => {
    await put();
    const before = JSON.stringify([world.ours(nsgs.subnet), world.ours(nsgs.card)]);

    await put(narrow);

    expect(JSON.stringify([world.ours(nsgs.subnet), world.ours(nsgs.card)])).toBe(before);
  });

  it("records the difference once for the policy: who asked, and that it is done", async () => {
    await put(narrow);
    await world.clock.advance(1_000);

    await put({ sources: { anyAllowed: true, widestIpv4PrefixLength: 24 } });

    const facts = (await told()).slice(2);
    expect(facts.map((fact) => fact.outcome).toSorted()).toEqual(["asked", "done"]);
    for (const fact of facts) {
      expect(fact).toMatchObject({
        policyId: expect.stringContaining("/jitNetworkAccessPolicies/default"),
        actor: { name: "olivia@contoso.example" },
        changes: [{ path: "sources.anyAllowed", before: "false", after: "true" }],
      });
      expect(fact.vmId).toBeUndefined();
    }
  });

  it("records no difference where there is none", async () => {
    await put();
    await put(narrow);
    await put();
    await put({ sources: { widestIpv4PrefixLength: 24, anyAllowed: false } });

    expect(await outcomes()).toEqual(["asked", "done"]);
  });

  it("shows the difference in the activity of the subscription", async () => {
    await put(narrow);
    const subscription = vmId().split("/")[2];

    const reply = await door.call("GET", `${paths.activity}?subscriptionId=${subscription}`);

    expect(reply.json.value).toContainEqual(
      expect.objectContaining({
        operation: "policy.accessRules",
        outcome: "done",
        changes: [
          { path: "sources.anyAllowed", after: "false" },
          { path: "sources.widestIpv4PrefixLength", after: "24" },
        ],
      }),
    );
  });

  it.each<[string, unknown, string, boolean]>([
    ["a misspelt rule", { sauces: {} }, "sauces", true],
    ["a misspelt member", { sources: { anyAlowed: false } }, "sources.anyAlowed", true],
    [
      "a pattern that is none",
      { justification: { pattern: "INC-(\\d+" } },
      "justification.pattern",
      true,
    ],
    [
      "groups where no directory can be asked",
      { approval: { approvers: { groups: [group] } } },
      "approval.approvers.groups",
      false,
    ],
  ])(
    "refuses %s, names the field, and changes nothing",
    async (_case, rules, path, groupsUsable) => {
      door = createFrontDoor(world, { groupsUsable });

      const replies = [
        await put(rules),
        await door.call("POST", paths.plan(), {
          body: { properties: { virtualMachines, accessRules: rules } },
        }),
      ];

      for (const reply of replies) {
        expect(reply.status).toBe(400);
        expect(reply.json.error).toMatchObject({
          code: "InvalidPolicy",
          target: `properties.accessRules.${path}`,
        });
      }
      expect(await world.policiesStored()).toEqual([]);
      expect(await told()).toEqual([]);
    },
  );

  it("plans a policy with them, and stores nothing", async () => {
    const body = { properties: { virtualMachines, accessRules: narrow } };

    const reply = await door.call("POST", paths.plan(), { body });

    expect(reply.status).toBe(200);
    expect(await world.policiesStored()).toEqual([]);
    expect(await world.facts()).toEqual([]);
  });

  it("holds, and is told as done, although a gate cannot be written", async () => {
    const reason = { code: "GateNotWritable", message: "A lock.", target: nsgs.subnet } as const;
    world.network.failWrites({ result: { outcome: "refused", reason } });

    const reply = await put(narrow);

    expect(reply.status).toBe(409);
    expect((await world.policiesStored())[0]?.accessRules).toEqual(narrow);
    expect(await outcomes()).toEqual(["asked", "done"]);
  });

  describe("when a change is cut off as soon as it is stored", () => {
    beforeEach(async () => {
      const stores = world.policies.put;
      world.policies.put = async (policy, etag) => {
        await stores(policy, etag);
        throw new Error("The process died.");
      };
      expect((await put(narrow)).status).toBe(500);
      world.policies.put = stores;
      expect(await outcomes()).toEqual(["asked"]);
    });

    it("is told by the sweep that finishes it", async () => {
      await world.clock.run(sweep(world.start()));

      expect(await outcomes()).toEqual(["asked", "done"]);
    });

    it.each([
      ["a change that takes its place", () => put(ticket), ["asked", "asked", "done", "done"]],
      ["a change of something else", () => put(), ["asked", "done"]],
      ["a deletion", () => door.call("DELETE", paths.policy()), ["asked", "done"]],
    ] as const)("is told by %s", async (_case, act, expected) => {
      expect((await act()).status).toBe(200);

      expect(await outcomes()).toEqual(expected);
      const done = (await told()).filter((fact) => fact.outcome === "done");
      expect(done.map((fact) => fact.changes)).toContainEqual([
        { path: "sources.anyAllowed", after: "false" },
        { path: "sources.widestIpv4PrefixLength", after: "24" },
      ]);
    });
  });
});
