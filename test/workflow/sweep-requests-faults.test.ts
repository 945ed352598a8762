import { describe, expect, it } from "@jest/globals";
import { afterTime, pendingFor } from "../../src/access/approval.ts";
import { requestState } from "../../src/access/life.ts";
import type { AccessRequest, Decision } from "../../src/access/request.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { approvedBy, bob, escalating, waits } from "../support/approvals.ts";
import { afterNoon, anAccessRequest, aPort, aWindow } from "../support/builders.ts";
import { createFaults, faultKinds } from "../support/faults.ts";
import { createWorld, nsgs, type World } from "../support/world.ts";

const pending = (): AccessRequest =>
  pendingFor(anAccessRequest({ windows: [aWindow({ durationSeconds: 3_600 })] }), waits);
const decided = (kind: Decision["kind"], seconds: number): Decision => ({
  id: `${kind}-${seconds}`,
  kind,
  by: bob,
  at: afterNoon(seconds),
});

describe("a sweep of requests of which any one call goes wrong", () => {
  const ids = ["expired", "untold", "unstarted", "revoked", "escalated"] as const;

  /** One request of each kind that it has to do with. */
  async function manyLeft(): Promise<World> {
    const many = createWorld();
    await many.protect({
      ports: [aPort(), aPort({ number: 3389 })],
      accessRules: { approval: escalating },
    });
    const named = (id: string, request: AccessRequest) => ({
      ...request,
      id,
      windows: request.windows.map((window) => ({ ...window, id: `${id}-0-22` })),
    });
    const escalated = afterTime(pending(), escalating, new Date(afterNoon(3_600)));
    await many.request(named("expired", { ...escalated, id: "expired" }));
    await many.request(
      named(
        "untold",
        anAccessRequest({
          windows: [aWindow({ state: "denied" })],
          decisions: [decided("deny", 5)],
        }),
      ),
    );
    await many.request(named("escalated", pending()));
    const late = afterNoon(7_100);
    await many.request(
      named("unstarted", { ...anAccessRequest(approvedBy(bob)), createdAt: late }),
    );
    await many.request(
      named("revoked", {
        ...anAccessRequest(),
        createdAt: late,
        windows: [aWindow({ state: "closing", endReason: "UserRequested", gates: [nsgs.card] })],
        decisions: [{ ...decided("revoke", 7_100), isTold: true }],
      }),
    );
    await many.clock.advance(7_210_000);
    return many;
  }

  async function endOf(many: World) {
    const requests = await Promise.all(ids.map((id) => many.requests.get(id)));
    const facts = await many.facts();
    return {
      requests: requests.map((request) => ({
        id: request?.id,
        state: request && requestState(request),
        decisions: request?.decisions,
      })),
      facts: facts.map(({ id }) => id).toSorted(),
      started: [...new Set(many.started)],
      live: (await many.requests.live()).map(({ id }) => id).toSorted(),
    };
  }

  it.each(faultKinds)("ends the same when it %s, and the next sweep comes", async (kind) => {
    const watched = createFaults();
    const healthy = await manyLeft();
    await healthy.clock.run(sweep(healthy.start(watched)));
    const expected = await endOf(healthy);

    const different: string[] = [];
    for (let call = 1; call <= watched.calls.length; call += 1) {
      const many = await manyLeft();
      const faults = createFaults({ at: call, kind });
      const first = sweep(many.start(faults)).catch(() => undefined);
      await (kind.startsWith("dies")
        ? many.clock.runUntil(() => faults.hasStruck)
        : many.clock.run(first));
      await many.clock.run(sweep(many.start()));

      const end = await endOf(many);
      if (JSON.stringify(end) !== JSON.stringify(expected)) {
        different.push(`${call} ${watched.calls[call - 1]}: ${JSON.stringify(end)}`);
      }
    }

    expect(expected.requests.map((one) => one.state)).toEqual([
      "expired unanswered",
      "denied",
      "approved",
      "closed",
      "expired unanswered",
    ]);
    expect(expected.started).toEqual(["unstarted"]);
    expect(watched.calls.length).toBeGreaterThan(20);
    expect(different).toEqual([]);
  });
});
