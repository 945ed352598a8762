import { beforeEach, describe, expect, it } from "@jest/globals";
import { pendingFor, revoked } from "../../src/access/approval.ts";
import { requestState } from "../../src/access/life.ts";
import type { AccessRequest, Decision, Window } from "../../src/access/request.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { approval, approvedBy, bob, carol, groups, waits } from "../support/approvals.ts";
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

  it.each<{ kind: Decision["kind"]; windowState: Window["state"] }>([
    { kind: "approve", windowState: "failed" },
    { kind: "deny", windowState: "denied" },
    { kind: "expire", windowState: "expired unanswered" },
    { kind: "revoke", windowState: "closed" },
    { kind: "review", windowState: "closed" },
  ])("tells a decision to $kind that whoever stored it did not live to tell", async (told) => {
    const { kind, windowState } = told;
    // Nobody says that the time is up.
    const said = kind === "expire" ? {} : { by: bob, comment: "so be it" };
    const { by: _, ...decision } = decided(kind, 60);
    await world.request(
      anAccessRequest({
        windows: [aWindow({ state: windowState })],
        decisions: [
          { ...decided("approve", 0), isTold: true },
          { ...decision, ...said },
        ],
      }),
    );

    await run();
    await run();

    expect(await factsOf(`access.${kind}`)).toEqual([
      expect.objectContaining({
        at: afterNoon(60),
        ...("by" in said ? { comment: said.comment, actor: said.by } : {}),
        outcome: "done",
      }),
    ]);
    expect((await stored()).decisions?.every(({ isTold }) => isTold)).toBe(true);
    expect(await world.requests.live()).toEqual([]);
  });

  describe("that are to be opened", () => {
    it("starts those that nobody started, seconds after they could be", async () => {
      await world.protect();
      await world.request(anAccessRequest({ windows: [anHour, aWindow({ port: 3389 })] }));

      await at(4);
      await run();
      const before = [...world.started];
      await at(5);
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

      await at(3_004);
      await run();
      const before = [...world.started];
      await at(3_005);
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

    it("closes what was never open and whose closing was cut off, when nobody opens it any more", async () => {
      await world.protect();
      const { latestEnd: _, ...cutOff } = aWindow({ durationSeconds: 3_600, state: "closing" });
      await world.request(anAccessRequest({ windows: [cutOff] }));

      await at(1_199);
      await run();
      const before = await state();
      await at(1_200);
      await run();

      expect([before, await state()]).toEqual(["closing", "failed"]);
      expect(await world.requests.live()).toEqual([]);
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
