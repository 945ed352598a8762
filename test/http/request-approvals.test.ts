import { beforeEach, describe, expect, it } from "@jest/globals";
import { paths, people } from "../support/front-door.ts";
import { approval, createRequestDoor, groups, ref } from "../support/request-door.ts";

describe("a request", () => {
  let at: ReturnType<typeof createRequestDoor>;

  beforeEach(() => {
    at = createRequestDoor();
  });

  describe("that needs an approval", () => {
    it("tells who can answer, and opens nothing until somebody does", async () => {
      await at.protect({ approval });

      const { status, json } = await at.ask();
      await at.door.work();

      expect(status).toBe(202);
      expect(json).toMatchObject({
        state: "pending approval",
        approval: { needed: 1, given: 0, approvers: ["rita", "group approvers"] },
      });
      expect(json.approval.answerBy).toBe(
        new Date(at.world.clock.now().getTime() + 3_600_000).toISOString(),
      );
      expect(json.virtualMachines[0].ports[0]).toMatchObject({
        status: "Initiating",
        statusReason: "PendingApproval",
      });
      expect(at.allows()).toEqual([]);
      expect((await at.facts("access.initiate"))[0]).toMatchObject({
        outcome: "asked",
        actor: { objectId: people.alice.objectId },
        awaits: { approvals: 1, approvers: ["rita", "group approvers"] },
      });
    });

    it("opens once a member of the group agrees, for the whole of its time from then", async () => {
      await at.protect({ approval });
      const { id } = (await at.ask()).json;
      await at.minutes(30);

      const answer = await at.act(id, "approve", "bob", { comment: "go ahead" });
      await at.door.work();

      expect(answer.json).toMatchObject({ state: "approved", approval: { given: 1 } });
      const { json } = await at.door.call("GET", paths.request(id), { as: "alice" });
      expect(json.state).toBe("open");
      expect(Date.parse(json.windows[0].closesAt) - Date.parse(json.windows[0].openedAt)).toBe(
        3_600_000,
      );
      expect(at.allows()).toHaveLength(1);
      expect(await at.facts("access.approve")).toEqual([
        expect.objectContaining({
          outcome: "done",
          comment: "go ahead",
          actor: expect.objectContaining({ objectId: people.bob.objectId }),
        }),
      ]);
    });

    it("is never answered by the one who asked", async () => {
      await at.protect({
        approval: { ...approval, approvers: { people: [ref("alice"), ref("rita")], groups: [] } },
      });
      const { id } = (await at.ask()).json;

      const { status, json } = await at.act(id, "approve", "alice");

      expect([status, json.error.code]).toEqual([403, "SelfApproval"]);
      expect(await at.state(id)).toBe("pending approval");
      expect((await at.facts("access.approve"))[0]).toMatchObject({
        outcome: "refused",
        requestId: id,
        actor: { objectId: people.alice.objectId },
      });
    });

    it("is over with one denial, and cannot be approved after it", async () => {
      await at.protect({ approval: { ...approval, approvalsNeeded: 2 } });
      const { id } = (await at.ask()).json;
      await at.act(id, "approve", "rita");

      await at.act(id, "deny", "bob", { comment: "not today" });
      const late = await at.act(id, "approve", "bob");
      await at.door.work();

      expect([late.status, late.json.error.code]).toEqual([409, "RequestNotPending"]);
      expect(await at.state(id)).toBe("denied");
      expect(at.allows()).toEqual([]);
    });

    it("counts two approvers who answer at the same moment once each, and one who answers twice once", async () => {
      await at.protect({ approval: { ...approval, approvalsNeeded: 2 } });
      const { id } = (await at.ask()).json;

      const [first] = await Promise.all([
        at.act(id, "approve", "bob"),
        at.act(id, "approve", "bob"),
      ]);
      expect(first.status).toBe(200);
      expect(await at.state(id)).toBe("pending approval");
      await Promise.all([at.act(id, "approve", "rita"), at.act(id, "approve", "rita")]);
      await at.door.work();

      expect(await at.state(id)).toBe("open");
      expect(await at.facts("access.approve")).toHaveLength(2);
    });

    it("opens when one who has agreed says so again, and the policy wants fewer by now", async () => {
      await at.protect({ approval: { ...approval, approvalsNeeded: 2 } });
      const { id } = (await at.ask()).json;
      await at.act(id, "approve", "bob");
      await at.protect({ approval });

      const waiting = await at.door.call("GET", paths.request(id));
      await at.act(id, "approve", "bob");
      await at.door.work();

      expect(waiting.json).toMatchObject({ state: "pending approval", approval: { needed: 1 } });
      expect(await at.state(id)).toBe("open");
    });

    it("expires when nobody answers in time", async () => {
      await at.protect({ approval });
      const { id } = (await at.ask()).json;
      await at.minutes(60);

      const late = await at.act(id, "approve", "bob");
      await at.sweep();

      expect([late.status, late.json.error.code]).toEqual([409, "RequestNotPending"]);
      expect(await at.state(id)).toBe("expired unanswered");
      expect(await at.facts("access.expire")).toHaveLength(1);
    });

    it("is put to the groups.second circle when the first does not answer, who may then open it", async () => {
      at.world.directory.join(groups.second, people.eve);
      await at.protect({
        approval: {
          ...approval,
          escalation: {
            approvers: { people: [], groups: [{ objectId: groups.second }] },
            answerWithin: "PT30M",
          },
        },
      });
      const { id } = (await at.ask()).json;
      const early = await at.act(id, "approve", "eve");
      await at.minutes(61);
      await at.sweep();

      await at.act(id, "approve", "eve");
      await at.door.work();

      expect(early.status).toBe(404);
      expect(await at.state(id)).toBe("open");
      expect(await at.facts("access.escalate")).toHaveLength(1);
    });

    it("is not shown to strangers, who cannot tell it from one that does not exist", async () => {
      await at.protect({ approval });
      const { id } = (await at.ask()).json;
      const unknown = "00000000-0000-4000-8000-000000000000";

      const seen = await Promise.all(
        [id, unknown].flatMap((one) => [
          at.door.call("GET", paths.request(one), { as: "eve" }),
          at.act(one, "approve", "eve"),
          at.act(one, "revoke", "eve"),
        ]),
      );

      expect(seen.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404]);
      expect(new Set(seen.map(({ text }) => text)).size).toBe(1);
    });

    it("is stopped when the requestor loses the right while it waits", async () => {
      await at.protect({ approval });
      const { id } = (await at.ask()).json;
      at.door.rights.revokeAll(people.alice);

      await at.act(id, "approve", "bob");
      await at.door.work();

      expect(await at.state(id)).toBe("failed");
      expect(at.allows()).toEqual([]);
      const [failed] = (await at.facts("access.open")).filter(
        ({ outcome }) => outcome === "failed",
      );
      expect(failed?.reasons?.map(({ code }) => code)).toContain("AuthorizationFailed");
    });

    it("is stopped when the approver is none any more by the time it is opened", async () => {
      await at.protect({ approval });
      const { id } = (await at.ask()).json;
      await at.act(id, "approve", "bob");
      at.world.directory.leave(groups.approvers, people.bob);

      await at.door.work();

      expect(await at.state(id)).toBe("failed");
      const { json } = await at.door.call("GET", paths.request(id));
      expect(json.windows[0].reasons).toEqual([
        expect.objectContaining({ code: "ApprovalMissing" }),
      ]);
    });

    it("is opened at once for those whom a rule approves by itself", async () => {
      at.world.directory.join(groups.second, people.alice);
      await at.protect({
        approval: { ...approval, autoApproval: [{ groups: [{ objectId: groups.second }] }] },
      });

      const [hers, his] = [(await at.ask()).json, (await at.ask({}, "dan")).json];
      await at.door.work();

      expect(hers).toMatchObject({ state: "opening", approval: { automatic: true } });
      expect(his.state).toBe("pending approval");
      expect(await at.state(hers.id)).toBe("open");
    });

    it("can be withdrawn while it waits", async () => {
      await at.protect({ approval });
      const { id } = (await at.ask()).json;

      const { status, json } = await at.act(id, "revoke", "alice", { comment: "solved" });

      expect([status, json.state]).toEqual([202, "closed"]);
      expect((await at.act(id, "approve", "bob")).json.error.code).toBe("RequestNotPending");
    });

    it("ends with its policy", async () => {
      await at.protect({ approval });
      const { id } = (await at.ask()).json;

      await at.door.call("DELETE", paths.policy());

      expect(await at.state(id)).toBe("closed");
      expect((await at.facts("access.revoke"))[0]).toMatchObject({
        comment: "The policy was deleted.",
        actor: { objectId: people.olivia.objectId },
      });
    });
  });
});
