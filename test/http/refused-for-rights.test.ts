import { beforeEach, describe, expect, it } from "@jest/globals";
import { actions } from "../../src/caller/requirements.ts";
import { vmId } from "../support/builders.ts";
import { createFrontDoor, paths, people } from "../support/front-door.ts";
import { bothWebVms, createWorld, type World } from "../support/world.ts";

const port = { number: 22, protocol: "TCP", allowedSourceAddressPrefix: "203.0.113.0/24" };
const bodyFor = (...names: readonly string[]) => ({
  properties: {
    virtualMachines: names.map((name) => ({
      id: vmId(name),
      ports: [{ ...port, maxRequestAccessDuration: "PT3H" }],
    })),
  },
});
const ask = (...names: readonly string[]) => ({
  virtualMachines: names.map((name) => ({
    id: vmId(name),
    ports: [{ number: 22, duration: "PT1H", allowedSourceAddressPrefix: "203.0.113.7" }],
  })),
});

describe("a call that is refused for rights", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(async () => {
    world = createWorld();
    door = createFrontDoor(world);
    await world.protect({ virtualMachines: bothWebVms });
  });

  const messages = (reply: Awaited<ReturnType<typeof door.call>>): readonly string[] =>
    [...reply.json.error.details, reply.json.error].map(({ message }) => message);

  it("tells every action and scope that a request lacks", async () => {
    const reply = await door.call("POST", paths.initiate(), {
      as: "eve",
      body: ask("web-1", "web-2"),
    });

    expect(reply.status).toBe(403);
    for (const name of ["web-1", "web-2"]) {
      for (const action of [actions.initiate, actions.readMachine]) {
        const named = messages(reply).filter(
          (text) => text.includes(action) && text.includes(vmId(name)),
        );
        expect(named).not.toEqual([]);
      }
    }
  });

  it("needs the VM to be seen by who asks for access to it, whatever they may ask under the policy", async () => {
    door.rights.grant(people.eve, paths.policy(), [actions.initiate, actions.readMachine]);

    const reply = await door.call("POST", paths.initiate(), { as: "eve", body: ask("web-1") });

    expect(reply.status).toBe(403);
    expect(reply.json.error).toMatchObject({ target: vmId("web-1") });
    expect(messages(reply).join()).not.toContain(actions.initiate);
  });

  it("lets who may ask under the policy and see the VM ask for it", async () => {
    door.rights.grant(people.eve, paths.policy(), [actions.initiate]);
    door.rights.grant(people.eve, vmId("web-1"), [actions.readMachine]);

    const reply = await door.call("POST", paths.initiate(), { as: "eve", body: ask("web-1") });

    expect(reply.status).toBe(202);
  });

  it.each([
    { method: "POST", path: paths.initiate(), body: ask("web-1") },
    { method: "PUT", path: paths.policy(), body: bodyFor("web-1", "web-2") },
    { method: "DELETE", path: paths.policy() },
  ])("names the deny assignment that stands before everybody's roles: $method", async (call) => {
    const { method, path, body } = call;
    const guid = door.rights.deny(vmId("web-1"), ["*/action", "*/write"], { name: "stack lock" });

    const reply = await door.call(method, path, { body });

    expect(reply.status).toBe(403);
    expect(reply.json.error.code).toBe("AuthorizationFailed");
    expect(messages(reply).join()).toContain(`'stack lock' (${guid.split("/").at(-1)})`);
    expect(await world.policiesStored()).toHaveLength(1);
  });

  it("shows nothing of a VM whose reading is denied", async () => {
    door.rights.deny(vmId("web-2"), ["*/read"]);

    const reply = await door.call("GET", paths.policy(), { as: "rita" });

    expect(reply.status).toBe(200);
    expect(reply.text).toContain("web-1");
    expect(reply.text).not.toContain("web-2");
  });

  it.each([
    { method: "DELETE", body: undefined },
    { method: "PUT", body: bodyFor("web-1") },
    { method: "GET", body: undefined },
  ])("is the same for a stranger whether or not there is such a policy: $method", async (call) => {
    const { method, body } = call;
    const [there, missing] = [paths.policy(), paths.policy("default2")];

    const replies = [
      await door.call(method, there, { as: "eve", body }),
      await door.call(method, missing, { as: "eve", body }),
    ];

    expect(replies.map(({ status }) => status)).toEqual([403, 403]);
    expect(replies[0]?.text).toBe(replies[1]?.text.replaceAll(missing, there));
    expect(replies[0]?.text).not.toContain("web-2");
  });

  it("deletes only for who may change each VM of the policy", async () => {
    door.rights.grant(people.eve, paths.policy(), [actions.deletePolicy]);
    door.rights.grant(people.eve, vmId("web-1"), [actions.writeMachine]);

    const first = await door.call("DELETE", paths.policy(), { as: "eve" });
    door.rights.grant(people.eve, vmId("web-2"), [actions.writeMachine]);
    const second = await door.call("DELETE", paths.policy(), { as: "eve" });

    expect(first.status).toBe(403);
    expect(first.json.error).toMatchObject({ target: vmId("web-2") });
    expect(second.status).toBe(200);
  });

  it.each(["GET", "PUT", "DELETE"])(
    "is the same in a subscription that nobody knows as in one without rights: %s",
    async (method) => {
      const moved = (text: string) =>
        text.replaceAll(
          /subscriptions\/[^/]+/g,
          "subscriptions/99999999-9999-4999-8999-999999999999",
        );
      const body = method === "PUT" ? moved(JSON.stringify(bodyFor("web-1"))) : undefined;

      const reply = await door.call(method, moved(paths.policy()), { body });

      expect(reply.status).toBe(403);
      expect(reply.json.error.code).toBe("AuthorizationFailed");
    },
  );
});
