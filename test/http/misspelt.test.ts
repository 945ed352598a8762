import { beforeEach, describe, expect, it } from "@jest/globals";
import { vmId } from "../support/builders.ts";
import { createFrontDoor, paths } from "../support/front-door.ts";
import { bothWebVms, createWorld, type World } from "../support/world.ts";

describe("a slip of the pen", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;
  let open: string;

  beforeEach(async () => {
    world = createWorld();
    door = createFrontDoor(world);
    const virtualMachines = bothWebVms.map(({ id, ports }) => ({ id, ports }));
    await door.call("PUT", paths.policy(), { body: { properties: { virtualMachines } } });
    const ports = [{ number: 22, duration: "PT1H", allowedSourceAddressPrefix: "203.0.113.7" }];
    const body = { virtualMachines: [{ id: vmId("web-1"), ports }] };
    open = (await door.call("POST", paths.initiate(), { as: "alice", body })).json.id;
    await door.work();
  });

  const act = async (verb: string, body: unknown) =>
    (await door.call("POST", paths.request(open, verb), { as: "alice", body })).json.error?.message;

  it("does not move what is open to the caller's own address instead of the one that was meant", async () => {
    expect(await act("rebind", { source: "203.0.113.30" })).toBe(
      "'source' is '203.0.113.30': no such member is known; expected justification, allowedSourceAddressPrefix, allowedSourceAddressPrefixes",
    );
  });

  it("does not lose what somebody wanted to say", async () => {
    expect(await act("revoke", { coment: "solved" })).toBe(
      "'coment' is 'solved': no such member is known; expected comment",
    );
  });

  it("in a list's filter does not list what was to be left out", async () => {
    const reply = await door.call("GET", `${paths.requests}?sate=open`, { as: "alice" });

    expect([reply.status, reply.json.error]).toEqual([
      400,
      expect.objectContaining({ code: "InvalidQuery", target: "sate" }),
    ]);
  });

  it("in a list's requestor is told what was expected", async () => {
    const reply = await door.call("GET", `${paths.requests}?requestor=alice`, { as: "alice" });

    expect(reply.json.error.message).toBe(
      "'requestor' is 'alice': expected 'me' or the object id of a requestor",
    );
  });

  it.each([
    ["PUT", paths.policy(), "olivia", "expected a JSON object with properties"],
    ["POST", paths.initiate(), "alice", "expected a JSON object with virtualMachines"],
  ] as const)(
    "that sends a list to %s is told what was expected",
    async (method, path, as, expected) => {
      const reply = await door.call(method, path, { as, body: [] });

      expect(reply.json.error.message).toBe(`The body: ${expected}`);
    },
  );
});
