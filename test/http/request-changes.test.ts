import { beforeEach, describe, expect, it } from "@jest/globals";
import { type Person, paths, people } from "../support/front-door.ts";
import { approval, createRequestDoor, groups } from "../support/request-door.ts";

describe("a request", () => {
  let at: ReturnType<typeof createRequestDoor>;

  beforeEach(() => {
    at = createRequestDoor();
  });

  describe("that is open", () => {
    const open = async (more: object = {}) => {
      const { id } = (await at.ask(more)).json as { id: string };
      await at.door.work();
      return id;
    };

    it.each<[Person, string]>([
      ["alice", "who asked"],
      ["bob", "an approver"],
      ["olivia", "who may configure"],
    ])("is ended by %s, %s", async (person) => {
      at.world.directory.join(groups.second, people.alice);
      await at.protect({
        approval: { ...approval, autoApproval: [{ groups: [{ objectId: groups.second }] }] },
      });
      const id = await open();

      const { status } = await at.act(id, "revoke", person);
      await at.door.work();

      expect(status).toBe(202);
      expect(await at.state(id)).toBe("closed");
      expect(at.allows()).toEqual([]);
      expect((await at.facts("access.revoke"))[0]?.actor?.objectId).toBe(people[person].objectId);
      const [closed] = (await at.facts("access.close")).filter(({ outcome }) => outcome === "done");
      expect(closed?.endReason).toBe("UserRequested");
    });

    it("is not ended by somebody who may only read it", async () => {
      await at.protect();
      const id = await open();

      const { status, json } = await at.act(id, "revoke", "rita");

      expect([status, json.error.code]).toEqual([403, "NotAnApprover"]);
      expect(await at.state(id)).toBe("open");
    });

    it("closes with the next sweep when the word of its end was lost", async () => {
      await at.protect();
      const id = await open();
      await at.act(id, "revoke", "alice");
      at.door.workflows.ended.splice(0);
      await at.minutes(1);

      await at.sweep();

      expect(await at.state(id)).toBe("closed");
      expect(at.allows()).toEqual([]);
    });

    it("is extended without its rule ever missing, by a request that takes its place", async () => {
      await at.protect();
      const id = await open();
      await at.minutes(50);
      const { length } = at.world.network.writes;

      const { status, json } = await at.act(id, "extend", "alice", { duration: "PT2H" });
      await at.door.work();

      expect(status).toBe(202);
      expect(await at.state(id)).toBe("closed");
      expect(await at.state(json.id)).toBe("open");
      expect((await at.door.call("GET", paths.request(id))).json.followedBy).toEqual([json.id]);
      expect(at.allows()).toHaveLength(1);
      for (const { changes } of at.world.network.writes.slice(length)) {
        const puts = changes.filter(({ kind }) => kind === "put").length;
        expect(changes.length - puts).toBeLessThanOrEqual(puts);
      }
      expect((await at.facts("access.extend"))[0]).toMatchObject({ followsRequestId: id });
    });

    it("is not extended past what the policy allows, nor by anybody else, nor to an earlier end", async () => {
      await at.protect();
      const id = await open();

      const [long, other, early] = [
        await at.act(id, "extend", "alice", { duration: "P1D" }),
        await at.act(id, "extend", "olivia", { duration: "PT2H" }),
        await at.act(id, "extend", "alice", { duration: "PT30M" }),
      ];

      expect([long, other, early].map(({ status, json }) => [status, json.error.code])).toEqual([
        [400, "RequestNotSubsetOfPolicy"],
        [403, "NotTheRequestor"],
        [400, "NotLonger"],
      ]);
    });

    it("asks for approval again when it is extended, and stays open until its own end meanwhile", async () => {
      await at.protect({ approval });
      const { id } = (await at.ask()).json;
      await at.act(id, "approve", "bob");
      await at.door.work();

      const longer = await at.act(id, "extend", "alice", { duration: "PT2H" });
      await at.door.work();
      expect(longer.json.state).toBe("pending approval");
      expect(await at.state(id)).toBe("open");
      await at.act(longer.json.id, "approve", "rita");
      await at.door.work();

      expect([await at.state(id), await at.state(longer.json.id)]).toEqual(["closed", "open"]);
      expect(at.allows()).toHaveLength(1);
    });

    it("moves to the address the call comes from, and keeps its end", async () => {
      await at.protect();
      const id = await open();
      const { closesAt } = (await at.world.windows(id))[0] ?? {};

      const { status, json } = await at.door.call("POST", paths.request(id, "rebind"), {
        as: "alice",
        headers: { "x-forwarded-for": "203.0.113.99:4711" },
      });
      await at.door.work();

      expect(status).toBe(202);
      expect(at.allows().map(({ sources }) => sources)).toEqual([["203.0.113.99"]]);
      expect((await at.world.windows(json.id))[0]).toMatchObject({ state: "open", closesAt });
      expect(await at.state(id)).toBe("closed");
      expect(await at.facts("access.rebind")).toHaveLength(1);
    });

    it("does not move when its new source is told in two ways", async () => {
      await at.protect();
      const id = await open();

      const { status, json } = await at.act(id, "rebind", "alice", {
        allowedSourceAddressPrefix: "203.0.113.50",
        allowedSourceAddressPrefixes: ["203.0.113.51"],
      });

      expect([status, json.error.code]).toEqual([400, "InvalidInitiateInput"]);
    });

    it("takes its approval with it to another address, but not to a wider range", async () => {
      await at.protect({ approval });
      const { id } = (await at.ask()).json;
      await at.act(id, "approve", "bob");
      await at.door.work();

      const wide = await at.act(id, "rebind", "alice", {
        allowedSourceAddressPrefix: "203.0.113.0/24",
      });
      const other = await at.act(id, "rebind", "alice", {
        allowedSourceAddressPrefix: "203.0.113.50",
      });
      await at.door.work();

      expect(wide.json.state).toBe("pending approval");
      expect(await at.state(other.json.id)).toBe("open");
      expect(at.allows().map(({ sources }) => sources)).toEqual([["203.0.113.50"]]);
    });

    it("ends with everything it was extended to when it is revoked by its first id", async () => {
      await at.protect();
      const id = await open();
      const { json } = await at.act(id, "extend", "alice", { duration: "PT2H" });
      await at.door.work();

      await at.act(id, "revoke", "alice");
      await at.door.work();

      expect(await at.state(json.id)).toBe("closed");
      expect(at.allows()).toEqual([]);
    });
  });
});
