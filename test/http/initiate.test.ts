import { beforeEach, describe, expect, it } from "@jest/globals";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { aPort, aVirtualMachine, vmId } from "../support/builders.ts";
import { createFrontDoor, paths, people } from "../support/front-door.ts";
import { example } from "../support/jit-examples.ts";
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

describe("initiating access", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(async () => {
    world = createWorld();
    door = createFrontDoor(world);
    await world.protect({ virtualMachines: bothWebVms });
  });

  const stored = () => world.requests.ofPolicy(paths.policy(), new Date(0));

  it("is answered at once with the request, as the official example is, before any rule is written", async () => {
    const writes = world.network.writes.length;
    const body = ask({ duration: undefined, endTimeUtc: "2030-01-31T13:00:00.0000000Z" });

    const reply = await door.call("POST", paths.initiate(), { as: "alice", body });

    const official = example("initiate").responses["202"]?.body;
    expect(reply.status).toBe(202);
    const { id, state, ...asOfficial } = reply.json;
    expect(Object.keys(asOfficial).toSorted()).toEqual(Object.keys(official ?? {}).toSorted());
    // Ours beside it: which request it is, and how it stands.
    expect([id, state]).toEqual([(await stored())[0]?.id, "opening"]);
    expect(asOfficial).toEqual({
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
      ],
      startTimeUtc: "2030-01-31T12:00:00.000Z",
      requestor: "alice@contoso.example",
      justification: "testing a new version of the product",
    });
    expect(world.network.writes).toHaveLength(writes);
    expect(world.clock.now()).toEqual(new Date("2030-01-31T12:00:00Z"));
  });

  it("starts exactly one orchestration, for the request that was stored", async () => {
    const body = {
      virtualMachines: [
        ask().virtualMachines[0],
        ask({ number: 22 }, vmId("web-2")).virtualMachines[0],
      ],
    };

    await door.call("POST", paths.initiate(), { body });

    const [request] = await stored();
    expect(door.workflows.started).toEqual([{ requestId: request?.id, vmCount: 2 }]);
  });

  it("has stored and audited the request before it starts anything: a failing start leaves its trace", async () => {
    door.workflows.startRequest = async () => {
      expect(await stored()).toHaveLength(1);
      throw new Error("no task hub");
    };

    const reply = await door.call("POST", paths.initiate(), { as: "alice", body: ask() });

    expect(reply.status).toBe(500);
    const [request] = await stored();
    expect(request?.requestor.name).toBe("alice@contoso.example");
    expect(request?.windows.map((window) => window.state)).toEqual(["failed"]);
    expect((await world.facts()).toReversed()).toEqual([
      expect.objectContaining({
        operation: "access.initiate",
        outcome: "asked",
        requestId: request?.id,
        vmId: vmId(),
        actor: expect.objectContaining({ objectId: people.alice.objectId }),
        justification: "testing a new version of the product",
        port: 22,
        sources: ["203.0.113.7"],
        closesAt: "2030-01-31T13:00:00.000Z",
      }),
      expect.objectContaining({
        operation: "access.open",
        outcome: "failed",
        requestId: request?.id,
        reasons: [expect.objectContaining({ code: "ServiceUnavailable" })],
      }),
    ]);
    expect([...world.ours(nsgs.card)].map((rule) => rule.access)).toEqual(["Deny"]);
  });

  it("starts nothing when the request cannot be stored", async () => {
    world.requests.create = async () => {
      throw Object.assign(new Error("table is away"), { name: "RestError" });
    };
    const unlucky = createFrontDoor(world);

    const reply = await unlucky.call("POST", paths.initiate(), { as: "alice", body: ask() });

    expect(reply.status).toBe(503);
    expect(unlucky.workflows.started).toEqual([]);
  });

  it("is carried out as it was answered", async () => {
    await door.call("POST", paths.initiate(), { as: "alice", body: ask() });
    const requestId = door.workflows.started[0]?.requestId ?? "";

    await world.clock.run(openWindows(world.start(), { requestId, vmIndex: 0 }));

    const reply = await door.call("GET", paths.policy());
    expect(reply.json.properties.requests[0].virtualMachines[0].ports[0].status).toBe("Initiated");
  });

  describe("takes as source, where the body names none", () => {
    const withoutSource = ask({ allowedSourceAddressPrefix: undefined });
    const sources = async () => (await stored())[0]?.windows[0]?.sources;

    it("the caller's address", async () => {
      await door.call("POST", paths.initiate(), { body: withoutSource });

      expect(await sources()).toEqual(["203.0.113.7"]);
    });

    it("not what the caller wrote into X-Forwarded-For", async () => {
      const headers = { "x-forwarded-for": "203.0.113.66, 203.0.113.9:4444" };

      await door.call("POST", paths.initiate(), { body: withoutSource, headers });

      expect(await sources()).toEqual(["203.0.113.9"]);
    });

    it("the entry that the outermost of two trusted proxies added", async () => {
      const behindTwo = createFrontDoor(world, { hops: 2 });
      const headers = { "x-forwarded-for": "203.0.113.66, 203.0.113.9, 10.0.0.1" };

      await behindTwo.call("POST", paths.initiate(), { body: withoutSource, headers });

      expect(await sources()).toEqual(["203.0.113.9"]);
    });

    it("never anybody: an address that cannot be told is refused", async () => {
      const headers = { "x-forwarded-for": "" };

      const reply = await door.call("POST", paths.initiate(), { body: withoutSource, headers });

      expect(reply.status).toBe(400);
      expect(reply.json.error).toMatchObject({
        code: "InvalidInitiateInput",
        target: "virtualMachines[0].ports[0].allowedSourceAddressPrefix",
      });
    });
  });

  it("opens several ports from several sources in one request", async () => {
    const ports = [aPort(), aPort({ number: 3389, protocol: "*" })];
    await door.call("PUT", paths.policy(), {
      body: { properties: { virtualMachines: [aVirtualMachine({ ports })] } },
    });
    const sources = { allowedSourceAddressPrefixes: ["203.0.113.1", "203.0.113.8/29"] };
    const both = [22, 3389].map((number) => ({ number, duration: "PT1H", ...sources }));
    const body = { virtualMachines: [{ id: vmId(), ports: both }] };

    const reply = await door.call("POST", paths.initiate(), { body });

    expect(reply.status).toBe(202);
    expect(reply.json.virtualMachines[0].ports).toEqual([
      expect.objectContaining({ number: 22, ...sources, status: "Initiating" }),
      expect.objectContaining({ number: 3389, ...sources, status: "Initiating" }),
    ]);
  });
});
