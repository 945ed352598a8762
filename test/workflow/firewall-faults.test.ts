import { describe, expect, it } from "@jest/globals";
import { aWindow, requestId } from "../support/builders.ts";
import { createEngine } from "../support/durable-engine.ts";
import { createFirewallWorld, edge, firewalls, spoke } from "../support/firewall-world.ts";
import { allowedFor } from "../support/reigns.ts";

describe("try", () => {
  it.each([["classic", edge], ["policy", spoke]] as const)("%s", async (kind, vm) => {
    const t0 = Date.now();
    const world = await createFirewallWorld();
    const engine = createEngine(world);
    const asked = world.clock.now().getTime();
    await world.ask([aWindow({ vmId: vm, closesAt: new Date(asked + 1_800_000).toISOString() })]);
    engine.start(requestId);
    await world.clock.runUntil(() => engine.running().length === 0);
    const reigns = allowedFor(world, firewalls[kind], requestId);
    console.log(kind, engine.faults.calls.length, Date.now() - t0, reigns.map((r) => [r.name, (r.from - asked) / 1000, (r.to - asked) / 1000]), world.network.updates.length, (world.clock.now().getTime()-asked)/1000);
    console.log((await world.facts()).map(f => `${f.at} ${f.operation} ${f.outcome}`).join("\n"));
    expect(1).toBe(1);
  });
});
