import { beforeEach, describe, expect, it } from "@jest/globals";
import { actions } from "../../src/caller/requirements.ts";
import { healEveryGate } from "../../src/workflow/heal.ts";
import {
  afterNoon,
  anAccessRequest,
  aPolicy,
  aRule,
  aWindow,
  subscriptionId,
  vmId,
} from "../support/builders.ts";
import { type Person, paths, people } from "../support/front-door.ts";
import { createRequestDoor } from "../support/request-door.ts";
import { nsgs } from "../support/world.ts";

describe("the numbers of the last days", () => {
  let at: ReturnType<typeof createRequestDoor>;

  beforeEach(async () => {
    at = createRequestDoor();
    // Nothing but windows opens a port here.
    for (const gateId of [nsgs.subnet, nsgs.card]) {
      at.world.network.edit(gateId, (rules) =>
        rules.filter(({ name }) => name !== "let-office-in"),
      );
    }
    await at.protect();
  });

  const ask = (query: Record<string, string>, as: Person = "olivia") =>
    at.door.call("GET", `${paths.numbers}?${new URLSearchParams(query)}`, { as });

  it("tell of each VM who was there last, how often, and for how many hours", async () => {
    const { id } = (await at.ask()).json;
    await at.door.work();
    await at.minutes(60);
    await at.act(id, "revoke", "alice");
    await at.door.work();
    await at.minutes(60);
    await at.ask({}, "dan");
    await at.door.work();
    await at.minutes(30);

    const { json } = await ask({ subscriptionId });

    expect(json).toMatchObject({
      from: afterNoon(9_000 - 7 * 86_400),
      to: afterNoon(9_000),
      isTruncated: false,
    });
    expect(json.value).toMatchObject([
      {
        vmId: vmId("web-1"),
        approvedRequests: 2,
        refusedRequests: 0,
        lastAccess: afterNoon(7_200),
        lastUser: "dan@contoso.example",
        openNow: 1,
        portHours: 1.5,
        hoursOpen: 1.5,
      },
      { vmId: vmId("web-2"), approvedRequests: 0, openNow: 0, portHours: 0 },
    ]);
  });

  it("are the same for a policy, and for one VM", async () => {
    await at.ask();
    await at.door.work();
    await at.minutes(30);

    const [policy, machine] = [
      await ask({ policyId: aPolicy().id }),
      await ask({ vm: vmId("WEB-1") }),
    ];

    expect(policy.json.value[0].portHours).toBe(0.5);
    expect(machine.json.value).toMatchObject([{ portHours: 0.5 }]);
  });

  it("hold what was opened long before and was open in that time still", async () => {
    const begun = -15 * 86_400;
    await at.world.request(
      anAccessRequest({
        createdAt: afterNoon(begun - 6 * 86_400),
        windows: [
          aWindow({
            state: "closed",
            openedAt: afterNoon(-7 * 86_400 - 60),
            closedAt: afterNoon(-6.5 * 86_400),
          }),
        ],
      }),
    );

    const { json } = await ask({ vm: vmId() });

    expect(json.value[0]).toMatchObject({ approvedRequests: 0, portHours: 12 });
  });

  it("tell of hours in which a customer's rule kept a port open", async () => {
    const fact = {
      version: 1,
      outcome: "done",
      subscriptionId,
      vmId: vmId("web-2"),
      gates: [{ id: "/gate", rules: [] }],
      reasons: [{ code: "ExposedByCustomerRule", message: "It is open.", target: "any-ssh" }],
    } as const;
    await at.world.activity.record([
      { ...fact, id: "begin", at: afterNoon(-7_200), operation: "exposure.begin" },
      { ...fact, id: "end", at: afterNoon(-3_600), operation: "exposure.end" },
    ]);
    const { json } = await ask({ policyId: aPolicy().id, days: "1" });

    expect(json.value.map(({ exposedHours }: { exposedHours: number }) => exposedHours)).toEqual([
      0, 1,
    ]);
  });

  it("count as exposed all the time a port that was open before it and is now", async () => {
    at.world.network.edit(nsgs.subnet, (rules) => [
      ...rules,
      aRule({ name: "any-ssh", priority: 110, destinationPorts: ["22"] }),
    ]);
    await at.world.clock.run(healEveryGate(at.world.start()));
    await at.minutes(2 * 24 * 60);

    const { json } = await ask({ vm: vmId(), days: "1" });

    expect(json.value[0].exposedHours).toBe(24);
  });

  it("show everybody the VMs that they may read", async () => {
    const machines = async (query: Record<string, string>, as: Person) =>
      (await ask(query, as)).json.value.map((one: { vmId: string }) => one.vmId);

    expect(await machines({ subscriptionId }, "alice")).toEqual([vmId("web-1")]);
    expect(await machines({ policyId: aPolicy().id }, "alice")).toEqual([vmId("web-1")]);
    expect(await machines({ subscriptionId }, "eve")).toEqual([]);
    for (const query of [{ vm: vmId("web-2") }, { policyId: aPolicy().id }]) {
      const reply = await ask(query, "eve");
      expect([reply.status, reply.json.error.code]).toEqual([403, "AuthorizationFailed"]);
    }
  });

  it("come in pages of VMs", async () => {
    const first = await ask({ subscriptionId, top: "1" });
    const second = await at.door.call("GET", first.json.nextLink);

    expect(
      [first, second].flatMap(({ json }) => json.value.map((one: { vmId: string }) => one.vmId)),
    ).toEqual([vmId("web-1"), vmId("web-2")]);
    expect(second.json.nextLink).toBeUndefined();
  });

  it("look at the newest 2,000 requests, and say from when on they are whole where there are more", async () => {
    for (let index = 0; index < 2_001; index += 1) {
      await at.world.request(
        anAccessRequest({
          id: `request-${index}`,
          createdAt: afterNoon(-index),
          windows: [aWindow({ state: "failed" })],
        }),
      );
    }

    const { json } = await ask({ vm: vmId() });

    expect(json).toMatchObject({ isTruncated: true, countedFrom: afterNoon(-1_999) });
    expect(json.value[0].approvedRequests).toBe(2_000);
    const stranger = (await ask({ subscriptionId }, "eve")).json;
    expect(stranger).toMatchObject({ value: [], isTruncated: false });
    expect(stranger.countedFrom).toBeUndefined();
  });

  it("tell whoever may read one policy alone nothing of who came by another", async () => {
    const [own, other] = [aPolicy().id, aPolicy().id.replace(/[^/]+$/, "other")];
    const opened = { state: "open", openedAt: afterNoon(-600) } as const;
    await at.world.request(anAccessRequest({ policyId: own, windows: [aWindow(opened)] }));
    await at.world.request(
      anAccessRequest({
        id: "aaaaaaaa-3c1d-4e7f-9a52-7d1c0e4b8f31",
        policyId: other,
        requestor: people.dan,
        windows: [aWindow({ ...opened, openedAt: afterNoon(-300) })],
      }),
    );
    at.door.rights.grant(people.eve, own, [actions.readPolicy]);
    const all = (await ask({ subscriptionId })).json;
    const part = (await ask({ subscriptionId }, "eve")).json;

    expect(all.value[0]).toMatchObject({ openNow: 2, lastUser: people.dan.name });
    expect(part.value[0]).toMatchObject({ openNow: 1, lastUser: people.alice.name });
  });

  it.each([
    { case: "nothing", query: {}, target: "vm" },
    { case: "two things", query: { vm: vmId(), subscriptionId }, target: "vm" },
    { case: "a VM that is none", query: { vm: "web-1" }, target: "vm" },
    { case: "a policy that is none", query: { policyId: "default" }, target: "policyId" },
    { case: "no days", query: { subscriptionId, days: "0" }, target: "days" },
    { case: "more days than a month has", query: { subscriptionId, days: "32" }, target: "days" },
    { case: "a page too large", query: { subscriptionId, top: "201" }, target: "top" },
    { case: "a misspelt parameter", query: { subscriptionId, day: "7" }, target: "day" },
  ])("cannot be asked for $case", async ({ query, target }) => {
    const reply = await ask(query as unknown as Record<string, string>);

    expect(reply.status).toBe(400);
    expect(reply.json.error).toMatchObject({ code: "InvalidQuery", target });
  });
});
