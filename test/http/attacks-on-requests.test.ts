import { beforeEach, describe, expect, it } from "@jest/globals";
import { revoked } from "../../src/access/approval.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { vmId } from "../support/builders.ts";
import { createFrontDoor, type Person, paths, people } from "../support/front-door.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const ref = (person: Person) => ({ objectId: people[person].objectId, name: person });
const approval = {
  approvalsNeeded: 1,
  approvers: { people: [ref("rita"), ref("bob")] },
  answerWithin: "PT1H",
};

describe("somebody who wants more than was agreed to", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(() => {
    world = createWorld();
    door = createFrontDoor(world);
  });

  const protect = (accessRules?: object, more: object = {}) =>
    door.call("PUT", paths.policy(), {
      body: {
        properties: {
          virtualMachines: bothWebVms.map(({ id, ports }) => ({
            id,
            ports: ports.map((port) => ({ ...port, ...more })),
          })),
          ...(accessRules === undefined ? {} : { accessRules }),
        },
      },
    });
  const ask = (more: object = {}, headers = {}) => {
    const ports = [
      { number: 22, duration: "PT1H", allowedSourceAddressPrefix: "203.0.113.7", ...more },
    ];
    const body = { virtualMachines: [{ id: vmId("web-1"), ports }] };
    return door.call("POST", paths.initiate(), { as: "alice", body, headers });
  };
  const act = (id: string, verb: string, as: Person, body: object = {}) =>
    door.call("POST", paths.request(id, verb), { as, body });
  const allows = () =>
    [nsgs.subnet, nsgs.card].flatMap((gate) =>
      world.ours(gate).filter((rule) => rule.access === "Allow"),
    );

  it("gets no rule while nobody can tell whether the approver still is one, whoever settles the gate meanwhile", async () => {
    await protect({ approval });
    const { id } = (await ask()).json;
    await act(id, "approve", "bob");
    const down = new Error("Graph does not answer");
    world.directory.failNext(down, down, down, down);

    const opening = openWindows(
      { ...world.start(), rights: door.rights },
      { requestId: id, vmIndex: 0 },
    );
    await expect(world.clock.run(opening)).rejects.toThrow("Graph");
    await world.clock.run(sweep(world.start()));

    expect(allows()).toEqual([]);
  });

  it("gets no longer window by a process that dies between proving it open and telling it", async () => {
    await protect();
    const { id } = (await ask()).json;
    const process = { ...world.start(), rights: door.rights };
    const requests = {
      ...process.requests,
      // The end is stored, then the process dies: this is the last that anybody hears of it.
      change: async (...args: Parameters<typeof process.requests.change>) => {
        const changed = await world.requests.change(...args);
        return changed?.windows.some(({ openedAt }) => openedAt !== undefined)
          ? new Promise<never>(() => undefined)
          : changed;
      },
    };
    void openWindows({ ...process, requests }, { requestId: id, vmIndex: 0 });
    await world.clock.advance(1_000);
    const [before] = await world.windows(id);

    await world.clock.advance(600_000);
    await door.work();

    const [after] = await world.windows(id);
    expect(before).toMatchObject({ state: "opening", openedAt: expect.anything() });
    expect(after).toMatchObject({
      state: "open",
      openedAt: before?.openedAt,
      closesAt: before?.closesAt,
    });
    const [opened] = (await world.facts()).filter(
      ({ operation, outcome }) => operation === "access.open" && outcome === "done",
    );
    expect(opened?.closesAt).toBe(after?.closesAt);
  });

  it("gets nothing that the policy has stopped to allow for so long, however long the request waited", async () => {
    await protect({ approval });
    const { id } = (await ask({ duration: "PT3H" })).json;
    await protect(undefined, { maxRequestAccessDuration: "PT1H" });

    await act(id, "approve", "bob");
    await door.work();

    const [window] = await world.windows(id);
    expect(window).toMatchObject({
      state: "failed",
      reasons: [expect.objectContaining({ code: "RequestNotSubsetOfPolicy" })],
    });
    expect(allows()).toEqual([]);
  });

  it("takes no approval along to more or wider sources than one approver saw", async () => {
    await protect({ approval }, { allowedSourceAddressPrefix: "*" });
    const agreed = ["10.0.0.0/8", "203.0.113.7", "203.0.113.9"];
    const { id } = (await ask({ allowedSourceAddressPrefix: agreed })).json;
    await act(id, "approve", "bob");
    await door.work();

    const wide = { allowedSourceAddressPrefixes: ["10.0.0.0/8", "64.0.0.0/8", "128.0.0.0/8"] };
    const wider = await act(id, "rebind", "alice", wide);
    const same = { allowedSourceAddressPrefixes: ["64.0.0.0/8", "198.51.100.1", "198.51.100.3"] };
    const moved = await act(id, "rebind", "alice", same);

    expect(wider.json.state).toBe("pending approval");
    expect(moved.json.state).not.toBe("pending approval");
  });

  it("leaves a port that is being opened to be closed, when repeating the call fails to start it", async () => {
    await protect();
    const headers = { "idempotency-key": "again" };
    const { id } = (await ask({}, headers)).json;
    const process = { ...world.start(), rights: door.rights };
    let repeated = false;
    const settle: typeof process.settle = async (...args) => {
      const settled = await process.settle(...args);
      if (!repeated) {
        repeated = true;
        door.workflows.failNext(new Error("durable storage is away"));
        await ask({}, headers);
      }
      return settled;
    };
    await world.clock.run(openWindows({ ...process, settle }, { requestId: id, vmIndex: 0 }));

    const [window] = await world.windows(id);
    await act(id, "revoke", "olivia");
    await door.work();

    expect(window?.state).toBe("open");
    expect(allows()).toEqual([]);
  });

  it("does not get what took the place of a request that was ended meanwhile", async () => {
    await protect({ approval });
    const { id } = (await ask()).json;
    await act(id, "approve", "bob");
    await door.work();
    const moved = { allowedSourceAddressPrefix: "203.0.113.99" };
    // The two calls are decided upon the same reading; the later one knows nothing of what the other stores.
    let revoking: Promise<unknown> | undefined;
    const create = world.requests.create.bind(world.requests);
    world.requests.create = async (request) => {
      revoking ??= act(id, "revoke", "olivia");
      await revoking;
      return create(request);
    };

    const next = (await act(id, "rebind", "alice", moved)).json;
    await door.work();

    const [window] = await world.windows(next.id);
    expect(window?.state).not.toBe("open");
    expect(allows()).toEqual([]);
  });

  it("cannot make a request so large by asking for more of it that nobody can end it", async () => {
    await protect({ approval });
    const { id } = (await ask()).json;
    await act(id, "approve", "bob");
    await door.work();
    const answers: number[] = [];
    for (let count = 0; count < 60; count += 1) {
      answers.push((await act(id, "extend", "alice", { duration: "PT2H" })).status);
      await world.clock.advance(1_000);
    }

    const stored = await world.requests.get(id);
    expect(answers).toContain(409);
    expect(stored?.followedBy?.length).toBeLessThanOrEqual(50);
  });

  it("learns nothing of how often a machine is opened that it may not read", async () => {
    await protect();
    for (let count = 0; count < 3; count += 1) {
      await ask({ allowedSourceAddressPrefix: `203.0.113.${count}` });
    }
    const told = await Promise.all(
      [
        `vm=${encodeURIComponent(vmId("web-1"))}`,
        `policyId=${encodeURIComponent(paths.policy())}`,
        `subscriptionId=${vmId("web-1").split("/")[2]}`,
        `requestor=${people.alice.objectId}`,
      ].map((query) => door.call("GET", `${paths.requests}?${query}&top=1`, { as: "eve" })),
    );

    expect(told.map(({ json }) => json)).toEqual(told.map(() => ({ value: [] })));
  });

  it("leaves a fact of what was asked, though the audit failed at first and the call was repeated", async () => {
    await protect({ approval });
    const record = world.activity.record.bind(world.activity);
    world.activity.record = () => Promise.reject(new Error("the audit is away"));
    const headers = { "idempotency-key": "once" };
    const first = await ask({}, headers);
    world.activity.record = record;

    const { json } = await ask({}, headers);

    expect(first.status).toBeGreaterThanOrEqual(500);
    expect(json.state).toBe("pending approval");
    const asked = (await world.facts()).filter(({ operation }) => operation === "access.initiate");
    expect(asked).toEqual([expect.objectContaining({ outcome: "asked", requestId: json.id })]);
  });

  it("leaves no fact of what was never stored, by two calls of one key at the same moment", async () => {
    await protect({ approval });
    const headers = { "idempotency-key": "both" };

    const answers = await Promise.all([
      ask({ duration: "PT1H" }, headers),
      ask({ duration: "PT2H" }, headers),
    ]);

    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409]);
    const asked = (await world.facts()).filter(
      ({ operation, outcome }) => operation === "access.initiate" && outcome === "asked",
    );
    expect(asked).toHaveLength(1);
  });

  it("leaves a fact of a port that was open, though its end was asked for before that was told", async () => {
    await protect();
    const { id } = (await ask()).json;
    const process = { ...world.start(), rights: door.rights };
    const settle: typeof process.settle = async (...args) => {
      const settled = await process.settle(...args);
      await world.requests.change(
        id,
        (current) =>
          revoked(current, { id: "end", kind: "revoke", at: world.clock.now().toISOString() }) ??
          current,
      );
      return settled;
    };
    await world.clock.run(openWindows({ ...process, settle }, { requestId: id, vmIndex: 0 }));
    await door.work();

    const told = (await world.facts()).filter(({ operation }) => operation === "access.open");
    expect(allows()).toEqual([]);
    expect(told.map(({ outcome }) => outcome).toSorted()).toEqual(["asked", "done"]);
    expect((await world.windows(id))[0]).toMatchObject({
      state: "closed",
      openedAt: expect.anything(),
    });
  });

  it("has nobody review a break-glass request whose account is disabled", async () => {
    const breakGlass = { people: [ref("alice")], reviewers: { people: [ref("dan")] } };
    await protect({ approval, breakGlass });
    const ports = [{ number: 22, duration: "PT1H", allowedSourceAddressPrefix: "203.0.113.7" }];
    const { id } = (
      await door.call("POST", paths.initiate(), {
        as: "alice",
        body: {
          virtualMachines: [{ id: vmId("web-1"), ports }],
          justification: "the shop is down, orders are lost",
          breakGlass: true,
        },
      })
    ).json;
    world.directory.disable(people.dan);

    const { status, json } = await act(id, "review", "dan");

    expect([status, json.error?.code]).toEqual([403, "AccountDisabled"]);
  });

  it("cannot fill the service with requests that nobody has answered yet", async () => {
    await protect({ approval });
    const answers: Awaited<ReturnType<typeof ask>>[] = [];
    for (let count = 0; count < 102; count += 1) {
      answers.push(await ask());
      await world.clock.advance(1_000);
    }

    const [last] = answers.slice(-1);
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(100);
    expect([last?.status, last?.json.error.code]).toEqual([409, "TooManyPending"]);
    expect((await ask()).status).toBe(409);
    await act(answers[0]?.json.id, "revoke", "alice");
    expect((await ask()).status).toBe(202);
  });

  it("keeps no request waiting for a policy of the same name, when the deletion of the first was cut off", async () => {
    await protect({ approval });
    const { id } = (await ask()).json;
    const stored = await world.policies.get(paths.policy());
    if (stored !== undefined) {
      await world.policies.put({ ...stored.value, state: "deleting" }, stored.etag);
    }
    await world.clock.run(sweep(world.start()));
    await world.clock.run(sweep(world.start()));
    await protect({ approval: { ...approval, approvers: { people: [ref("eve")] } } });

    await act(id, "approve", "eve");
    await door.work();

    expect(await world.requests.get(id)).toMatchObject({ windows: [{ state: "closed" }] });
    expect(allows()).toEqual([]);
    const [ended] = (await world.facts()).filter(({ operation }) => operation === "access.revoke");
    expect(ended).toMatchObject({ requestId: id, comment: "The policy was deleted." });
  });

  it("makes the service read a policy once for a list, however many requests it names", async () => {
    await protect();
    for (let count = 0; count < 20; count += 1) {
      await ask({ allowedSourceAddressPrefix: `203.0.113.${count}` });
    }
    let reads = 0;
    const get = world.policies.get.bind(world.policies);
    world.policies.get = (id) => {
      reads += 1;
      return get(id);
    };

    const { json } = await door.call("GET", paths.requests, { as: "alice" });

    expect(json.value).toHaveLength(20);
    expect(reads).toBe(1);
  });

  it("learns no name of a policy and no moment of an act from where a list goes on", async () => {
    await protect();
    await ask();
    const stored = await world.policies.get(paths.policy());
    for (let count = 0; count < 101; count += 1) {
      const name = `p${count}`;
      await world.policies.put({ ...(stored?.value as Policy), id: paths.policy(name), name });
    }
    const told = await Promise.all(
      [
        paths.ofSubscription,
        `${paths.activity}?subscriptionId=${vmId("web-1").split("/")[2]}&top=1`,
      ].map((address) => door.call("GET", address, { as: "eve" })),
    );
    const rita = await door.call("GET", paths.ofSubscription, { as: "rita" });

    expect(told.map(({ json }) => json)).toEqual(told.map(() => ({ value: [] })));
    expect(rita.json.value).toHaveLength(100);
    expect(rita.json.nextLink).toEqual(expect.any(String));
  });

  it("does not outrun the end of a line of requests with one more", async () => {
    await protect();
    const { id } = (await ask()).json;
    await door.work();
    const second = (await act(id, "extend", "alice", { duration: "PT2H" })).json.id as string;
    await door.work();
    const change = world.requests.change.bind(world.requests);
    let third: string | undefined;
    world.requests.change = async (requestId, ...rest) => {
      if (requestId === second && third === undefined) {
        third = "on its way";
        const moved = { allowedSourceAddressPrefix: "203.0.113.99" };
        third = (await act(second, "rebind", "alice", moved)).json.id;
        await door.work();
      }
      return change(requestId, ...rest);
    };

    await act(id, "revoke", "olivia");
    await door.work();

    expect((await world.windows(third ?? ""))[0]).toMatchObject({
      state: "closed",
      endReason: "UserRequested",
    });
    expect(allows()).toEqual([]);
  });
});
