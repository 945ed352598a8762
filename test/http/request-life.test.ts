import { beforeEach, describe, expect, it } from "@jest/globals";
import { sweep } from "../../src/workflow/sweep.ts";
import { vmId } from "../support/builders.ts";
import { createFrontDoor, type Person, paths, people } from "../support/front-door.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const approvers = "99999999-0000-4000-8000-000000000001";
const second = "99999999-0000-4000-8000-000000000002";
const ref = (person: Person) => ({ objectId: people[person].objectId, name: person });
const approval = {
  approvalsNeeded: 1,
  approvers: { people: [ref("rita")], groups: [{ objectId: approvers, name: "approvers" }] },
  answerWithin: "PT1H",
};

describe("a request's life", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(() => {
    world = createWorld();
    door = createFrontDoor(world);
    world.directory.join(approvers, people.bob);
  });

  const protect = (accessRules?: object) =>
    door.call("PUT", paths.policy(), {
      body: {
        properties: {
          virtualMachines: bothWebVms.map(({ id, ports }) => ({ id, ports })),
          ...(accessRules === undefined ? {} : { accessRules }),
        },
      },
    });
  const ask = async (more: object = {}, as: Person = "alice", headers = {}) => {
    const ports = [{ number: 22, duration: "PT1H", allowedSourceAddressPrefix: "203.0.113.7" }];
    const body = { virtualMachines: [{ id: vmId("web-1"), ports }], ...more };
    return door.call("POST", paths.initiate(), { as, body, headers });
  };
  const act = (id: string, verb: string, as: Person, body: object = {}) =>
    door.call("POST", paths.request(id, verb), { as, body });
  const state = async (id: string) =>
    (await door.call("GET", paths.request(id))).json.state as string;
  const allows = () => world.ours(nsgs.subnet).filter((rule) => rule.access === "Allow");
  const facts = async (operation: string) =>
    (await world.facts()).filter((fact) => fact.operation === operation);
  const minutes = (count: number) => world.clock.advance(count * 60_000);

  describe("that needs an approval", () => {
    it("tells who can answer, and opens nothing until somebody does", async () => {
      await protect({ approval });

      const { status, json } = await ask();
      await door.work();

      expect(status).toBe(202);
      expect(json).toMatchObject({
        state: "pending approval",
        approval: { needed: 1, given: 0, approvers: ["rita", "group approvers"] },
      });
      expect(json.approval.answerBy).toBe(
        new Date(world.clock.now().getTime() + 3_600_000).toISOString(),
      );
      expect(json.virtualMachines[0].ports[0]).toMatchObject({
        status: "Initiating",
        statusReason: "PendingApproval",
      });
      expect(allows()).toEqual([]);
      expect((await facts("access.initiate"))[0]).toMatchObject({
        outcome: "asked",
        actor: { objectId: people.alice.objectId },
        awaits: { approvals: 1, approvers: ["rita", "group approvers"] },
      });
    });

    it("opens once a member of the group agrees, for the whole of its time from then", async () => {
      await protect({ approval });
      const { id } = (await ask()).json;
      await minutes(30);

      const answer = await act(id, "approve", "bob", { comment: "go ahead" });
      await door.work();

      expect(answer.json).toMatchObject({ state: "approved", approval: { given: 1 } });
      const { json } = await door.call("GET", paths.request(id), { as: "alice" });
      expect(json.state).toBe("open");
      expect(Date.parse(json.windows[0].closesAt) - Date.parse(json.windows[0].openedAt)).toBe(
        3_600_000,
      );
      expect(allows()).toHaveLength(1);
      expect(await facts("access.approve")).toEqual([
        expect.objectContaining({
          outcome: "done",
          comment: "go ahead",
          actor: expect.objectContaining({ objectId: people.bob.objectId }),
        }),
      ]);
    });

    it("is never answered by the one who asked", async () => {
      await protect({
        approval: { ...approval, approvers: { people: [ref("alice"), ref("rita")], groups: [] } },
      });
      const { id } = (await ask()).json;

      const { status, json } = await act(id, "approve", "alice");

      expect([status, json.error.code]).toEqual([403, "SelfApproval"]);
      expect(await state(id)).toBe("pending approval");
      expect((await facts("access.approve"))[0]).toMatchObject({
        outcome: "refused",
        requestId: id,
        actor: { objectId: people.alice.objectId },
      });
    });

    it("is over with one denial, and cannot be approved after it", async () => {
      await protect({ approval: { ...approval, approvalsNeeded: 2 } });
      const { id } = (await ask()).json;
      await act(id, "approve", "rita");

      await act(id, "deny", "bob", { comment: "not today" });
      const late = await act(id, "approve", "bob");
      await door.work();

      expect([late.status, late.json.error.code]).toEqual([409, "RequestNotPending"]);
      expect(await state(id)).toBe("denied");
      expect(allows()).toEqual([]);
    });

    it("counts two approvers who answer at the same moment once each, and one who answers twice once", async () => {
      await protect({ approval: { ...approval, approvalsNeeded: 2 } });
      const { id } = (await ask()).json;

      const [first] = await Promise.all([act(id, "approve", "bob"), act(id, "approve", "bob")]);
      expect(first.status).toBe(200);
      expect(await state(id)).toBe("pending approval");
      await Promise.all([act(id, "approve", "rita"), act(id, "approve", "rita")]);
      await door.work();

      expect(await state(id)).toBe("open");
      expect(await facts("access.approve")).toHaveLength(2);
    });

    it("opens when one who has agreed says so again, and the policy wants fewer by now", async () => {
      await protect({ approval: { ...approval, approvalsNeeded: 2 } });
      const { id } = (await ask()).json;
      await act(id, "approve", "bob");
      await protect({ approval });

      const waiting = await door.call("GET", paths.request(id));
      await act(id, "approve", "bob");
      await door.work();

      expect(waiting.json).toMatchObject({ state: "pending approval", approval: { needed: 1 } });
      expect(await state(id)).toBe("open");
    });

    it("expires when nobody answers in time", async () => {
      await protect({ approval });
      const { id } = (await ask()).json;
      await minutes(60);

      const late = await act(id, "approve", "bob");
      await world.clock.run(sweep(world.start()));

      expect([late.status, late.json.error.code]).toEqual([409, "RequestNotPending"]);
      expect(await state(id)).toBe("expired unanswered");
      expect(await facts("access.expire")).toHaveLength(1);
    });

    it("is put to the second circle when the first does not answer, who may then open it", async () => {
      world.directory.join(second, people.eve);
      await protect({
        approval: {
          ...approval,
          escalation: {
            approvers: { people: [], groups: [{ objectId: second }] },
            answerWithin: "PT30M",
          },
        },
      });
      const { id } = (await ask()).json;
      const early = await act(id, "approve", "eve");
      await minutes(61);
      await world.clock.run(sweep(world.start()));

      await act(id, "approve", "eve");
      await door.work();

      expect(early.status).toBe(404);
      expect(await state(id)).toBe("open");
      expect(await facts("access.escalate")).toHaveLength(1);
    });

    it("is not shown to strangers, who cannot tell it from one that does not exist", async () => {
      await protect({ approval });
      const { id } = (await ask()).json;
      const unknown = "00000000-0000-4000-8000-000000000000";

      const seen = await Promise.all(
        [id, unknown].flatMap((one) => [
          door.call("GET", paths.request(one), { as: "eve" }),
          act(one, "approve", "eve"),
          act(one, "revoke", "eve"),
        ]),
      );

      expect(seen.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404]);
      expect(new Set(seen.map(({ text }) => text)).size).toBe(1);
    });

    it("is stopped when the requestor loses the right while it waits", async () => {
      await protect({ approval });
      const { id } = (await ask()).json;
      door.rights.revokeAll(people.alice);

      await act(id, "approve", "bob");
      await door.work();

      expect(await state(id)).toBe("failed");
      expect(allows()).toEqual([]);
      const [failed] = (await facts("access.open")).filter(({ outcome }) => outcome === "failed");
      expect(failed?.reasons?.map(({ code }) => code)).toContain("AuthorizationFailed");
    });

    it("is stopped when the approver is none any more by the time it is opened", async () => {
      await protect({ approval });
      const { id } = (await ask()).json;
      await act(id, "approve", "bob");
      world.directory.leave(approvers, people.bob);

      await door.work();

      expect(await state(id)).toBe("failed");
      const { json } = await door.call("GET", paths.request(id));
      expect(json.windows[0].reasons).toEqual([
        expect.objectContaining({ code: "ApprovalMissing" }),
      ]);
    });

    it("is opened at once for those whom a rule approves by itself", async () => {
      world.directory.join(second, people.alice);
      await protect({
        approval: { ...approval, autoApproval: [{ groups: [{ objectId: second }] }] },
      });

      const [hers, his] = [(await ask()).json, (await ask({}, "dan")).json];
      await door.work();

      expect(hers).toMatchObject({ state: "opening", approval: { automatic: true } });
      expect(his.state).toBe("pending approval");
      expect(await state(hers.id)).toBe("open");
    });

    it("can be withdrawn while it waits", async () => {
      await protect({ approval });
      const { id } = (await ask()).json;

      const { status, json } = await act(id, "revoke", "alice", { comment: "solved" });

      expect([status, json.state]).toEqual([202, "closed"]);
      expect((await act(id, "approve", "bob")).json.error.code).toBe("RequestNotPending");
    });

    it("ends with its policy", async () => {
      await protect({ approval });
      const { id } = (await ask()).json;

      await door.call("DELETE", paths.policy());

      expect(await state(id)).toBe("closed");
      expect((await facts("access.revoke"))[0]).toMatchObject({
        comment: "The policy was deleted.",
        actor: { objectId: people.olivia.objectId },
      });
    });
  });

  describe("that is open", () => {
    const open = async (more: object = {}) => {
      const { id } = (await ask(more)).json as { id: string };
      await door.work();
      return id;
    };

    it.each<[Person, string]>([
      ["alice", "who asked"],
      ["bob", "an approver"],
      ["olivia", "who may configure"],
    ])("is ended by %s, %s", async (person) => {
      world.directory.join(second, people.alice);
      await protect({
        approval: { ...approval, autoApproval: [{ groups: [{ objectId: second }] }] },
      });
      const id = await open();

      const { status } = await act(id, "revoke", person);
      await door.work();

      expect(status).toBe(202);
      expect(await state(id)).toBe("closed");
      expect(allows()).toEqual([]);
      expect((await facts("access.revoke"))[0]?.actor?.objectId).toBe(people[person].objectId);
      const [closed] = (await facts("access.close")).filter(({ outcome }) => outcome === "done");
      expect(closed?.endReason).toBe("UserRequested");
    });

    it("is not ended by somebody who may only read it", async () => {
      await protect();
      const id = await open();

      const { status, json } = await act(id, "revoke", "rita");

      expect([status, json.error.code]).toEqual([403, "NotAnApprover"]);
      expect(await state(id)).toBe("open");
    });

    it("closes with the next sweep when the word of its end was lost", async () => {
      await protect();
      const id = await open();
      await act(id, "revoke", "alice");
      door.workflows.ended.splice(0);
      await minutes(1);

      await world.clock.run(sweep(world.start()));

      expect(await state(id)).toBe("closed");
      expect(allows()).toEqual([]);
    });

    it("is extended without its rule ever missing, by a request that takes its place", async () => {
      await protect();
      const id = await open();
      await minutes(50);
      const { length } = world.network.writes;

      const { status, json } = await act(id, "extend", "alice", { duration: "PT2H" });
      await door.work();

      expect(status).toBe(202);
      expect(await state(id)).toBe("closed");
      expect(await state(json.id)).toBe("open");
      expect((await door.call("GET", paths.request(id))).json.followedBy).toEqual([json.id]);
      expect(allows()).toHaveLength(1);
      for (const { changes } of world.network.writes.slice(length)) {
        const puts = changes.filter(({ kind }) => kind === "put").length;
        expect(changes.length - puts).toBeLessThanOrEqual(puts);
      }
      expect((await facts("access.extend"))[0]).toMatchObject({ followsRequestId: id });
    });

    it("is not extended past what the policy allows, nor by anybody else, nor to an earlier end", async () => {
      await protect();
      const id = await open();

      const [long, other, early] = [
        await act(id, "extend", "alice", { duration: "P1D" }),
        await act(id, "extend", "olivia", { duration: "PT2H" }),
        await act(id, "extend", "alice", { duration: "PT30M" }),
      ];

      expect([long, other, early].map(({ status, json }) => [status, json.error.code])).toEqual([
        [400, "RequestNotSubsetOfPolicy"],
        [403, "NotTheRequestor"],
        [400, "NotLonger"],
      ]);
    });

    it("asks for approval again when it is extended, and stays open until its own end meanwhile", async () => {
      await protect({ approval });
      const { id } = (await ask()).json;
      await act(id, "approve", "bob");
      await door.work();

      const longer = await act(id, "extend", "alice", { duration: "PT2H" });
      await door.work();
      expect(longer.json.state).toBe("pending approval");
      expect(await state(id)).toBe("open");
      await act(longer.json.id, "approve", "rita");
      await door.work();

      expect([await state(id), await state(longer.json.id)]).toEqual(["closed", "open"]);
      expect(allows()).toHaveLength(1);
    });

    it("moves to the address the call comes from, and keeps its end", async () => {
      await protect();
      const id = await open();
      const { closesAt } = (await world.windows(id))[0] ?? {};

      const { status, json } = await door.call("POST", paths.request(id, "rebind"), {
        as: "alice",
        headers: { "x-forwarded-for": "203.0.113.99:4711" },
      });
      await door.work();

      expect(status).toBe(202);
      expect(allows().map(({ sources }) => sources)).toEqual([["203.0.113.99"]]);
      expect((await world.windows(json.id))[0]).toMatchObject({ state: "open", closesAt });
      expect(await state(id)).toBe("closed");
      expect(await facts("access.rebind")).toHaveLength(1);
    });

    it("does not move when its new source is told in two ways", async () => {
      await protect();
      const id = await open();

      const { status, json } = await act(id, "rebind", "alice", {
        allowedSourceAddressPrefix: "203.0.113.50",
        allowedSourceAddressPrefixes: ["203.0.113.51"],
      });

      expect([status, json.error.code]).toEqual([400, "InvalidInitiateInput"]);
    });

    it("takes its approval with it to another address, but not to a wider range", async () => {
      await protect({ approval });
      const { id } = (await ask()).json;
      await act(id, "approve", "bob");
      await door.work();

      const wide = await act(id, "rebind", "alice", {
        allowedSourceAddressPrefix: "203.0.113.0/24",
      });
      const other = await act(id, "rebind", "alice", {
        allowedSourceAddressPrefix: "203.0.113.50",
      });
      await door.work();

      expect(wide.json.state).toBe("pending approval");
      expect(await state(other.json.id)).toBe("open");
      expect(allows().map(({ sources }) => sources)).toEqual([["203.0.113.50"]]);
    });

    it("ends with everything it was extended to when it is revoked by its first id", async () => {
      await protect();
      const id = await open();
      const { json } = await act(id, "extend", "alice", { duration: "PT2H" });
      await door.work();

      await act(id, "revoke", "alice");
      await door.work();

      expect(await state(json.id)).toBe("closed");
      expect(allows()).toEqual([]);
    });
  });

  describe("in an emergency", () => {
    const breakGlass = { people: [ref("dan")], reviewWithin: "P1D" };
    const because = { breakGlass: true, justification: "shop is down, nobody answers" };

    it("opens at once for those whom the policy names, and waits for a review", async () => {
      await protect({ approval, breakGlass });

      const { json } = await ask(because, "dan");
      await door.work();

      expect(json).toMatchObject({ breakGlass: true, review: { state: "due" } });
      expect(await state(json.id)).toBe("open");
      expect((await facts("access.initiate"))[0]).toMatchObject({ breakGlass: true });
      const { json: waiting } = await door.call("GET", `${paths.requests}?awaiting=me`, {
        as: "bob",
      });
      expect(waiting.value.map(({ id }: { id: string }) => id)).toEqual([json.id]);
    });

    it("is reviewed by an approver, never by the one who opened it", async () => {
      await protect({ approval, breakGlass });
      const { id } = (await ask(because, "dan")).json;
      await door.work();

      const own = await act(id, "review", "dan");
      const { json } = await act(id, "review", "bob", { comment: "was right" });

      expect([own.status, own.json.error.code]).toEqual([403, "SelfApproval"]);
      expect(json.review).toMatchObject({ state: "reviewed", comment: "was right" });
      expect(await facts("access.review")).toHaveLength(2);
    });

    it("is refused to others, and without a reason", async () => {
      await protect({ approval, breakGlass });

      const [other, silent] = [await ask(because, "alice"), await ask({ breakGlass: true }, "dan")];

      expect([other.status, other.json.error.code]).toEqual([403, "BreakGlassNotAllowed"]);
      expect([silent.status, silent.json.error.code]).toEqual([400, "JustificationRequired"]);
    });
  });

  describe("asked for twice", () => {
    it("with the same key opens once, and a key for something else is refused", async () => {
      await protect();
      const key = { "idempotency-key": "deploy-4711" };

      const [one, two] = await Promise.all([ask({}, "alice", key), ask({}, "alice", key)]);
      const other = await ask({ justification: "another" }, "alice", key);
      const dans = await ask({}, "dan", key);
      await door.work();

      expect(two.json.id).toBe(one.json.id);
      expect([other.status, other.json.error.code]).toEqual([409, "IdempotencyKeyReused"]);
      expect(dans.json.id).not.toBe(one.json.id);
      const asked = (await facts("access.initiate")).filter(({ outcome }) => outcome === "asked");
      expect(new Set(asked.map(({ requestId }) => requestId))).toEqual(
        new Set([one.json.id, dans.json.id]),
      );
      expect(asked).toHaveLength(2);
    });

    it("with the id that an SDK gives each call is the same only while it asks for the same", async () => {
      await protect();
      const header = { "x-ms-client-request-id": "8d0a2f3e-0000-4000-8000-000000000001" };

      const [one, two] = [await ask({}, "alice", header), await ask({}, "alice", header)];
      const other = await ask({ justification: "another" }, "alice", header);
      await minutes(61);
      const later = await ask({}, "alice", header);

      expect(two.json.id).toBe(one.json.id);
      expect(other.json.id).not.toBe(one.json.id);
      expect(later.json.id).not.toBe(one.json.id);
    });
  });

  describe("in lists", () => {
    const ids = (reply: { json: { value: { id: string }[] } }) =>
      reply.json.value.map(({ id }) => id);

    it("is found by its requestor, VM, policy, subscription and state, by those who may see it", async () => {
      await protect();
      const hers = (await ask()).json.id as string;
      await door.work();
      await world.clock.advance(1_000);
      const his = (await ask({}, "dan")).json.id as string;
      const list = (query: string, as: Person) =>
        door.call("GET", `${paths.requests}?${query}`, { as });
      const vm = encodeURIComponent(vmId("WEB-1"));

      expect(ids(await list("", "alice"))).toEqual([hers]);
      expect(ids(await list(`vm=${vm}`, "rita"))).toEqual([his, hers]);
      expect(ids(await list(`vm=${vm}&requestor=me`, "dan"))).toEqual([his]);
      expect(ids(await list(`vm=${vm}&state=open`, "rita"))).toEqual([hers]);
      expect(ids(await list(`vm=${vm}`, "eve"))).toEqual([]);
      expect((await list(`vm=${vm}&awaiting=me`, "rita")).json.error.code).toBe("InvalidQuery");
    });

    it("comes in pages, newest first", async () => {
      await protect();
      const asked: string[] = [];
      for (let count = 0; count < 5; count += 1) {
        asked.unshift((await ask()).json.id as string);
        await world.clock.advance(1_000);
      }
      const seen: string[] = [];
      let next: string | undefined = `${paths.requests}?top=2`;
      while (next !== undefined) {
        const page: Awaited<ReturnType<typeof door.call>> = await door.call("GET", next, {
          as: "alice",
        });
        seen.push(...ids(page));
        next = page.json.nextLink;
      }

      expect(seen).toEqual(asked);
    });
  });
});
