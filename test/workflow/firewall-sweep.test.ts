import { beforeEach, describe, expect, it } from "@jest/globals";
import { healEveryGate } from "../../src/workflow/heal.ts";
import { aWindow, requestId } from "../support/builders.ts";
import { createEngine } from "../support/durable-engine.ts";
import { laterId } from "../support/firewall-story.ts";
import {
  createFirewallWorld,
  edge,
  type FirewallWorld,
  firewalls,
  spoke,
  updateMs,
} from "../support/firewall-world.ts";
import { allowedFor } from "../support/reigns.ts";

const minute = 60_000;
/** Until the sweep comes round, and sees the end of an update. */
const aRound = minute + 15_000;

describe("the sweep, where no orchestration is left", () => {
  let world: FirewallWorld;
  beforeEach(async () => {
    world = await createFirewallWorld();
  });

  const now = () => world.clock.now().getTime();
  const until = (id: string) =>
    Math.max(...allowedFor(world, firewalls.classic, id).map(({ to }) => to));

  it("takes a window off a firewall so early that it is shut a round after its end, at the latest", async () => {
    const end = now() + 40 * minute;
    await world.ask([aWindow({ vmId: edge, closesAt: new Date(end).toISOString() })]);
    await world.live(requestId, { until: now() + 2 * updateMs });

    const engine = createEngine(world);
    engine.startTimers("sweep");
    await world.clock.advance(end - now() + 10 * minute);

    expect(until(requestId)).toBeLessThanOrEqual(end + aRound);
    expect(until(requestId)).toBeGreaterThan(end - 3 * updateMs);
    expect((await world.windows(requestId))[0]).toMatchObject({ state: "closed" });
  });

  it("sees through what the look at every gate has begun, and so learns how long it took", async () => {
    const before = world.inEffect(firewalls.policy, "network", "Deny");
    world.network.editFirewall(firewalls.policy, (rules) =>
      rules.filter(({ name }) => !name.startsWith("JitAccess-")),
    );
    await world.clock.run(healEveryGate(world.start()));
    const engine = createEngine(world);
    engine.startTimers("sweep");
    const repaired = now();
    await world.clock.advance(updateMs + 2 * minute);

    expect(world.inEffect(firewalls.policy, "network", "Deny")).toEqual(before);
    const { updateTimes = [], operation } = await world.record(firewalls.policy);
    expect(operation).toBeUndefined();
    expect(Math.max(...updateTimes)).toBeLessThan(updateMs + aRound);
    const facts = (await world.facts()).filter(({ operation }) => operation === "gate.repair");
    expect(facts.map(({ outcome }) => outcome)).toEqual(["asked", "done"]);
    expect(Date.parse(facts[1]?.at ?? "")).toBeLessThan(repaired + updateMs + aRound);
  });

  it("tells that a window is closed whose place a newer one has taken, soon after it is", async () => {
    const closesAt = new Date(now() + 600 * minute).toISOString();
    await world.ask([aWindow({ vmId: spoke, closesAt })]);
    const engine = createEngine(world);
    engine.startTimers("sweep");
    engine.start(requestId);
    await world.clock.advance(10 * minute);
    await world.requests.create({
      id: laterId,
      policyId: (await world.requests.get(requestId))?.policyId ?? "",
      requestor: (await world.requests.get(requestId))?.requestor as never,
      createdAt: world.clock.now().toISOString(),
      windows: [aWindow({ id: `${laterId}-0-22`, vmId: spoke, closesAt })],
    });
    engine.start(laterId);
    await world.clock.advance(15 * minute);
    const [older] = await world.windows(requestId);
    expect(older).toMatchObject({ state: "closed", endReason: "NewerRequestInitiated" });
  });
});
