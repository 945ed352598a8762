import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Window } from "../../src/access/request.ts";
import { leadOf } from "../../src/rules/update-time.ts";
import { alice, anAccessRequest, aWindow, requestId } from "../support/builders.ts";
import { createEngine, type Engine } from "../support/durable-engine.ts";
import { laterId } from "../support/firewall-story.ts";
import { isLetIn } from "../support/firewall-verdict.ts";
import {
  createFirewallWorld,
  edge,
  edgeNsg,
  type FirewallWorld,
  firewalls,
  spoke,
  updateMs,
} from "../support/firewall-world.ts";
import { allowedFor, reignsOn } from "../support/reigns.ts";

const minute = 60_000;

describe("a window behind a firewall, in time", () => {
  let world: FirewallWorld;
  let engine: Engine;
  beforeEach(async () => {
    world = await createFirewallWorld();
    engine = createEngine(world);
  });

  const now = () => world.clock.now().getTime();
  const theEnd = () => world.clock.runUntil(() => engine.running().length === 0);
  const ask = async (id: string, values: Partial<Window>, isFollowing = false) => {
    await world.request(
      anAccessRequest({
        id,
        requestor: alice,
        createdAt: world.clock.now().toISOString(),
        windows: [aWindow({ id: `${id}-0-22`, ...values })],
        ...(isFollowing ? { follows: { requestId, as: "extension" } } : {}),
      }),
    );
    engine.start(id);
  };
  const later = (minutes: number) => new Date(now() + minutes * minute).toISOString();
  /** Somebody else updates the firewall without a moment between, for so long. */
  const block = (gateId: string, forMs: number) => {
    world.network.beginForeignUpdate(gateId);
    for (let at = updateMs; at < forMs; at += updateMs) {
      void world.clock.pause(at).then(() => world.network.beginForeignUpdate(gateId));
    }
  };
  const windowOf = async (id = requestId) => (await world.windows(id))[0] as Window;

  it.each([20, 45])(
    "asked for by its length is neither cut short nor written anew for ever, although others keep the firewall for %i minutes",
    async (blocked) => {
      block(firewalls.classic, blocked * minute);
      const started = world.network.updates.length;
      await ask(requestId, { vmId: edge, durationSeconds: 900, closesAt: later(15) });

      await theEnd();

      const { openedAt = "", closesAt, state, latestEnd = "" } = await windowOf();
      const [reign] = allowedFor(world, firewalls.classic, requestId);
      expect(state).toBe("closed");
      expect(Date.parse(closesAt) - Date.parse(openedAt)).toBe(900_000);
      expect(Date.parse(closesAt)).toBeLessThanOrEqual(Date.parse(latestEnd));
      expect(reign?.to).toBeLessThanOrEqual(Date.parse(closesAt));
      expect(reign?.to).toBeGreaterThan(Date.parse(closesAt) - 0.2 * updateMs);
      // To open and to close, and one where what the rules tell was no longer late enough.
      expect(world.network.updates.length - started).toBeLessThanOrEqual(3);
      expect(world.ours(edgeNsg).map(({ access }) => access)).toEqual(["Deny"]);
    },
  );

  it("asked for until a moment ends then, or fails with a reason, if others keep the firewall until it is too late", async () => {
    block(firewalls.policy, 30 * minute);
    const started = world.network.updates.length;
    await ask(requestId, { vmId: spoke, closesAt: later(35) });

    await theEnd();

    expect(await windowOf()).toMatchObject({ state: "failed", reasons: [{ code: "WindowOver" }] });
    expect(world.network.updates.length - started).toBe(0);
    expect(allowedFor(world, firewalls.policy, requestId)).toEqual([]);
  });

  it("is given up after an hour and more where others never let go of the firewall, and nothing is written", async () => {
    block(firewalls.policy, 80 * minute);
    const [asked, started] = [now(), world.network.updates.length];
    await ask(requestId, { vmId: spoke, closesAt: later(600) });

    await world.clock.runUntil(() => now() > asked + 59 * minute);
    const waiting = await windowOf();
    await theEnd();

    expect(waiting.state).toBe("opening");
    expect(await windowOf()).toMatchObject({
      state: "failed",
      reasons: [{ code: "NotSettledInTime" }],
    });
    expect(now() - asked).toBeLessThan(85 * minute);
    expect(world.network.updates).toHaveLength(started);
    expect((await world.record(firewalls.policy)).intent.windows).toEqual([]);
  });

  it.each([
    { kind: "classic" as const, vmId: edge, at: 12 },
    { kind: "policy" as const, vmId: spoke, at: 28 },
  ])(
    "extended lets its people in at every moment between, and by the same port ($kind, after $at of 40 minutes)",
    async ({ kind, vmId, at }) => {
      await ask(requestId, { vmId, closesAt: later(40) });
      await world.clock.advance(at * minute);
      const first = await windowOf();
      await ask(laterId, { vmId, closesAt: later(60) }, true);
      await theEnd();

      const [older, newer] = [await windowOf(), await windowOf(laterId)];
      const gateId = firewalls[kind];
      const from = Date.parse(older.openedAt ?? "");
      const to = Date.parse(newer.closesAt) - leadOf(await world.record(gateId));
      const reigns = reignsOn(world, gateId);
      const gaps: string[] = [];
      for (let moment = from; moment < to; moment += 1_000) {
        if (!isLetIn(reigns, newer, moment)) {
          gaps.push(new Date(moment).toISOString());
        }
      }
      expect(gaps).toEqual([]);
      const entrances = reigns
        .filter(({ rule }) => rule.kind === "dnat")
        .flatMap(({ rule }) => rule.destinationPorts);
      expect(new Set(entrances)).toEqual(new Set([String(first.entrance?.port)]));
      expect(newer.entrance).toEqual(first.entrance);
      expect(older).toMatchObject({ state: "closed" });
    },
  );

  it("shares an update with another that ends a little later, and is never in effect after its own end", async () => {
    await ask(requestId, { vmId: edge, closesAt: later(40) });
    await ask(laterId, { vmId: edge, sources: ["203.0.113.8"], closesAt: later(42) });

    await theEnd();

    for (const id of [requestId, laterId]) {
      const { closesAt, state } = await windowOf(id);
      expect(state).toBe("closed");
      for (const { to } of allowedFor(world, firewalls.classic, id)) {
        expect(to).toBeLessThanOrEqual(Date.parse(closesAt));
      }
    }
  });
});
