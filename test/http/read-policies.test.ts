import { beforeEach, describe, expect, it } from "@jest/globals";
import type { AccessRequest } from "../../src/access/request.ts";
import { healEveryGate } from "../../src/workflow/heal.ts";
import { anAccessRequest, aPolicy, aWindow, subscriptionId, vmId } from "../support/builders.ts";
import { createFrontDoor, type Person, paths, people } from "../support/front-door.ts";
import { example } from "../support/jit-examples.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const elsewhere = (resourceGroup: string, location: string, name = "default") =>
  aPolicy({
    id: `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Security/locations/${location}/jitNetworkAccessPolicies/${name}`,
    resourceGroup,
    location,
    name,
  });

describe("reading policies", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(async () => {
    world = createWorld();
    door = createFrontDoor(world);
    await world.protect({ virtualMachines: bothWebVms });
  });

  const forBothVms: AccessRequest = anAccessRequest({
    justification: "testing",
    windows: [aWindow(), aWindow({ id: "second-1-22", vmId: vmId("web-2"), state: "open" })],
  });

  it("shows a policy as the official example does, with its requests of the last seven days", async () => {
    for (const gateId of [nsgs.subnet, nsgs.card]) {
      world.network.edit(gateId, (rules) => rules.filter(({ name }) => name !== "let-office-in"));
    }
    await world.protectAgain({ virtualMachines: bothWebVms });
    await world.clock.run(healEveryGate(world.start()));
    await world.request(forBothVms);
    await world.request({
      ...forBothVms,
      id: "old",
      createdAt: new Date(world.clock.now().getTime() - 8 * 86_400_000).toISOString(),
    });

    const reply = await door.call("GET", paths.policy(), { as: "rita" });

    const official = example("get-policy").responses["200"]?.body as { properties: object };
    expect(reply.status).toBe(200);
    expect(Object.keys(reply.json).toSorted()).toEqual(Object.keys(official).toSorted());
    expect(Object.keys(reply.json.properties).toSorted()).toEqual(
      Object.keys(official.properties).toSorted(),
    );
    expect(reply.json.properties.requests).toEqual([
      {
        id: forBothVms.id,
        state: "opening",
        startTimeUtc: "2030-01-31T12:00:00.000Z",
        requestor: "alice@contoso.example",
        justification: "testing",
        virtualMachines: [
          {
            id: vmId(),
            ports: [
              {
                number: 22,
                allowedSourceAddressPrefix: "203.0.113.7",
                endTimeUtc: "2030-01-31T13:00:00.000Z",
                status: "Initiating",
                statusReason: "UserRequested",
              },
            ],
          },
          { id: vmId("web-2"), ports: [expect.objectContaining({ status: "Initiated" })] },
        ],
      },
    ]);
  });

  it("shows who may request on one VM the policy reduced to it, with nothing of other people's VMs", async () => {
    await world.request(forBothVms);

    const reply = await door.call("GET", paths.policy(), { as: "alice" });

    expect(reply.status).toBe(200);
    expect(reply.json.properties.virtualMachines.map((vm: { id: string }) => vm.id)).toEqual([
      vmId(),
    ]);
    expect(reply.json.properties.requests[0].virtualMachines).toHaveLength(1);
    expect(reply.text).not.toContain("web-2");
  });

  it.each([
    { who: "a reader", as: "rita", status: 404, code: "ResourceNotFound" },
    { who: "somebody without a right", as: "eve", status: 403, code: "AuthorizationFailed" },
  ] as const)(
    "tells $who about a policy that does not exist: $code",
    async ({ as, status, code }) => {
      const reply = await door.call("GET", paths.policy("other"), { as });

      expect(reply.status).toBe(status);
      expect(reply.json.error.code).toBe(code);
    },
  );

  it("lists by subscription, resource group and location, whatever their case", async () => {
    await world.policies.put(elsewhere("shop", "northeurope"));
    await world.policies.put(elsewhere("lab", "westeurope"));
    const listed = async (path: string) =>
      (await door.call("GET", path)).json.value.map((policy: { id: string }) =>
        /resourceGroups\/([^/]+)\/.*\/locations\/([^/]+)/.exec(policy.id)?.slice(1).join(" "),
      );

    expect(await listed(paths.ofSubscription)).toEqual([
      "lab westeurope",
      "shop northeurope",
      "shop westeurope",
    ]);
    expect(await listed(paths.ofGroup("SHOP"))).toEqual(["shop northeurope", "shop westeurope"]);
    expect(await listed(paths.ofLocation("WestEurope"))).toEqual([
      "lab westeurope",
      "shop westeurope",
    ]);
    expect(await listed(paths.policy().replace(/\/default$/, ""))).toEqual(["shop westeurope"]);
  });

  it.each([
    { who: "a reader of the subscription", as: "rita", vms: [2, 1] },
    { who: "a requester on one VM", as: "alice", vms: [1, 1] },
    { who: "somebody without a right", as: "eve", vms: [] },
  ] satisfies readonly { who: string; as: Person; vms: readonly number[] }[])(
    "lists for $who only what they may read",
    async ({ as, vms }) => {
      await world.policies.put(elsewhere("zoo", "westeurope"));

      const reply = await door.call("GET", paths.ofSubscription, { as });

      expect(reply.status).toBe(200);
      expect(
        reply.json.value.map(
          (policy: { properties: { virtualMachines: unknown[] } }) =>
            policy.properties.virtualMachines.length,
        ),
      ).toEqual(vms);
    },
  );

  it("does not count a role assignment with a condition, which it cannot evaluate", async () => {
    door.rights.grant(people.eve, vmId(), ["*"], { hasCondition: true });

    const reply = await door.call("GET", paths.ofSubscription, { as: "eve" });

    expect(reply.json.value).toEqual([]);
  });

  it("pages with an absolute link that leads through everything exactly once", async () => {
    for (let index = 0; index < 150; index += 1) {
      await world.policies.put(elsewhere("lab", "westeurope", `p${index}`));
    }

    const first = await door.call("GET", `${paths.ofGroup("lab")}?api-version=2020-01-01`);
    const link = new URL(first.json.nextLink);
    const second = await door.call("GET", link.toString());

    expect(link.origin).toBe("https://jit.contoso.example");
    expect(link.searchParams.get("api-version")).toBe("2020-01-01");
    const names = [...first.json.value, ...second.json.value].map(({ name }) => name);
    expect(new Set(names).size).toBe(150);
    expect(names).toHaveLength(150);
    expect(second.json.nextLink).toBeUndefined();
  });

  it("refuses a continuation that is not one of ours", async () => {
    const reply = await door.call("GET", `${paths.ofSubscription}?$skiptoken=nonsense`);

    expect(reply.status).toBe(400);
    expect(reply.json.error).toMatchObject({ code: "InvalidQuery", target: "$skiptoken" });
  });
});
