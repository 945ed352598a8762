import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Machine } from "../../src/ports.ts";
import type { FirewallRule } from "../../src/rules/firewall.ts";
import { leadOf } from "../../src/rules/update-time.ts";
import { healEveryGate } from "../../src/workflow/heal.ts";
import { sweep } from "../../src/workflow/sweep.ts";
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

const minute = 60_000;
const { classic, policy } = firewalls;
const isOurs = ({ name }: FirewallRule) => name.startsWith("JitAccess-");

describe("the look at every gate, behind firewalls", () => {
  let world: FirewallWorld;
  beforeEach(async () => {
    world = await createFirewallWorld();
  });

  const now = () => world.clock.now().getTime();
  const inMinutes = (minutes: number) => new Date(now() + minutes * minute).toISOString();
  /** A look, and then the sweep every minute until the updates that it began are over. */
  const heal = async (updates: number) => {
    await world.clock.run(healEveryGate(world.start()));
    for (let ms = 0; ms < updates * updateMs + minute; ms += minute) {
      await world.clock.advance(minute);
      await world.clock.run(sweep(world.start()));
    }
  };
  const ours = (gateId: string) => world.network.firewallRules(gateId).filter(isOurs);
  const openWindow = async (vmId: string, minutes = 600) => {
    await world.ask([aWindow({ vmId, closesAt: inMinutes(minutes) })]);
    await world.live(requestId, { until: now() + 2 * updateMs });
    expect((await world.windows(requestId))[0]?.state).toBe("open");
  };

  describe("where a VM is not where it was", () => {
    const moveEdge = async (to: Partial<Machine["addresses"][0]>) => {
      const machine = (await world.network.findMachine(edge)) as Machine;
      world.network.addMachine({
        ...machine,
        addresses: machine.addresses.map((address) => ({ ...address, ...to })),
      });
    };
    const behindHub = {
      gates: [policy],
      firewalls: [
        {
          gateId: policy,
          firewallId: "fw-spoke",
          publicAddresses: [publicAddress.policy],
          subnets: ["10.30.0.0/26"],
        },
      ],
    };

    it("lets deny rules and windows follow it from behind one firewall to another", async () => {
      await openWindow(edge);
      await moveEdge(behindHub);

      await heal(2);

      expect(ours(classic)).toEqual([]);
      expect(world.network.rulesInEffect(classic).filter(isOurs)).toEqual([]);
      expect(world.ours(edgeNsg)).toEqual([]);
      expect(world.inEffect(policy, "network", "Deny")).toHaveLength(2);
      expect(world.inEffect(policy, "dnat").map((rule) => rule.translatedAddress)).toEqual([
        "10.20.1.4",
      ]);
      expect(world.inEffect(policy, "network")).toHaveLength(1);
      const [window] = await world.windows(requestId);
      expect(window).toMatchObject({ state: "open" });
      expect(window?.gates).toContain(policy);

      // And it ends there in time.
      await world.live(requestId);
      expect(world.inEffect(policy)).toEqual([]);
      expect(now()).toBeLessThan(Date.parse(window?.closesAt ?? "") + 2_000);
    });

    it("leads people from the firewall's new public address", async () => {
      await openWindow(edge);
      await moveEdge({
        firewalls: [
          {
            gateId: classic,
            firewallId: "fw-edge",
            publicAddresses: ["192.0.2.99"],
            subnets: ["10.20.0.0/26"],
          },
        ],
      });

      await heal(2);

      expect(world.inEffect(classic, "dnat").map((rule) => rule.destinations)).toEqual([
        ["192.0.2.99"],
      ]);
    });

    it("takes everything of it off a firewall that its routes lead through no longer, and keeps its group closed", async () => {
      await openWindow(edge);
      await moveEdge({ gates: [edgeNsg], firewalls: [] });

      await heal(2);

      expect(ours(classic)).toEqual([]);
      expect(world.network.rulesInEffect(classic).filter(isOurs)).toEqual([]);
      expect(
        world
          .ours(edgeNsg)
          .map(({ access }) => access)
          .toSorted(),
      ).toEqual(["Allow", "Deny"]);
      expect(world.ours(edgeNsg).find(({ access }) => access === "Allow")?.sources).toEqual([
        "203.0.113.7",
      ]);
      expect((await world.windows(requestId))[0]?.state).toBe("open");
    });

    it("does not bring a window back that is near its end, and ends it in time", async () => {
      await openWindow(edge, 30);
      const end = Date.parse((await world.windows(requestId))[0]?.closesAt ?? "");
      const lead = leadOf(await world.record(classic));
      await world.live(requestId, { until: end - 0.9 * lead });
      const started = world.network.updates.length;
      await moveEdge({
        firewalls: [
          {
            gateId: classic,
            firewallId: "fw-edge",
            publicAddresses: ["192.0.2.99"],
            subnets: ["10.20.0.0/26"],
          },
        ],
      });

      await world.clock.run(healEveryGate(world.start()));
      await world.live(requestId);

      const followed = (await world.facts()).filter(
        ({ operation, windowId }) => operation === "gate.repair" && windowId !== undefined,
      );
      expect(followed).toEqual([]);
      expect(world.network.updates).toHaveLength(started);
      expect(now()).toBeLessThan(end + 2_000);
      expect(world.inEffect(classic)).toEqual([]);
    });
  });

  it("heals a firewall of another subscription than its VMs'", async () => {
    const hub = "6c0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f32";
    const gateId = policy.replace(/subscriptions\/[^/]+/, `subscriptions/${hub}`);
    world.network.addFirewall({
      id: gateId,
      kind: "policy",
      name: "fwp-hub",
      rules: [],
      groupPriorities: [],
      publicAddresses: ["192.0.2.60"],
    });
    const machine = (await world.network.findMachine(spoke)) as Machine;
    world.network.addMachine({
      ...machine,
      addresses: machine.addresses.map((address) => ({
        ...address,
        gates: [gateId],
        firewalls: [
          { gateId, firewallId: "fw", publicAddresses: ["192.0.2.60"], subnets: ["10.99.0.0/26"] },
        ],
      })),
    });
    await openWindow(edge);
    await heal(2);
    const followed = world.inEffect(gateId, "network", "Deny");
    world.network.editFirewall(gateId, () => []);

    await heal(2);

    expect(followed).toHaveLength(1);
    expect(world.inEffect(gateId, "network", "Deny")).toEqual(followed);
    expect(ours(policy)).toEqual([]);
  });
});
