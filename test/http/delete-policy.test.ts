import { beforeEach, describe, expect, it } from "@jest/globals";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { anAccessRequest, requestId, vmId } from "../support/builders.ts";
import { createFrontDoor, paths } from "../support/front-door.ts";
import { createWorld, nsgs, type World } from "../support/world.ts";

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
describe("deleting a policy", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(async () => {
    world = createWorld();
    door = createFrontDoor(world);
    await door.call("PUT", paths.policy(), { body: bodyFor("web-1", "web-2") });
  });

  it("takes its deny rules away and forgets it, and says the second time that there is none", async () => {
    const customers = world.customers();

    const first = await door.call("DELETE", paths.policy());
    const second = await door.call("DELETE", paths.policy());

    expect([first.status, first.text]).toEqual([200, ""]);
    expect([second.status, second.text]).toEqual([204, ""]);
    expect([...world.ours(nsgs.subnet), ...world.ours(nsgs.card)]).toEqual([]);
    expect(await world.policiesStored()).toEqual([]);
    expect(world.customers()).toBe(customers);
  });

  it("closes its open windows too, and wakes those who look after them", async () => {
    await world.request(anAccessRequest());
    await world.clock.run(openWindows(world.start(), { requestId, vmIndex: 0 }));

    await door.call("DELETE", paths.policy());

    expect([...world.ours(nsgs.subnet), ...world.ours(nsgs.card)]).toEqual([]);
    expect(door.workflows.ended).toEqual([{ requestId, vmIndex: 0 }]);
  });

  it("needs the right on each of its VMs", async () => {
    const reply = await door.call("DELETE", paths.policy(), { as: "rita" });

    expect(reply.status).toBe(403);
    expect(await world.policiesStored()).toEqual([expect.objectContaining({ state: "settled" })]);
  });

  it("does not tell strangers whether there is one", async () => {
    const reply = await door.call("DELETE", paths.policy("other"), { as: "eve" });

    expect(reply.status).toBe(403);
  });
});
