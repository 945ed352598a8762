import { beforeEach, describe, expect, it } from "@jest/globals";
import { pendingFor, revoked } from "../../src/access/approval.ts";
import { requestState } from "../../src/access/life.ts";
import type { AccessRequest, Decision, Window } from "../../src/access/request.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import {
  approval,
  approvedBy,
  bob,
  carol,
  escalating,
  groups,
  waits,
} from "../support/approvals.ts";
import {
  afterNoon,
  alice,
  anAccessRequest,
  aPolicy,
  aWindow,
  noon,
  requestId,
} from "../support/builders.ts";
import { createWorld, nsgs, type World } from "../support/world.ts";

const vm = { requestId, vmIndex: 0 };
const anHour = aWindow({ durationSeconds: 3_600 });
const pending = (values: Partial<AccessRequest> = {}): AccessRequest =>
  pendingFor(anAccessRequest({ windows: [anHour], ...values }), waits);
const decided = (kind: Decision["kind"], seconds: number, by = bob): Decision => ({
  id: `${kind}-${seconds}`,
  kind,
  by,
  at: afterNoon(seconds),
});

describe("the sweep of requests", () => {
  let world: World;

  beforeEach(() => {
    world = createWorld();
    world.directory.join(groups.approvers, carol);
  });

  const run = (ports = world.start()) => world.clock.run(sweep(ports));
  const at = (seconds: number) =>
    world.clock.advance(noon.getTime() + seconds * 1_000 - world.clock.now().getTime());
  const stored = async () => (await world.requests.get(requestId)) ?? anAccessRequest();
  const state = async () => requestState(await stored());
  const factsOf = async (operation: string) =>
    (await world.facts()).filter((fact) => fact.operation === operation);
  const allows = () =>
    Object.values(nsgs)
      .flatMap((gateId) => world.ours(gateId))
      .filter((rule) => rule.access === "Allow");

  describe("that wait for an answer", () => {
    it("lets those expire that nobody answered, and tells it once", async () => {
      await world.protect({ accessRules: { approval } });
      await world.request(pending({ windows: [anHour, { ...anHour, id: "other", port: 3389 }] }));

      await at(3_599);
      await run();
      const before = await state();
      await at(3_600);
      await run();
      await run();

      expect([before, await state()]).toEqual(["pending approval", "expired unanswered"]);
      const told = await factsOf("access.expire");
      expect(told.map(({ at: moment, actor }) => [moment, actor])).toEqual([
        [afterNoon(3_600), undefined],
        [afterNoon(3_600), undefined],
      ]);
      expect(await world.requests.live()).toEqual([]);
      expect(world.started).toEqual([]);
    });

    it("puts them to the second circle where there is one, and lets them expire after that", async () => {
      await world.protect({ accessRules: { approval: escalating } });
      await world.request(pending());

      await at(3_700);
      await run();
      const escalated = await stored();
      await at(7_199);
      await run();
      const last = await state();
      await at(7_200);
      await run();

      expect(escalated.approval).toEqual({
        needed: 1,
        isEscalated: true,
        answerBy: afterNoon(7_200),
      });
      expect(escalated.decisions).toEqual([
        { id: `${requestId}-escalate`, kind: "escalate", at: afterNoon(3_600), isTold: true },
      ]);
      expect(await factsOf("access.escalate")).toHaveLength(1);
      expect([last, await state()]).toEqual(["pending approval", "expired unanswered"]);
    });

    it("tells in the first minutes that they were asked for, as whoever stored them may not have", async () => {
      await world.protect({ accessRules: { approval } });
      await world.request(pending());

      await at(59);
      await run();
      const before = await factsOf("access.initiate");
      await at(60);
      await run();
      await at(120);
      await run();

      expect(before).toEqual([]);
      expect(await factsOf("access.initiate")).toEqual([
        expect.objectContaining({
          at: afterNoon(0),
          outcome: "asked",
          actor: alice,
          awaits: {
            approvals: 1,
            answerBy: afterNoon(3_600),
            approvers: [bob.name, `group ${groups.approvers}`],
          },
        }),
      ]);
    });

    it("starts none of them", async () => {
      await world.protect({ accessRules: { approval } });
      await world.request(pending());
      await at(1_800);

      await run();

      expect(world.started).toEqual([]);
      expect(await state()).toBe("pending approval");
    });
  });

  it.each<{ kind: Decision["kind"]; windowState: Window["state"] }>([
    { kind: "approve", windowState: "failed" },
    { kind: "deny", windowState: "denied" },
    { kind: "expire", windowState: "expired unanswered" },
    { kind: "revoke", windowState: "closed" },
    { kind: "review", windowState: "closed" },
  ])("tells a decision to $kind that whoever stored it did not live to tell", async (told) => {
    const { kind, windowState } = told;
    await world.request(
      anAccessRequest({
        windows: [aWindow({ state: windowState })],
        decisions: [
          { ...decided("approve", 0), isTold: true },
          { ...decided(kind, 60), comment: "so be it" },
        ],
      }),
    );

    await run();
    await run();

    expect(await factsOf(`access.${kind}`)).toEqual([
      expect.objectContaining({
        at: afterNoon(60),
        comment: "so be it",
        actor: bob,
        outcome: "done",
      }),
    ]);
    expect((await stored()).decisions?.every(({ isTold }) => isTold)).toBe(true);
    expect(await world.requests.live()).toEqual([]);
  });

  describe("that are to be opened", () => {
    it("starts those that nobody started, a minute after they could be", async () => {
      await world.protect();
      await world.request(anAccessRequest({ windows: [anHour, aWindow({ port: 3389 })] }));

      await at(59);
      await run();
      const before = [...world.started];
      await at(60);
      await run();

      expect([before, world.started]).toEqual([[], [requestId]]);
      const traces = (await factsOf("access.initiate")).map(({ port, actor }) => [port, actor]);
      expect(traces.toSorted()).toEqual([
        [22, alice],
        [3389, alice],
      ]);
    });

    it("counts from the answer that they needed, not from when they were asked for", async () => {
      await world.protect({ accessRules: { approval } });
      const request = anAccessRequest(approvedBy());
      await world.request({
        ...request,
        decisions: [{ ...decided("approve", 3_000), isTold: true }],
      });

      await at(3_059);
      await run();
      const before = [...world.started];
      await at(3_060);
      await run();
      const started = [...world.started];
      await at(4_199);
      await run();
      const waiting = await state();
      await at(4_200);
      await run();

      expect([before, started]).toEqual([[], [requestId]]);
      // Twenty minutes after the answer nobody is going to open it any more.
      expect([waiting, await state()]).toEqual(["approved", "failed"]);
    });

    it("does not take the estimated end of one for its end that counts from when it is open", async () => {
      await world.protect();
      const short = aWindow({ durationSeconds: 60, closesAt: afterNoon(60) });
      await world.request(anAccessRequest({ windows: [short] }));

      await at(1_199);
      await run();
      const before = await state();
      await at(1_200);
      await run();

      expect([before, await state()]).toEqual(["opening", "failed"]);
    });

    it("starts nothing that is open, or was looked at after an emergency", async () => {
      await world.protect();
      await world.request(
        anAccessRequest({ isBreakGlass: true, review: { dueAt: afterNoon(86_400) } }),
      );
      await world.clock.run(openWindows(world.start(), vm));
      await at(600);
      await run();
      await at(3_630);
      await run();
      await at(90_000);
      await run();

      expect(world.started).toEqual([]);
      expect(await state()).toBe("closed");
      expect((await world.requests.live()).map(({ id }) => id)).toEqual([requestId]);
    });
  });

  describe("that are open", () => {
    const end = (seconds: number) =>
      world.requests.change(
        requestId,
        (current) => revoked(current, decided("revoke", seconds, alice)) ?? current,
      );

    it("closes those whose end was asked for and the word of it was lost, after half a minute", async () => {
      await world.protect();
      await world.request(anAccessRequest({ windows: [anHour] }));
      await world.clock.run(openWindows(world.start(), vm));
      await at(100);
      await end(100);

      await at(129);
      await run();
      const before = [await state(), allows().length];
      await at(130);
      await run();

      expect(before).toEqual(["closing", 2]);
      expect([await state(), allows().length]).toEqual(["closed", 0]);
      expect((await world.windows(requestId))[0]?.endReason).toBe("UserRequested");
      expect(await factsOf("access.revoke")).toHaveLength(1);
    });

    it("closes those that count from when they were open at their own end, although their rules tell another", async () => {
      await world.protect();
      await world.clock.advance(10_000);
      await world.request(anAccessRequest({ windows: [anHour] }));
      await world.clock.run(openWindows(world.start(), vm));
      const [window] = await world.windows(requestId);
      const seconds = (Date.parse(window?.closesAt ?? "") - noon.getTime()) / 1_000;

      await at(seconds - 1);
      await run();
      const before = allows().length;
      await at(seconds);
      await run();
      const atEnd = [allows().length, await state()];
      await at(seconds + 30);
      await run();

      expect([before, atEnd, await state()]).toEqual([2, [0, "open"], "closed"]);
    });
  });

  it("does not let one request keep it from another", async () => {
    await world.protect({ accessRules: { approval } });
    const stuck = "5c1e2d3f-77bb-4a0c-9d21-1f2e3d4c5b6a";
    await world.request({
      ...pending(),
      id: stuck,
      policyId: aPolicy({ name: "gone" }).id.replace(/default$/, "gone"),
    });
    await world.request(pending());
    await at(3_600);
    const process = world.start();
    const policies = {
      ...process.policies,
      get: async (id: string) => {
        if (id.endsWith("gone")) {
          throw new Error("storage is away");
        }
        return process.policies.get(id);
      },
    };

    await run({ ...process, policies });

    expect(await state()).toBe("expired unanswered");
    expect(world.logged).toContainEqual(
      expect.objectContaining({ event: "task.fault", message: "storage is away" }),
    );
  });
});
