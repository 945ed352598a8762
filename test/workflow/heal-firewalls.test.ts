import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Machine } from "../../src/ports.ts";
import type { FirewallRule } from "../../src/rules/firewall.ts";
import { leadOf } from "../../src/rules/update-time.ts";
import { healEveryGate } from "../../src/workflow/heal.ts";
import { protect } from "../../src/workflow/protect.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { aPolicy, aVirtualMachine, aWindow, requestId } from "../support/builders.ts";
import { createFaults } from "../support/faults.ts";
import {
  createFirewallWorld,
  edge,
  type FirewallWorld,
  firewalls,
  publicAddress,
  spoke,
  updateMs,
} from "../support/firewall-world.ts";
import { createWorld } from "../support/world.ts";

const minute = 60_000;
const { classic, policy } = firewalls;
const isOurs = ({ name }: FirewallRule) => name.startsWith("JitAccess-");

describe("the look at every gate, of firewalls", () => {
  let world: FirewallWorld;
  beforeEach(async () => {
    world = await createFirewallWorld();
  });

  const now = () => world.clock.now().getTime();
  const inMinutes = (minutes: number) => new Date(now() + minutes * minute).toISOString();
  /** A look, and then the sweep every minute until the updates that it began are over. */
  const heal = async (
    updates = 1,
    one: { clock: FirewallWorld["clock"]; start: FirewallWorld["start"] } = world,
  ) => {
    await one.clock.run(healEveryGate(one.start()));
    for (let ms = 0; ms < updates * updateMs + minute; ms += minute) {
      await one.clock.advance(minute);
      await one.clock.run(sweep(one.start()));
    }
  };
  const repairs = async () =>
    (await world.facts())
      .filter((fact) => fact.operation === "gate.repair")
      .map((fact) => `${fact.outcome} ${fact.reasons?.map(({ code }) => code).join()}`);
  const ours = (gateId: string) => world.network.firewallRules(gateId).filter(isOurs);
  const theirs = (gateId: string) =>
    JSON.stringify(world.network.firewallRules(gateId).filter((rule) => !isOurs(rule)));
  const editOurs = (gateId: string, change: (rule: FirewallRule) => readonly FirewallRule[]) =>
    world.network.editFirewall(gateId, (rules) =>
      rules.flatMap((rule) => (isOurs(rule) ? change(rule) : [rule])),
    );
  const openWindow = async (vmId: string, minutes = 600) => {
    await world.ask([aWindow({ vmId, closesAt: inMinutes(minutes) })]);
    await world.live(requestId, { until: now() + 2 * updateMs });
    expect((await world.windows(requestId))[0]?.state).toBe("open");
  };

  it("touches nothing where all is well, also while a window is open", async () => {
    await openWindow(edge);
    const started = world.network.updates.length;
    const watched = createFaults();

    await world.clock.run(healEveryGate(world.start(watched)));

    expect(watched.calls.filter((call) => /write|settle|change/.test(call))).toEqual([]);
    expect(world.network.updates).toHaveLength(started);
    expect(await repairs()).toEqual([]);
  });

  it.each([
    { what: "removed", code: "RuleMissing", change: () => [] },
    {
      what: "edited",
      code: "RuleEdited",
      change: (rule: FirewallRule) => [{ ...rule, destinationPorts: ["1"] }],
    },
  ])(
    "puts a deny rule back that was $what, with one update, and tells the audit",
    async ({ code, change }) => {
      for (const gateId of [classic, policy]) {
        const before = ours(gateId);
        const customers = theirs(gateId);
        const started = world.network.updates.length;
        editOurs(gateId, change);

        await heal();

        expect(ours(gateId)).toEqual(before);
        expect(world.network.rulesInEffect(gateId).filter(isOurs)).toEqual(before);
        expect(theirs(gateId)).toBe(customers);
        expect(world.network.updates.length - started).toBe(1);
      }
      expect(await repairs()).toEqual([
        `asked ${code}`,
        `done ${code}`,
        `asked ${code}`,
        `done ${code}`,
      ]);
    },
  );

  it("moves deny rules back that were put where no window's rules can come before them", async () => {
    for (const gateId of [classic, policy]) {
      const [before] = ours(gateId);
      const customers = theirs(gateId);
      editOurs(gateId, (rule) => [{ ...rule, order: [...rule.order.slice(0, -1), 100] }]);

      await heal();

      const [deny] = world.inEffect(gateId, "network", "Deny");
      expect(deny).toEqual({ ...before, order: deny?.order });
      expect(deny?.order.at(-1)).toBeGreaterThan(100);
      expect(theirs(gateId)).toBe(customers);
    }
    await openWindow(edge);
    expect(await repairs()).toEqual(Array(2).fill(["asked RuleEdited", "done RuleEdited"]).flat());
  });

  it("tells once what it puts right, although the first update comes to nothing", async () => {
    const before = ours(policy);
    editOurs(policy, () => []);
    world.network.failUpdates({
      outcome: "changed",
      detail: "InternalServerError",
      retryAfterMs: 1_000,
    });

    await heal(3);

    expect(world.network.rulesInEffect(policy).filter(isOurs)).toEqual(before);
    expect(await repairs()).toEqual(["asked RuleMissing", "done RuleMissing"]);
    const ids = (await world.facts()).flatMap(({ id, operation, outcome }) =>
      operation === "gate.repair" ? [id.replace(outcome, "")] : [],
    );
    expect(new Set(ids).size).toBe(1);
  });

  it("puts a window's rules back that were dropped, and takes away what a stranger wrote in our name", async () => {
    await openWindow(edge);
    const before = ours(classic);
    editOurs(classic, (rule) =>
      rule.access === "Allow"
        ? rule.kind === "network"
          ? [{ ...rule, name: rule.name.replace("-0-22-", "-1-22-"), sources: ["*"] }]
          : []
        : [rule],
    );

    await heal();

    expect(ours(classic).toSorted(byName)).toEqual(before.toSorted(byName));
    expect(world.network.rulesInEffect(classic).filter(isOurs)).toHaveLength(before.length);
    const told = (await repairs()).join();
    expect(told).toContain("RuleMissing");
    expect(told).toContain("RuleUnexpected");
  });

  it("leaves rules of another deployment alone, and a deny rule that nobody here has proven", async () => {
    const [deny] = ours(policy) as [FirewallRule];
    const foreign = {
      ...deny,
      name: deny.name.replace("37a8ee", "123456"),
      access: "Allow" as const,
    };
    const stray = {
      ...deny,
      name: deny.name.replace(/Deny-[0-9a-f]{16}/, `Deny-${"a".repeat(16)}`),
    };
    const started = world.network.updates.length;
    world.network.editFirewall(policy, (rules) => [...rules, foreign, stray]);

    await heal();

    expect(world.network.firewallRules(policy)).toEqual(expect.arrayContaining([foreign, stray]));
    expect(world.network.updates).toHaveLength(started);
  });

  it("takes away by its told end, and no earlier, a rule of which storage knows nothing", async () => {
    await openWindow(edge, 60);
    const end = Date.parse((await world.windows(requestId))[0]?.closesAt ?? "");
    const lost = createWorld({ updateMs });
    lost.network.addFirewall({
      id: classic,
      kind: "classic",
      name: "fw-edge",
      rules: world.network.firewallRules(classic),
      groupPriorities: [],
      publicAddresses: [publicAddress.classic],
    });
    const denies = ours(classic).filter(({ access }) => access === "Deny");
    const lead = leadOf({ gateId: classic });
    const start = lost.clock.now().getTime();

    await lost.clock.advance(end - lead - minute - start);
    await heal(0, lost);
    const early = lost.network.firewallRules(classic);
    await lost.clock.advance(end - lead - lost.clock.now().getTime());
    await lost.clock.run(healEveryGate(lost.start()));
    await lost.clock.advance(end - lost.clock.now().getTime());
    await lost.clock.run(sweep(lost.start()));

    expect(early).toEqual(world.network.firewallRules(classic));
    expect(lost.network.rulesInEffect(classic).filter(isOurs)).toEqual(denies);
    expect(lost.network.rulesInEffect(classic).filter((rule) => !isOurs(rule))).toEqual(
      world.network.firewallRules(classic).filter((rule) => !isOurs(rule)),
    );
    const facts = (await lost.facts()).map(
      ({ operation, outcome, reasons }) => `${operation} ${outcome} ${reasons?.[0]?.code}`,
    );
    expect(new Set(facts)).toEqual(
      new Set(["gate.repair asked RuleOverdue", "gate.repair done RuleOverdue"]),
    );
  });

  it("takes away a deny rule whose update nobody saw the end of, once its policy is deleted", async () => {
    const fresh = createWorld({ updateMs });
    fresh.network.addFirewall({
      id: policy,
      kind: "policy",
      name: "fwp-hub",
      rules: [],
      groupPriorities: [],
      publicAddresses: [publicAddress.policy],
    });
    fresh.network.addMachine((await world.network.findMachine(spoke)) as Machine);
    await fresh.policies.put(
      aPolicy({ virtualMachines: [aVirtualMachine({ id: spoke })], state: "updating" }),
    );
    await fresh.clock.run(protect(fresh.start(), aPolicy().id));
    const stored = await fresh.policies.get(aPolicy().id);
    await fresh.policies.put({ ...(stored?.value ?? aPolicy()), state: "deleting" }, stored?.etag);

    await heal(3, fresh);

    expect(fresh.network.firewallRules(policy)).toEqual([]);
    expect(fresh.network.rulesInEffect(policy)).toEqual([]);
    expect(await fresh.policies.all()).toEqual([]);
  });
});

const byName = (one: FirewallRule, other: FirewallRule) => (one.name < other.name ? -1 : 1);
