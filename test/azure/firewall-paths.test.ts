import { describe, expect, it } from "@jest/globals";
import type { ArmAnswer, SendToArm } from "../../src/azure/arm-http.ts";
import { pathsOf } from "../../src/azure/firewall-paths.ts";
import { createReads } from "../../src/azure/resource-reads.ts";
import { ownGroupName } from "../../src/rules/owned.ts";
import { anOwner } from "../support/builders.ts";

const idOf = (type: string, name: string, subscription = "s") =>
  `/subscriptions/${subscription}/resourceGroups/rg/providers/Microsoft.Network/${type}/${name}`;
const routeTableId = idOf("routeTables", "rt");
const networkId = idOf("virtualNetworks", "spoke");
const hubId = idOf("virtualNetworks", "hub", "other");
const firewallId = idOf("azureFirewalls", "fw", "other");
const policyId = idOf("firewallPolicies", "p");

const routes = (...hops: readonly string[]) => ({
  properties: {
    routes: [
      ...hops.map((nextHopIpAddress) => ({
        properties: { nextHopType: "VirtualAppliance", nextHopIpAddress },
      })),
      { properties: { nextHopType: "Internet" } },
    ],
  },
});
const peering = (id: string, more: object = {}) => ({
  properties: { peeringState: "Connected", remoteVirtualNetwork: { id }, ...more },
});
const spaceOf = (...addressPrefixes: readonly string[]) => ({
  remoteAddressSpace: { addressPrefixes },
});
const virtualNetwork = (id: string, peerings: readonly object[], firewalls: readonly string[]) => ({
  id,
  properties: {
    subnets: [
      {
        id: `${id}/subnets/AzureFirewallSubnet`,
        properties: {
          addressPrefix: "10.30.0.0/26",
          ipConfigurations: firewalls.map((firewall) => ({
            id: `${firewall}/azureFirewallIpConfigurations/one`,
          })),
        },
      },
    ],
    virtualNetworkPeerings: peerings,
  },
});
const firewall = (more: object = {}, address = "10.30.0.4") => ({
  id: firewallId,
  properties: {
    ipConfigurations: [
      {
        properties: {
          privateIPAddress: address,
          publicIPAddress: { id: idOf("publicIPAddresses", "one") },
        },
      },
      { properties: { publicIPAddress: { id: idOf("publicIPAddresses", "six") } } },
      { properties: { publicIPAddress: { id: idOf("publicIPAddresses", "hidden") } } },
      { properties: { publicIPAddress: { id: idOf("publicIPAddresses", "two") } } },
    ],
    ...more,
  },
});

/** A spoke whose routes lead to a firewall in the hub, over a peering. */
const estate: Readonly<Record<string, object | 401 | 403>> = {
  [routeTableId]: routes("10.30.0.4"),
  [networkId]: virtualNetwork(networkId, [peering(hubId)], []),
  [hubId]: virtualNetwork(hubId, [], [firewallId]),
  [firewallId]: firewall(),
  [idOf("publicIPAddresses", "one")]: { properties: { ipAddress: "192.0.2.50" } },
  [idOf("publicIPAddresses", "six")]: { properties: { ipAddress: "2001:db8::1" } },
  [idOf("publicIPAddresses", "hidden")]: 403,
  [idOf("publicIPAddresses", "two")]: { properties: { ipAddress: "192.0.2.51" } },
};

async function find(changes: Readonly<Record<string, object | 401 | 403 | undefined>> = {}) {
  const asked: string[] = [];
  const send: SendToArm = async ({ url }) => {
    const id = decodeURIComponent(url.split("?")[0] ?? "");
    asked.push(id);
    const held = { ...estate, ...changes }[id];
    const status = typeof held === "number" ? held : held === undefined ? 404 : 200;
    const body = held === 401 ? { error: { code: "InvalidAuthenticationTokenTenant" } } : held;
    return { status, text: JSON.stringify(body), header: () => undefined } satisfies ArmAnswer;
  };
  const paths = await pathsOf({ networkId, routeTableId }, createReads(send), anOwner);
  return { ...paths, asked };
}

const path = {
  gateId: firewallId,
  firewallId,
  publicAddresses: ["192.0.2.50", "192.0.2.51"],
  subnets: ["10.30.0.0/26"],
};
const detour = (why: string, nextHop = "10.30.0.4") => ({
  firewalls: [],
  detours: [{ nextHop, why }],
});

describe("the firewalls in front of a subnet", () => {
  it("are found in a peered network, in another subscription too, with the public IPv4 addresses that can be read", async () => {
    expect(await find()).toMatchObject({ firewalls: [path], detours: [] });
  });

  it("are found in the subnet's own network", async () => {
    const own = virtualNetwork(networkId, [], [firewallId]);

    const found = await find({ [networkId]: own });

    expect(found).toMatchObject({ firewalls: [path], detours: [] });
    expect(found.asked).not.toContain(hubId);
  });

  it("are our group of a policy where the firewall has its rules from one", async () => {
    const found = await find({ [firewallId]: firewall({ firewallPolicy: { id: policyId } }) });

    expect(found.firewalls).toEqual([
      { ...path, gateId: `${policyId}/ruleCollectionGroups/${ownGroupName(anOwner)}` },
    ]);
  });

  it("are the same one, once, however many routes lead there", async () => {
    const found = await find({ [routeTableId]: routes("10.30.0.4", "10.30.0.4", "10.31.9.9") });

    expect(found).toMatchObject({
      firewalls: [path],
      detours: [{ nextHop: "10.31.9.9", why: "not a firewall" }],
    });
    expect(new Set(found.asked).size).toBe(found.asked.length);
  });

  it("are none, and nothing more is read, where no route leads through an appliance", async () => {
    expect(await find({ [routeTableId]: routes() })).toEqual({
      firewalls: [],
      detours: [],
      asked: [routeTableId],
    });
    expect((await find({ [routeTableId]: routes("2001:db8::4") })).asked).toEqual([routeTableId]);
    expect((await find({ [routeTableId]: undefined })).asked).toEqual([routeTableId]);
  });

  it("are looked for in no network that has another address space, or is not connected", async () => {
    const far = peering(hubId, spaceOf("10.40.0.0/16"));
    const gone = peering(hubId, { peeringState: "Disconnected" });

    const found = await find({ [networkId]: virtualNetwork(networkId, [far, gone], []) });

    expect(found).toMatchObject(detour("not a firewall"));
    expect(found.asked).toEqual([routeTableId, networkId]);
  });
});

describe("a next hop that cannot be managed", () => {
  it.each([
    [
      "not a firewall: an appliance in the hub",
      { [routeTableId]: routes("10.30.0.99") },
      detour("not a firewall", "10.30.0.99"),
    ],
    [
      "not a firewall: something else in a firewall's subnet",
      { [firewallId]: firewall({}, "10.30.0.5") },
      detour("not a firewall"),
    ],
    ["not readable: the peered network", { [hubId]: 403 }, detour("not readable")],
    [
      "not readable: the peered network is another tenant's",
      { [hubId]: 401 },
      detour("not readable"),
    ],
    ["not readable: it vanished or is hidden", { [hubId]: undefined }, detour("not readable")],
    ["not readable: the own network", { [networkId]: 403 }, detour("not readable")],
    ["not readable: the firewall", { [firewallId]: 403 }, detour("not readable")],
    [
      "not readable: the routes themselves",
      { [routeTableId]: 403 },
      detour("not readable", routeTableId),
    ],
    [
      "a virtual hub: its own network is peered",
      {
        [networkId]: virtualNetwork(
          networkId,
          [peering(idOf("virtualNetworks", "HV_hub_1234", "managed"), spaceOf("10.30.0.0/24"))],
          [],
        ),
      },
      detour("virtual hub"),
    ],
    [
      "a virtual hub: by the firewall's kind",
      { [firewallId]: firewall({ sku: { name: "AZFW_Hub" } }) },
      detour("virtual hub"),
    ],
  ] as const)("is told as %s", async (_case, changes, expected) => {
    expect(await find(changes)).toMatchObject(expected);
  });
});
