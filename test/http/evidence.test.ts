import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Evidence } from "../../src/activity/evidence-document.ts";
import { aFact, afterNoon, subscriptionId, vmId } from "../support/builders.ts";
import { type Person, paths } from "../support/front-door.ts";
import { approval, createRequestDoor, ref } from "../support/request-door.ts";
import { nsgs } from "../support/world.ts";

describe("the evidence of a request", () => {
  let at: ReturnType<typeof createRequestDoor>;

  beforeEach(() => {
    at = createRequestDoor();
  });

  const read = (id: string, as: Person = "olivia", query = "", headers = {}) =>
    at.door.call("GET", `${paths.evidence(id)}${query}`, { as, headers });
  const evidence = async (id: string, as: Person = "olivia"): Promise<Evidence> =>
    (await read(id, as)).json;

  /** Asked at noon, approved at 12:05, extended and approved at 12:15, revoked at 12:25. */
  async function wholeLife() {
    await at.protect({ approval });
    const older: string = (await at.ask({ justification: "INC-4711" })).json.id;
    await at.minutes(5);
    await at.act(older, "approve", "rita", { comment: "go ahead" });
    await at.door.work();
    await at.minutes(10);
    const newer: string = (await at.act(older, "extend", "alice", { duration: "PT2H" })).json.id;
    await at.act(newer, "approve", "bob");
    await at.door.work();
    await at.minutes(10);
    await at.act(newer, "revoke", "alice", { comment: "done" });
    await at.door.work();
    return { older, newer };
  }

  describe("that was asked for, approved, opened, extended and revoked", () => {
    it("tells the older request's story until the newer one took its place", async () => {
      const { older, newer } = await wholeLife();

      const told = await evidence(older);

      expect(told.request).toMatchObject({
        state: "closed",
        requestor: { name: "alice@contoso.example", origin: { address: "203.0.113.7" } },
        justification: "INC-4711",
        createdAt: afterNoon(0),
        approval: { needed: 1, given: 1 },
      });
      expect(told.decisions).toMatchObject([
        {
          kind: "approve",
          at: afterNoon(300),
          comment: "go ahead",
          by: { name: "rita@contoso.example" },
        },
      ]);
      expect(told.windows).toMatchObject([
        {
          vmId: vmId("web-1"),
          port: 22,
          sources: ["203.0.113.7"],
          endReason: "NewerRequestInitiated",
          exposure: { proven: { minutes: 10 }, possible: { minutes: 10 } },
        },
      ]);
      expect(told.followedBy).toEqual([
        { requestId: newer, evidence: `/api/requests/${newer}/evidence` },
      ]);
      expect(told.policy).toMatchObject({ known: "unchanged", terms: { accessRules: {} } });
    });

    it("tells the newer one's to its early end, with the proof of every gate", async () => {
      const { older, newer } = await wholeLife();

      const told = await evidence(newer);

      expect(told.follows).toMatchObject({ requestId: older, as: "extension" });
      expect(told.decisions.map(({ kind, by }) => [kind, by?.name])).toEqual([
        ["approve", "bob@contoso.example"],
        ["revoke", "alice@contoso.example"],
      ]);
      const [window] = told.windows;
      expect(window).toMatchObject({
        openedAt: afterNoon(900),
        closedAt: afterNoon(1_500),
        endReason: "UserRequested",
      });
      expect(
        window?.gates.map(({ id, opened, closed }) => [id, opened.proven, closed.proven]),
      ).toEqual([nsgs.subnet, nsgs.card].map((id) => [id, true, true]));
      expect(told.minutes).toMatchObject({ proven: 10 });
      expect(told.asOf).toBe(afterNoon(1_500));
    });

    it("uses only what the audit tells, and says where each fact stands", async () => {
      const { newer } = await wholeLife();
      const { items: all } = await at.world.activity.list({
        of: { subscriptionId },
        from: new Date(0),
        to: at.world.clock.now(),
        top: 1_000,
      });

      const told = await evidence(newer);

      const ids = told.facts.map(({ id }) => id);
      const ofRequest = all.filter(({ requestId }) => requestId === newer).map(({ id }) => id);
      expect(ids).toEqual(expect.arrayContaining(ofRequest));
      expect(all.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
      expect(told.facts.every(({ position }) => position.hash.length === 64)).toBe(true);
      expect(told).toMatchObject({ complete: true, missing: [] });
      expect(
        told.windows[0]?.gates.map(({ writes }) => writes.map(({ outcome }) => outcome)),
      ).toEqual([nsgs.subnet, nsgs.card].map(() => ["asked", "done", "asked", "done"]));
    });

    it("stays the same text for ever, whose digest is told with it, as JSON and as Markdown", async () => {
      const { newer } = await wholeLife();

      const json = await read(newer);
      await at.minutes(100_000);
      const again = await read(newer, "olivia", "?format=json");
      const markdown = await read(newer, "olivia", "", { accept: "text/markdown" });

      const digest = createHash("sha256").update(json.text).digest("hex");
      expect(again.text).toBe(json.text);
      expect(
        [json, again, markdown].map(({ headers }) => headers.get("x-jit-evidence-sha256")),
      ).toEqual([digest, digest, digest]);
      expect(markdown.text).toContain(digest);
    });
  });

  it("of an open request goes on until now", async () => {
    await at.protect();
    const { id } = (await at.ask()).json;
    await at.door.work();
    await at.minutes(12);

    const told = await evidence(id);

    expect(told).toMatchObject({ asOf: afterNoon(720), minutes: { proven: 12, possible: 12 } });
    expect(told.windows[0]?.exposure.proven).not.toHaveProperty("to");
  });

  it("is complete where the clock of whoever took the request was ahead of the one that opened it", async () => {
    await at.protect();
    const { id } = (await at.ask()).json;
    await at.world.requests.change(id, (request) => ({ ...request, createdAt: afterNoon(10) }));
    await at.door.work();
    await at.minutes(1);

    const told = await evidence(id);

    expect(told).toMatchObject({ complete: true, missing: [] });
    expect(told.windows[0]?.gates.map(({ writes }) => writes.length)).toEqual([2, 2]);
  });

  it("tells what was put right while it was there, and nothing of what was before", async () => {
    await at.protect();
    const rule = "JitAccess-37a8ee-Deny-0123456789abcdef-v4";
    const repairAt = (seconds: number) =>
      aFact({
        id: `repair-${seconds}`,
        at: afterNoon(seconds),
        operation: "gate.repair",
        gates: [{ id: nsgs.card, rules: [rule] }],
        reasons: [{ code: "RuleMissing", message: "It was gone.", target: rule }],
      });
    await at.world.activity.record([repairAt(-600), repairAt(60)]);
    const { id } = (await at.ask()).json;
    await at.door.work();
    await at.minutes(2);

    const told = await evidence(id);

    expect(told.windows[0]?.repairs.map(({ fact }) => fact)).toEqual(["repair-60"]);
  });

  it("tells of an emergency, what it was reviewed as, and who was not let review it", async () => {
    await at.protect({ approval, breakGlass: { people: [ref("dan")], reviewWithin: "P1D" } });
    const because = { breakGlass: true, justification: "shop is down, nobody answers" };
    const { id } = (await at.ask(because, "dan")).json;
    await at.door.work();
    await at.act(id, "review", "dan");
    await at.act(id, "review", "bob", { comment: "was right" });

    const told = await evidence(id);

    expect(told.request.breakGlass).toMatchObject({
      reviewedBy: { name: "bob@contoso.example" },
      comment: "was right",
    });
    expect(told.refusals).toMatchObject([
      {
        operation: "access.review",
        actor: { name: "dan@contoso.example" },
        reasons: [{ code: "SelfApproval" }],
      },
    ]);
  });

  it("tells what the policy said then where it has been changed since", async () => {
    await at.protect({ approval });
    const { id } = (await at.ask()).json;
    await at.minutes(60);
    await at.protect({ approval: { ...approval, approvalsNeeded: 2 } });

    const told = await evidence(id);

    expect(told.policy).toMatchObject({ known: "changed since", changedAt: afterNoon(0) });
    expect(told.policy.changes).toContainEqual({ path: "approval.approvalsNeeded", after: "1" });
    expect(JSON.stringify(told.policy)).not.toContain('"2"');
  });

  it("tells the last change of the machine's terms where that version changed only its rules", async () => {
    await at.protect();
    await at.minutes(60);
    await at.protect({ approval });
    const { id } = (await at.ask()).json;
    await at.minutes(60);
    await at.protect({ justification: { required: true } });

    const told = await evidence(id);

    const paths = (told.policy.changes ?? []).map(({ vmId: of, path }) => `${of ?? ""} ${path}`);
    expect(told.policy).toMatchObject({ known: "changed since", changedAt: afterNoon(3_600) });
    expect(paths).toContain(" approval.approvalsNeeded");
    expect(paths).toContain(`${vmId("web-1")} ports[22]`);
    expect(paths.join()).not.toMatch(/justification|web-2/);
  });

  describe("is read", () => {
    it("by whoever may see the request, and does not exist for others", async () => {
      await at.protect({ approval });
      const { id } = (await at.ask()).json;
      const statuses = async (people: readonly Person[]) =>
        Promise.all(people.map(async (person) => (await read(id, person)).status));

      expect(await statuses(["olivia", "alice", "rita", "bob", "dan", "eve"])).toEqual([
        200, 200, 200, 200, 200, 404,
      ]);
      expect((await read(id, "eve")).json.error.code).toBe("ResourceNotFound");
      expect((await read("no-id")).status).toBe(404);
    });

    it("by an approver who may not read the machine without anybody's address, and without the policy", async () => {
      await at.protect({ approval });
      const { id } = (await at.ask()).json;
      await at.act(id, "approve", "bob");

      const told = await evidence(id, "bob");

      expect(told.request.requestor).not.toHaveProperty("origin");
      expect(told.decisions[0]?.by).toHaveProperty("origin");
      expect(told.policy).toMatchObject({ known: "not shown" });
      expect(told.policy).not.toHaveProperty("terms");
      expect(told.partial).toBe(true);
    });

    it("reduced to the machines that somebody may read", async () => {
      await at.protect();
      const ports = [{ number: 22, duration: "PT1H", allowedSourceAddressPrefix: "203.0.113.7" }];
      const virtualMachines = ["web-1", "web-2"].map((name) => ({ id: vmId(name), ports }));
      const { id } = (await at.ask({ virtualMachines }, "olivia")).json;
      await at.door.work();

      const told = await evidence(id, "dan");

      expect(told.windows).toHaveLength(1);
      expect(told.partial).toBe(true);
      expect(JSON.stringify(told)).not.toContain("web-2");
    });

    it.each([
      { accept: "text/markdown", is: "markdown" },
      { accept: "text/markdown;q=0.9, application/json;q=0.1", is: "markdown" },
      { accept: "application/json, text/markdown", is: "json" },
      { accept: "text/markdown;q=0", is: "json" },
      { accept: "*/*", is: "json" },
    ])("as $is for Accept: $accept", async ({ accept, is }) => {
      await at.protect();
      const { id } = (await at.ask()).json;

      const type = (await read(id, "olivia", "", { accept })).headers.get("content-type");

      expect(type).toContain(is);
    });

    it("never with a parameter that is not known", async () => {
      await at.protect();
      const { id } = (await at.ask()).json;

      expect((await read(id, "olivia", "?format=pdf")).json.error).toMatchObject({
        code: "InvalidQuery",
        target: "format",
      });
      expect((await read(id, "olivia", "?fromat=json")).json.error.target).toBe("fromat");
    });
  });
});
