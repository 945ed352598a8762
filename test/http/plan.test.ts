import { beforeEach, describe, expect, it } from "@jest/globals";
import { aRule, vmId } from "../support/builders.ts";
import { createFrontDoor, paths } from "../support/front-door.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const port = { number: 22, protocol: "TCP", allowedSourceAddressPrefix: "203.0.113.0/24" };
const policyOf = (vms: readonly string[], more: object = {}) => ({
  properties: {
    virtualMachines: vms.map((name) => ({
      id: vmId(name),
      ports: [{ ...port, maxRequestAccessDuration: "PT3H" }],
    })),
    ...more,
  },
});
const ask = (name = "web-1") => ({
  virtualMachines: [
    {
      id: vmId(name),
      ports: [{ number: 22, duration: "PT1H", allowedSourceAddressPrefix: "203.0.113.7" }],
    },
  ],
});

describe("planning", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(() => {
    world = createWorld();
    door = createFrontDoor(world);
  });

  const plan = (body: unknown, as?: "alice" | "rita" | "eve") =>
    door.call("POST", paths.plan(), { body, as });
  const everything = async () =>
    JSON.stringify([
      Object.values(nsgs).map((gateId) => world.network.rules(gateId)),
      await world.policiesStored(),
      await world.gates.known(),
      await world.facts(),
    ]);

  describe("a policy", () => {
    it("tells each rule that would be made, and who gets through before and after", async () => {
      const reply = await plan(policyOf(["web-2"]));

      expect(reply.status).toBe(200);
      expect(reply.json).toMatchObject({
        kind: "policy",
        wouldSucceed: true,
        gates: [
          {
            id: nsgs.subnet,
            changes: [
              {
                action: "create",
                current: null,
                planned: {
                  priority: 1001,
                  access: "Deny",
                  protocol: "*",
                  sourceAddressPrefixes: ["*"],
                  destinationAddressPrefixes: ["10.0.0.5"],
                  destinationPortRanges: ["22"],
                },
              },
            ],
          },
        ],
        access: [
          {
            vmId: vmId("web-2"),
            address: "10.0.0.5",
            port: 22,
            protocol: "TCP",
            source: "*",
            before: { access: "partly" },
            after: {
              access: "partly",
              gates: [{ rules: ["let-office-in", expect.stringMatching(/^JitAccess-.*-Deny-/)] }],
            },
          },
        ],
        findings: [{ code: "ExposedByCustomerRule", target: "let-office-in", vmId: vmId("web-2") }],
      });
    });

    it("tells what taking priority would change, and nothing is left exposed", async () => {
      const reply = await plan(policyOf(["web-2"], { takePriority: true }));

      expect(reply.json.gates[0].changes[0].planned.priority).toBe(300);
      expect(reply.json.access[0].after).toMatchObject({ access: "denied" });
      expect(reply.json.findings).toEqual([]);
    });

    it("tells that an address of a VM is covered by nothing", async () => {
      world.network.addMachine({
        id: vmId("web-2"),
        name: "web-2",
        location: "westeurope",
        addresses: [
          { address: "10.0.0.5", family: 4, networkInterfaceId: "nic-1", gates: [nsgs.subnet] },
          { address: "10.0.9.5", family: 4, networkInterfaceId: "nic-2", gates: [] },
        ],
      });

      const reply = await plan(policyOf(["web-2"]));

      expect(reply.json.findings).toContainEqual(
        expect.objectContaining({ code: "UnprotectedPath", target: "nic-2" }),
      );
      expect(reply.json.access[1]).toMatchObject({
        address: "10.0.9.5",
        after: { access: "allowed", isCovered: false, gates: [] },
      });
    });

    it("tells what would go when a VM is dropped", async () => {
      await world.protect({ virtualMachines: bothWebVms });

      const reply = await plan(policyOf(["web-2"]));

      expect(
        reply.json.gates.map((gate: { changes: readonly { action: string }[] }) =>
          gate.changes.map((change) => change.action),
        ),
      ).toEqual([["delete"], ["delete"]]);
    });

    it("says beforehand that a gate is full", async () => {
      const rules = Array.from({ length: 1_000 }, (_, index) =>
        aRule({ name: `r${index}`, priority: 1_000 + index }),
      );
      world.network.addGate(nsgs.subnet, rules);

      const reply = await plan(policyOf(["web-2"]));

      expect(reply.json.wouldSucceed).toBe(false);
      expect(reply.json.findings).toContainEqual(expect.objectContaining({ code: "GateFull" }));
    });
  });

  describe("a request", () => {
    beforeEach(() => world.protect({ virtualMachines: bothWebVms }));

    it("tells each gate's new rule, and that the door opens for the one who asks", async () => {
      const reply = await plan(ask(), "alice");

      expect(reply.json).toMatchObject({ kind: "request", wouldSucceed: true });
      expect(reply.json.gates).toHaveLength(2);
      for (const gate of reply.json.gates) {
        expect(gate.changes).toMatchObject([
          { action: "create", planned: { access: "Allow", priority: 100 } },
        ]);
      }
      expect(reply.json.access).toMatchObject([
        { source: "203.0.113.7", before: { access: "denied" }, after: { access: "allowed" } },
      ]);
    });

    it("names the rule that would win over ours", async () => {
      world.network.edit(nsgs.card, (rules) => [
        ...rules,
        aRule({ name: "lockdown", priority: 100, access: "Deny", destinationPorts: ["*"] }),
      ]);

      const reply = await plan(ask(), "alice");

      expect(reply.json).toMatchObject({
        wouldSucceed: false,
        access: [{ after: { access: "denied" } }],
      });
      expect(reply.json.findings).toContainEqual(
        expect.objectContaining({ code: "BlockedByCustomerRule", target: "lockdown" }),
      );
    });
  });

  it("tells exactly what a PUT then does, strays of nobody and leftovers of Defender included", async () => {
    await world.protect({ virtualMachines: bothWebVms });
    const [deny] = world.ours(nsgs.card);
    const stray = `JitAccess-37a8ee-Deny-${"a".repeat(16)}-v4`;
    world.network.edit(nsgs.card, (rules) => [
      ...rules,
      { ...aRule(deny), name: stray, priority: 2000 },
      aRule({
        name: `MicrosoftDefenderForCloud-JITRule-1-${"A".repeat(32)}`,
        description:
          "MDC JIT Network Access rule created by an initiation request for policy 'default' of VM 'web-1'.",
        priority: 2001,
        destinations: ["10.0.0.99"],
        destinationPorts: ["22"],
      }),
    ]);
    const before = new Map(
      [nsgs.subnet, nsgs.card].map((gate) => [gate, world.network.rules(gate)]),
    );
    const body = policyOf(["web-1"]);

    const told = await plan(body);
    await door.call("PUT", paths.policy(), { body });

    const planned = told.json.gates.flatMap(
      (gate: { id: string; changes: readonly { rule: string; action: string }[] }) =>
        gate.changes.map(({ rule, action }) => `${gate.id} ${action} ${rule}`),
    );
    const done = [...before].flatMap(([gate, rules]) => {
      const after = world.network.rules(gate).map(({ name }) => name);
      return rules
        .filter(({ name }) => !after.includes(name))
        .map(({ name }) => `${gate} delete ${name}`);
    });
    expect(planned.toSorted()).toEqual(done.toSorted());
    expect(planned).toHaveLength(2);
    expect(world.network.rules(nsgs.card).map(({ name }) => name)).toContain(stray);
  });

  it("changes nothing, stores nothing and audits nothing", async () => {
    await world.protect({ virtualMachines: bothWebVms });
    const before = await everything();

    await plan(policyOf(["web-1", "dual"], { takePriority: true }));
    await plan(ask(), "alice");

    expect(await everything()).toBe(before);
    expect(door.workflows.started).toEqual([]);
  });

  it.each([
    { case: "a policy by a reader", as: "rita", body: policyOf(["web-2"]), status: 403 },
    { case: "a request by nobody's friend", as: "eve", body: ask(), status: 403 },
    { case: "a VM Alice has no right on", as: "alice", body: ask("web-2"), status: 403 },
    { case: "a body that is neither", as: undefined, body: {}, status: 400 },
    { case: "a policy that is none", as: undefined, body: { properties: {} }, status: 400 },
    { case: "text", as: undefined, body: "not json", status: 400 },
  ] as const)("refuses $case as the real thing would", async ({ as, body, status }) => {
    await world.protect({ virtualMachines: bothWebVms });

    expect((await plan(body, as)).status).toBe(status);
  });
});
