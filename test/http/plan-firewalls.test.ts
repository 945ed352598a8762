import { beforeEach, describe, expect, it } from "@jest/globals";
import type { FirewallRule } from "../../src/rules/firewall.ts";
import { aFirewallRule, aRule } from "../support/builders.ts";
import { createFirewallDoor, type FirewallDoor } from "../support/firewall-door.ts";
import { edge, edgeNsg, firewalls, publicAddress, spoke } from "../support/firewall-world.ts";

/** A line of a plan's access. */
interface Row {
  readonly vmId: string;
  readonly through?: string;
  readonly publicIpAddress?: string;
  readonly mappedPort?: number;
  readonly before: { readonly access: string };
  readonly after: { readonly access: string; readonly gates: readonly { id: string }[] };
}

describe("a plan, of VMs behind firewalls", () => {
  let at: FirewallDoor;
  beforeEach(async () => {
    at = await createFirewallDoor();
  });

  const rowsOf = ({ json }: { readonly json: { readonly access: readonly Row[] } }) => json.access;
  const byFirewall = (rows: readonly Row[]) => rows.filter(({ through }) => through !== undefined);
  const edit = (rule: Partial<FirewallRule>) =>
    at.world.network.editFirewall(firewalls.classic, (rules) => [
      ...rules,
      aFirewallRule({ name: "theirs", collection: "theirs", order: [150], ...rule }),
    ]);

  it("of a request tells by which public address and port the door opens, and which rules open it", async () => {
    const plan = await at.planRequest();
    const [row, ...others] = byFirewall(rowsOf(plan));

    expect(plan.json).toMatchObject({ wouldSucceed: true, expectedAt: expect.any(String) });
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      vmId: edge,
      address: "10.20.1.4",
      port: 22,
      source: "203.0.113.7",
      through: expect.stringMatching(/azureFirewalls\/fw-edge$/),
      publicIpAddress: publicAddress.classic,
      mappedPort: expect.any(Number),
      before: { access: "denied" },
      after: {
        access: "allowed",
        gates: [
          {
            id: firewalls.classic,
            access: "allowed",
            rules: [expect.stringMatching(/Dnat/i), expect.stringMatching(/-Allow-/)],
          },
          { id: edgeNsg, access: "allowed", rules: [expect.stringMatching(/-Allow-/)] },
        ],
      },
    });
  });

  it("of a request tells the same port that the request then has", async () => {
    const [planned] = byFirewall(rowsOf(await at.planRequest()));
    const { id } = (await at.ask()).json;
    await at.world.live(id, { until: at.world.clock.now().getTime() + 600_000 });

    expect((await at.window(id)).mappedPort).toBe(planned?.mappedPort);
    const [again] = byFirewall(rowsOf(await at.planRequest()));
    expect(again).toMatchObject({ before: { access: "allowed" }, after: { access: "allowed" } });
  });

  it("of a request from inside tells of the VM's own address, and of no port of a public one", async () => {
    const rows = byFirewall(rowsOf(await at.planRequest({ from: "10.50.0.7" })));

    expect(rows).toMatchObject([{ before: { access: "denied" }, after: { access: "allowed" } }]);
    expect(rows[0]).not.toHaveProperty("mappedPort");
  });

  it("tells that the NSG behind the firewall stays shut, where a customer's rule keeps the firewall's subnet out", async () => {
    at.world.network.edit(edgeNsg, (rules) => [
      ...rules,
      aRule({
        name: "no-hub",
        priority: 100,
        access: "Deny",
        sources: ["10.20.0.0/16"],
        destinationPorts: ["*"],
      }),
    ]);

    const plan = await at.planRequest();

    expect(plan.json.wouldSucceed).toBe(false);
    expect(plan.json.findings).toContainEqual(
      expect.objectContaining({ code: "BlockedByCustomerRule", target: "no-hub" }),
    );
    expect(byFirewall(rowsOf(plan))).toMatchObject([{ after: { access: "denied" } }]);
  });

  it("does not know where an NSG lets a part of the firewall's subnet in", async () => {
    at.world.network.edit(edgeNsg, (rules) => [
      ...rules,
      aRule({
        name: "half-of-hub",
        priority: 250,
        sources: ["10.20.0.0/27"],
        destinationPorts: ["22"],
      }),
    ]);
    edit({
      kind: "dnat",
      sources: ["*"],
      destinations: [publicAddress.classic],
      destinationPorts: ["2222"],
      translatedAddress: "10.20.1.4",
      translatedPort: "22",
    });

    const [row] = byFirewall(rowsOf(await at.planRequest())).filter(
      ({ mappedPort }) => mappedPort === 2222,
    );

    expect(row?.before).toMatchObject({ access: "unknown" });
  });

  it("does not know of a customer's DNAT rule past a deny rule, on which Azure's descriptions differ", async () => {
    edit({
      kind: "dnat",
      sources: ["198.51.100.0/24"],
      destinations: [publicAddress.classic],
      destinationPorts: ["2222"],
      translatedAddress: "10.20.1.4",
      translatedPort: "22",
    });
    at.world.network.edit(edgeNsg, (rules) => [
      ...rules,
      aRule({
        name: "hub-in",
        priority: 250,
        sources: ["10.20.0.0/26"],
        destinationPorts: ["22"],
      }),
    ]);

    const rows = byFirewall(rowsOf(await at.planRequest({ from: "198.51.100.7" })));
    const theirs = rows.find(({ mappedPort }) => mappedPort === 2222);

    expect(theirs).toMatchObject({
      before: { access: "unknown", gates: [{ access: "unknown" }, { access: "allowed" }] },
      after: { access: "allowed" },
    });
  });

  it("of a policy tells that nobody comes through any more, whoever asks, also where only a firewall stands", async () => {
    const before = rowsOf(await at.planPolicy([5986]));
    const rows = before.filter((row) => (row as Row & { port: number }).port === 5986);

    expect(rows.map(({ vmId, through }) => [vmId, through !== undefined])).toEqual([
      [edge, false],
      [edge, true],
      [spoke, false],
      [spoke, true],
    ]);
    expect(byFirewall(rows)).toMatchObject([
      { vmId: edge, after: { access: "denied" } },
      { vmId: spoke, after: { access: "denied", gates: [{ id: firewalls.policy }] } },
    ]);
    // Past the firewall nothing holds it.
    expect(rows[2]).toMatchObject({ after: { access: "allowed", isCovered: false, gates: [] } });
  });

  it("tells of a firewall that is not there that nobody knows", async () => {
    at.world.network.removeGate(firewalls.policy);

    const rows = byFirewall(rowsOf(await at.planPolicy())).filter(({ vmId }) => vmId === spoke);

    expect(rows).not.toEqual([]);
    for (const row of rows) {
      expect(row.after).toMatchObject({ access: "unknown" });
    }
  });

  it("tells no more than 200 lines, and counts the rest", async () => {
    const more = Array.from({ length: 98 }, (_, index) => 40_000 + index);

    const { json } = await at.planPolicy(more);

    expect(json.access).toHaveLength(200);
    expect(json.accessNotListed).toBe(200);
  });
});
