import { beforeEach, describe, expect, it } from "@jest/globals";
import { leadOf } from "../../src/rules/update-time.ts";
import { aWindow, requestId } from "../support/builders.ts";
import {
  createFirewallWorld,
  edge,
  edgeNsg,
  type FirewallWorld,
  firewalls,
  publicAddress,
  spoke,
  updateMs,
} from "../support/firewall-world.ts";

const other = "5c1e2d3f-77bb-4a0c-9d21-1f2e3d4c5b6a";

describe("a VM behind a firewall", () => {
  let world: FirewallWorld;
  beforeEach(async () => {
    world = await createFirewallWorld();
  });

  const now = () => world.clock.now().getTime();
  const inMinutes = (minutes: number) => new Date(now() + minutes * 60_000).toISOString();
  const anEdgeWindow = (values: Parameters<typeof aWindow>[0] = {}) =>
    aWindow({ vmId: edge, closesAt: inMinutes(60), ...values });

  it("is held closed on the firewall once its update has ended, and the time that it took is known", async () => {
    const { updateTimes, desiredRevision, appliedRevision } = await world.record(firewalls.classic);

    expect(appliedRevision).toBe(desiredRevision);
    expect(world.inEffect(firewalls.classic, "network", "Deny")).toHaveLength(1);
    expect(updateTimes).toEqual([expect.any(Number)]);
    expect(updateTimes?.[0]).toBeGreaterThanOrEqual(updateMs);
    expect(updateTimes?.[0]).toBeLessThan(updateMs * 1.25);
  });

  it.each([
    { kind: "classic", vm: edge },
    { kind: "policy", vm: spoke },
  ] as const)(
    "is open when the update has ended, and shut when the window ends: $kind",
    async ({ kind, vm }) => {
      const before = JSON.stringify(world.network.firewallRules(firewalls[kind]));
      const asked = now();
      await world.ask([aWindow({ vmId: vm, closesAt: inMinutes(60) })]);

      await world.live(requestId, { until: asked + updateMs / 2 });
      const [opening] = await world.windows(requestId);
      await world.live(requestId, { until: asked + 2 * updateMs });
      const [open] = await world.windows(requestId);
      const [dnat] = world.inEffect(firewalls[kind], "dnat");
      await world.live(requestId);

      expect(opening).toMatchObject({ state: "opening", expectedAt: expect.any(String) });
      expect(Math.abs(Date.parse(opening?.expectedAt ?? "") - asked - updateMs)).toBeLessThan(
        30_000,
      );
      expect(open).toMatchObject({
        state: "open",
        entrance: { address: publicAddress[kind], port: Number(dnat?.destinationPorts[0]) },
      });
      const [closed] = await world.windows(requestId);
      expect(closed).toMatchObject({ state: "closed", endReason: "Expired" });
      expect(Date.parse(closed?.closedAt ?? "")).toBeLessThan(asked + 3_600_000 + 5_000);
      expect(world.inEffect(firewalls[kind])).toEqual([]);
      expect(JSON.stringify(world.network.firewallRules(firewalls[kind]))).toBe(before);
    },
  );

  it("lets the firewall's subnet through its own NSG, from which translated traffic arrives", async () => {
    await world.ask([anEdgeWindow()]);
    await world.live(requestId, { until: now() + 2 * updateMs });

    const [allow] = world.ours(edgeNsg).filter((rule) => rule.access === "Allow");
    expect(allow?.sources.toSorted()).toEqual(["10.20.0.0/26", "203.0.113.7"]);
  });

  it("never has a rule in effect on the firewall at or after the window's end", async () => {
    await world.ask([anEdgeWindow({ closesAt: inMinutes(30) })]);
    const end = Date.parse(inMinutes(30));

    await world.live(requestId, { until: end });

    expect(now()).toBeLessThanOrEqual(end + 1_000);
    expect(world.inEffect(firewalls.classic)).toEqual([]);
  });

  it("asked for by its length is open for that length, however long opening took, less the time that closing takes", async () => {
    world.network.beginForeignUpdate(firewalls.classic);
    const asked = now();
    await world.ask([anEdgeWindow({ durationSeconds: 1_800, closesAt: inMinutes(30) })]);

    await world.live(requestId);

    const [window] = await world.windows(requestId);
    const openedAt = Date.parse(window?.openedAt ?? "");
    expect(openedAt - asked).toBeGreaterThan(1.5 * updateMs);
    expect(Date.parse(window?.closesAt ?? "") - openedAt).toBe(1_800_000);
    expect(window?.state).toBe("closed");
  });

  it("takes everybody who asks while an update runs along with the next one", async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `${other.slice(0, -2)}${10 + index}`);
    const started = world.network.updates.length;
    const asked = now();
    for (const [index, id] of ids.entries()) {
      await world.ask(
        [anEdgeWindow({ id: `${id}-0-22`, sources: [`203.0.113.${index + 1}`] })],
        id,
      );
    }

    const lives = ids.map((id) => world.live(id, { until: asked + 2.5 * updateMs }));
    await world.clock.run(Promise.all(lives));

    expect(world.network.updates.length - started).toBeLessThanOrEqual(2);
    for (const id of ids) {
      expect((await world.windows(id))[0]?.state).toBe("open");
    }
  });

  it("is closed with the update of somebody else's window where another update would come too late", async () => {
    const lead = leadOf(await world.record(firewalls.classic));
    const end = now() + updateMs * 6;
    await world.ask([anEdgeWindow({ closesAt: new Date(end).toISOString() })]);
    await world.live(requestId, { until: end - 1.6 * lead });

    await world.ask([anEdgeWindow({ id: `${other}-0-22`, sources: ["203.0.113.8"] })], other);
    const both = [world.live(other, { until: end }), world.live(requestId, { until: end })];
    await world.clock.run(Promise.all(both));

    expect(now()).toBeLessThan(end + 2_000);
    expect(world.inEffect(firewalls.classic, "dnat").map(({ sources }) => sources)).toEqual([
      ["203.0.113.8"],
    ]);
  });

  it("is refused where the time asked for is less than the firewall takes to open and to close", async () => {
    await world.ask([anEdgeWindow({ closesAt: inMinutes(7) })]);

    await world.live(requestId);

    expect((await world.windows(requestId))[0]).toMatchObject({
      state: "failed",
      reasons: [expect.objectContaining({ code: "GateTooSlow" })],
    });
    expect(world.network.updates).toHaveLength(2);
  });

  it("says why it waits while the firewall does not take our update, and no longer once it is open", async () => {
    const detail = "AnotherOperationInProgress";
    const { write } = world.network;
    world.network.write = async (reading, changes) =>
      reading.gate.id === firewalls.classic
        ? { outcome: "changed", detail, retryAfterMs: 1_000 }
        : write(reading, changes);
    await world.ask([anEdgeWindow()]);

    await world.live(requestId, { until: now() + updateMs });
    const waiting = (await world.windows(requestId))[0];
    world.network.write = write;
    await world.live(requestId, { until: now() + 3 * updateMs });

    expect(waiting).toMatchObject({
      state: "opening",
      findings: [{ code: "GateBusy", message: expect.stringContaining(detail) }],
    });
    const [open] = await world.windows(requestId);
    expect(open?.state).toBe("open");
    expect((open?.findings ?? []).map(({ code }) => code)).not.toContain("GateBusy");
  });

  it("is opened by another try where an update came to nothing", async () => {
    world.network.failUpdates({
      outcome: "changed",
      detail: "InternalServerError",
      retryAfterMs: 1_000,
    });
    await world.ask([anEdgeWindow()]);

    await world.live(requestId, { until: now() + 3 * updateMs });

    expect((await world.windows(requestId))[0]?.state).toBe("open");
    expect(world.inEffect(firewalls.classic, "dnat")).toHaveLength(1);
  });

  it("fails, with Azure's words, where updates keep coming to nothing, and leaves nothing behind", async () => {
    const detail = "FirewallPolicyUpdateFailed";
    const failure = { outcome: "changed", detail, retryAfterMs: 1_000 } as const;
    world.network.failUpdates(failure, failure, failure);
    await world.ask([anEdgeWindow()]);

    await world.live(requestId);

    expect((await world.windows(requestId))[0]).toMatchObject({
      state: "failed",
      reasons: [expect.objectContaining({ code: "GateUpdateFailed" })],
    });
    expect(world.inEffect(firewalls.classic)).toEqual([]);
    expect(world.ours(edgeNsg).filter(({ access }) => access === "Allow")).toEqual([]);
  });

  it("is opened by the same update after the process died during it", async () => {
    await world.ask([anEdgeWindow()]);
    await world.live(requestId, { until: now() + 60_000 });

    // Another process, which knows nothing but what is stored.
    await world.live(requestId, { until: now() + 1.5 * updateMs });

    expect((await world.windows(requestId))[0]?.state).toBe("open");
    expect(world.network.updates.filter((id) => id === firewalls.classic)).toHaveLength(2);
  });

  it.each([
    ["Azure takes no write that goes by them", 0],
    ["the one update of its closing has failed", 1],
  ])(
    "is not told as closed by looks that are older than its opening, where %s",
    async (_, taken) => {
      const { readGate } = world.network;
      const old = await readGate(firewalls.classic);
      await world.ask([anEdgeWindow({ closesAt: inMinutes(20) })]);
      await world.live(requestId, { until: now() + 2 * updateMs });
      const updates = world.network.updates.length + taken;
      world.network.failUpdates({ outcome: "changed", detail: "Failed", retryAfterMs: 1_000 });
      world.network.readGate = async (id) =>
        id === firewalls.classic && world.network.updates.length >= updates ? old : readGate(id);

      await world.live(requestId, { until: now() + 20 * 60_000 });
      const [meanwhile] = await world.windows(requestId);
      const standing = world.inEffect(firewalls.classic, "dnat");
      world.network.readGate = readGate;
      await world.live(requestId);

      expect(standing).toHaveLength(1);
      expect(meanwhile?.state).toBe("closing");
      expect((await world.windows(requestId))[0]?.state).toBe("closed");
      expect(world.inEffect(firewalls.classic)).toEqual([]);
    },
  );

  it("keeps what a customer wrote between our look and our write", async () => {
    const mine = { name: "late", collection: "late", order: [301] } as const;
    await world.ask([anEdgeWindow()]);
    const started = world.network.write;
    world.network.write = async (reading, changes) => {
      world.network.write = started;
      world.network.editFirewall(firewalls.classic, (rules) => [
        ...rules,
        { ...(rules[0] as (typeof rules)[0]), ...mine },
      ]);
      return await started(reading, changes);
    };

    await world.live(requestId, { until: now() + 2 * updateMs });

    const names = world.network.rulesInEffect(firewalls.classic).map(({ name }) => name);
    expect(names).toContain("late");
    expect((await world.windows(requestId))[0]?.state).toBe("open");
  });

  it("is shut two updates after its end was asked for, at the latest", async () => {
    await world.ask([anEdgeWindow()]);
    await world.live(requestId, { until: now() + 2 * updateMs });
    const asked = now();
    await world.requests.change(requestId, (request) => ({
      ...request,
      windows: request.windows.map((window) => ({
        ...window,
        state: "closing",
        endReason: "UserRequested",
      })),
    }));

    await world.live(requestId);

    expect((await world.windows(requestId))[0]).toMatchObject({
      state: "closed",
      endReason: "UserRequested",
    });
    expect(now() - asked).toBeLessThan(1.2 * updateMs);
    expect((await world.facts()).filter(({ outcome }) => outcome === "failed")).toEqual([]);
  });

  it("is opened and shut all the same where Azure never tells that an update has ended", async () => {
    world.network.progress = async () => ({ outcome: "running", retryAfterMs: 10_000 });
    const end = Date.parse(inMinutes(60));
    await world.ask([anEdgeWindow()]);

    await world.live(requestId, { until: now() + 4 * updateMs });
    const [open] = await world.windows(requestId);
    await world.live(requestId);

    expect(open?.state).toBe("open");
    expect((await world.windows(requestId))[0]?.state).toBe("closed");
    expect(now() - end).toBeLessThan(2 * updateMs);
  });

  it("is open by no other way while its firewall is being updated, nor where that failed", async () => {
    const allows = () => world.ours(edgeNsg).filter(({ access }) => access === "Allow");
    const failure = { outcome: "changed", detail: "no", retryAfterMs: 1_000 } as const;
    world.network.failUpdates(failure, failure, failure);
    await world.ask([anEdgeWindow()]);
    const moments: number[] = [];

    for (let minutes = 1; minutes <= 30; minutes += 1) {
      await world.live(requestId, { until: now() + 60_000 });
      moments.push(allows().length);
    }

    expect((await world.windows(requestId))[0]?.state).toBe("failed");
    expect(moments.every((count) => count === 0)).toBe(true);
  });

  it("does not let its firewall's subnet in where everybody who was asked for comes from inside", async () => {
    await world.ask([anEdgeWindow({ sources: ["10.50.0.7"] })]);
    await world.live(requestId, { until: now() + 2 * updateMs });

    const [allow] = world.ours(edgeNsg).filter(({ access }) => access === "Allow");
    expect((await world.windows(requestId))[0]?.state).toBe("open");
    expect(allow?.sources).toEqual(["10.50.0.7"]);
  });
});
