import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { firewallPaths } from "./support/a-firewall.ts";
import { type Laboratory, openLaboratory } from "./support/running-cloud.ts";

let lab: Laboratory;
let cloud: Cloud;
let paths: ReturnType<typeof firewallPaths>;
beforeAll(async () => {
  lab = await openLaboratory();
  cloud = await lab.start({ behaviour: { pageSize: 1 } });
  paths = firewallPaths(lab.estate.subscriptionId);
});
afterAll(() => lab.dispose());

async function names(list: AsyncIterable<{ name?: string }>): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of list) found.push(name ?? "");
  return found;
}

const group = "rg-network";

describe("reading what belongs to firewalls with the real SDK client", () => {
  it("lists each type by subscription and by group, over several pages", async () => {
    const client = lab.network(cloud);

    expect(await names(client.azureFirewalls.listAll())).toEqual(["fw-edge", "fw-hub"]);
    expect(await names(client.azureFirewalls.list("rg-demo"))).toEqual([]);
    expect(await names(client.firewallPolicies.listAll())).toEqual(["fwp-corp", "fwp-hub"]);
    expect(await names(client.firewallPolicies.list(group))).toEqual(["fwp-corp", "fwp-hub"]);
    expect(await names(client.routeTables.listAll())).toEqual(["rt-edge", "rt-spoke"]);
    expect(await names(client.ipGroups.list())).toEqual(["ipg-offices"]);
    expect(await names(client.firewallPolicyRuleCollectionGroups.list(group, "fwp-hub"))).toEqual([
      "DefaultDnatRuleCollectionGroup",
      "DefaultNetworkRuleCollectionGroup",
    ]);
    expect(await names(client.virtualNetworkPeerings.list(group, "vnet-hub"))).toEqual([
      "hub-to-spoke",
    ]);
  });

  it("leads from a subnet by its route table and peering to the firewall and its public addresses", async () => {
    const client = lab.network(cloud);
    const subnet = await client.subnets.get(group, "vnet-spoke", "snet-spoke");
    const table = await client.routeTables.get(group, "rt-spoke");
    const peering = await client.virtualNetworkPeerings.get(group, "vnet-spoke", "spoke-to-hub");
    const hub = await client.virtualNetworks.get(group, "vnet-hub");
    const firewall = await client.azureFirewalls.get(group, "fw-hub");
    const address = await client.publicIPAddresses.get(group, "pip-fw-hub");
    const [configuration] = firewall.ipConfigurations ?? [];

    expect(subnet.routeTable?.id).toBe(table.id);
    expect(table.subnets?.map(({ id }) => id)).toEqual([subnet.id]);
    expect(table.routes).toMatchObject([
      { addressPrefix: "0.0.0.0/0", nextHopIpAddress: configuration?.privateIPAddress },
    ]);
    expect(peering).toMatchObject({ peeringState: "Connected", allowForwardedTraffic: true });
    expect(peering.remoteVirtualNetwork?.id).toBe(hub.id);
    expect(hub.virtualNetworkPeerings?.map(({ name }) => name)).toEqual(["hub-to-spoke"]);
    expect(hub.subnets?.[0]?.ipConfigurations?.map(({ id }) => id)).toEqual([configuration?.id]);
    expect(configuration?.id).toMatch(/fw-hub\/azureFirewallIpConfigurations\/ipconfig-1$/);
    expect(address.ipConfiguration?.id).toBe(configuration?.id);
  });

  it("leads from a policy to what is above, below and behind it", async () => {
    const client = lab.network(cloud);
    const corp = await client.firewallPolicies.get(group, "fwp-corp");
    const hub = await client.firewallPolicies.get(group, "fwp-hub");
    const ipGroup = await client.ipGroups.get(group, "ipg-offices");
    const firewall = await client.azureFirewalls.get(group, "fw-hub");

    expect(hub.basePolicy?.id).toBe(corp.id);
    expect(corp.childPolicies?.map(({ id }) => id)).toEqual([hub.id]);
    expect(hub.firewalls?.map(({ id }) => id)).toEqual([firewall.id]);
    expect(firewall.firewallPolicy?.id).toBe(hub.id);
    expect(hub.ruleCollectionGroups).toHaveLength(2);
    expect(ipGroup.firewallPolicies?.map(({ id }) => id)).toEqual([hub.id]);
    expect(ipGroup.firewalls).toEqual([]);
  });

  it("says which part of a path does not exist, and what cannot be done", async () => {
    const answers = [
      await lab.send(cloud, "GET", paths.firewall("none")),
      await lab.send(cloud, "GET", paths.group("none", "a")),
      await lab.send(cloud, "GET", paths.group("fwp-hub", "a")),
      await lab.send(cloud, "GET", paths.at("virtualNetworks/vnet-hub/virtualNetworkPeerings/a")),
      await lab.send(cloud, "DELETE", paths.edge),
      await lab.send(cloud, "PUT", paths.policy("fwp-hub"), { body: {} }),
    ];

    expect(answers.map(({ status, body }) => [status, body.error.code])).toEqual([
      [404, "ResourceNotFound"],
      [404, "ParentResourceNotFound"],
      [404, "NotFound"],
      [404, "NotFound"],
      [405, "MethodNotAllowed"],
      [405, "MethodNotAllowed"],
    ]);
  });
});
