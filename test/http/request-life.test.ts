import { beforeEach, describe, expect, it } from "@jest/globals";
import { vmId } from "../support/builders.ts";
import { type Person, paths } from "../support/front-door.ts";
import { approval, createRequestDoor, ref } from "../support/request-door.ts";

describe("a request", () => {
  let at: ReturnType<typeof createRequestDoor>;

  beforeEach(() => {
    at = createRequestDoor();
  });

  describe("in an emergency", () => {
    const breakGlass = { people: [ref("dan")], reviewWithin: "P1D" };
    const because = { breakGlass: true, justification: "shop is down, nobody answers" };

    it("opens at once for those whom the policy names, and waits for a review", async () => {
      await at.protect({ approval, breakGlass });

      const { json } = await at.ask(because, "dan");
      await at.door.work();

      expect(json).toMatchObject({ breakGlass: true, review: { state: "due" } });
      expect(await at.state(json.id)).toBe("open");
      expect((await at.facts("access.initiate"))[0]).toMatchObject({ breakGlass: true });
      const { json: waiting } = await at.door.call("GET", `${paths.requests}?awaiting=me`, {
        as: "bob",
      });
      expect(waiting.value.map(({ id }: { id: string }) => id)).toEqual([json.id]);
    });

    it("is reviewed by an approver, never by the one who opened it", async () => {
      await at.protect({ approval, breakGlass });
      const { id } = (await at.ask(because, "dan")).json;
      await at.door.work();

      const own = await at.act(id, "review", "dan");
      const { json } = await at.act(id, "review", "bob", { comment: "was right" });

      expect([own.status, own.json.error.code]).toEqual([403, "SelfApproval"]);
      expect(json.review).toMatchObject({ state: "reviewed", comment: "was right" });
      expect(await at.facts("access.review")).toHaveLength(2);
    });

    it("is refused to others, and without a reason", async () => {
      await at.protect({ approval, breakGlass });

      const [other, silent] = [
        await at.ask(because, "alice"),
        await at.ask({ breakGlass: true }, "dan"),
      ];

      expect([other.status, other.json.error.code]).toEqual([403, "BreakGlassNotAllowed"]);
      expect([silent.status, silent.json.error.code]).toEqual([400, "JustificationRequired"]);
    });
  });

  describe("asked for twice", () => {
    it("with the same key opens once, and a key for something else is refused", async () => {
      await at.protect();
      const key = { "idempotency-key": "deploy-4711" };

      const [one, two] = await Promise.all([at.ask({}, "alice", key), at.ask({}, "alice", key)]);
      const other = await at.ask({ justification: "another" }, "alice", key);
      const dans = await at.ask({}, "dan", key);
      await at.door.work();

      expect(two.json.id).toBe(one.json.id);
      expect([other.status, other.json.error.code]).toEqual([409, "IdempotencyKeyReused"]);
      expect(dans.json.id).not.toBe(one.json.id);
      const asked = (await at.facts("access.initiate")).filter(
        ({ outcome }) => outcome === "asked",
      );
      expect(new Set(asked.map(({ requestId }) => requestId))).toEqual(
        new Set([one.json.id, dans.json.id]),
      );
      expect(asked).toHaveLength(2);
    });

    it("with the id that an SDK gives each call is the same only while it asks for the same", async () => {
      await at.protect();
      const header = { "x-ms-client-request-id": "8d0a2f3e-0000-4000-8000-000000000001" };

      const [one, two] = [await at.ask({}, "alice", header), await at.ask({}, "alice", header)];
      const other = await at.ask({ justification: "another" }, "alice", header);
      await at.minutes(61);
      const later = await at.ask({}, "alice", header);

      expect(two.json.id).toBe(one.json.id);
      expect(other.json.id).not.toBe(one.json.id);
      expect(later.json.id).not.toBe(one.json.id);
    });
  });

  describe("in lists", () => {
    const ids = (reply: { json: { value: { id: string }[] } }) =>
      reply.json.value.map(({ id }) => id);

    it("is found by its requestor, VM, policy, subscription and state, by those who may see it", async () => {
      await at.protect();
      const hers = (await at.ask()).json.id as string;
      await at.door.work();
      await at.world.clock.advance(1_000);
      const his = (await at.ask({}, "dan")).json.id as string;
      const list = (query: string, as: Person) =>
        at.door.call("GET", `${paths.requests}?${query}`, { as });
      const vm = encodeURIComponent(vmId("WEB-1"));

      expect(ids(await list("", "alice"))).toEqual([hers]);
      expect(ids(await list(`vm=${vm}`, "rita"))).toEqual([his, hers]);
      expect(ids(await list(`vm=${vm}&requestor=me`, "dan"))).toEqual([his]);
      expect(ids(await list(`vm=${vm}&state=open`, "rita"))).toEqual([hers]);
      expect(ids(await list(`vm=${vm}`, "eve"))).toEqual([]);
      expect((await list(`vm=${vm}&awaiting=me`, "rita")).json.error.code).toBe("InvalidQuery");
    });

    it("comes in pages, newest first", async () => {
      await at.protect();
      const asked: string[] = [];
      for (let count = 0; count < 5; count += 1) {
        asked.unshift((await at.ask()).json.id as string);
        await at.world.clock.advance(1_000);
      }
      const seen: string[] = [];
      let next: string | undefined = `${paths.requests}?top=2`;
      while (next !== undefined) {
        const page: Awaited<ReturnType<typeof at.door.call>> = await at.door.call("GET", next, {
          as: "alice",
        });
        seen.push(...ids(page));
        next = page.json.nextLink;
      }

      expect(seen).toEqual(asked);
    });
  });
});
