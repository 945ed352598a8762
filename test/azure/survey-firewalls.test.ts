import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createNetwork } from "../../src/azure/network.ts";
import { anOwner } from "../support/builders.ts";
import {
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from "../support/scripted-server.ts";
import { createStaticCredential } from "../support/static-credential.ts";

const subscription = "5b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31";
const otherSubscription = "6b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31";
const resource = (type: string, name: string, properties: object, of = subscription) => ({
  id: `/subscriptions/${of}/resourceGroups/rg/providers/${type}/${name}`,
  name,
  location: "westeurope",
  properties,
});
const inNetwork = (type: string, name: string, properties: object, of?: string) =>
  resource(`Microsoft.Network/${type}`, name, properties, of);

const groupId = inNetwork("networkSecurityGroups", "one", {}).id;

/** Two VMs in a subnet that leads through a firewall of its own network, and two subnets that lead to a hub elsewhere. */
function estateOfFirewall(): readonly (ReturnType<typeof resource> & { readonly type: string })[] {
  const table = inNetwork("routeTables", "rt", {
    routes: [{ properties: { nextHopType: "VirtualAppliance", nextHopIpAddress: "10.0.0.4" } }],
  });
  const hubTable = inNetwork("routeTables", "rt-hub", {
    routes: [{ properties: { nextHopType: "VirtualAppliance", nextHopIpAddress: "10.9.0.4" } }],
  });
  const firewallId = inNetwork("azureFirewalls", "fw", {}).id;
  const networkId = inNetwork("virtualNetworks", "vnet", {}).id;
  const subnet = (name: string, properties: object) => ({
    id: `${networkId}/subnets/${name}`,
    properties,
  });
  const machines = ["vm-a", "vm-b"].map((name, index) => ({
    card: inNetwork("networkInterfaces", `nic-${name}`, {
      ipConfigurations: [
        {
          properties: {
            privateIPAddress: `10.0.1.${index + 4}`,
            subnet: { id: `${networkId}/subnets/work` },
          },
        },
      ],
    }),
    name,
  }));
  const typed = (type: string, one: ReturnType<typeof resource>) => ({ ...one, type });
  return [
    ...machines.flatMap(({ card, name }) => [
      typed("networkInterfaces", card),
      typed(
        "virtualMachines",
        resource("Microsoft.Compute/virtualMachines", name, {
          networkProfile: { networkInterfaces: [{ id: card.id }] },
        }),
      ),
    ]),
    typed("routeTables", table),
    typed("routeTables", hubTable),
    typed("networkSecurityGroups", inNetwork("networkSecurityGroups", "one", {})),
    typed(
      "virtualNetworks",
      inNetwork("virtualNetworks", "vnet", {
        subnets: [
          subnet("work", { networkSecurityGroup: { id: groupId }, routeTable: table }),
          subnet("far", { routeTable: hubTable }),
          subnet("further", { routeTable: hubTable }),
          subnet("AzureFirewallSubnet", {
            addressPrefix: "10.0.0.0/26",
            ipConfigurations: [{ id: `${firewallId}/azureFirewallIpConfigurations/one` }],
          }),
        ],
        virtualNetworkPeerings: [
          {
            properties: {
              peeringState: "Connected",
              remoteVirtualNetwork: {
                id: inNetwork("virtualNetworks", "hub", {}, otherSubscription).id,
              },
              remoteAddressSpace: { addressPrefixes: ["10.9.0.0/16"] },
            },
          },
        ],
      }),
    ),
    typed(
      "azureFirewalls",
      inNetwork("azureFirewalls", "fw", {
        ipConfigurations: [
          {
            properties: {
              privateIPAddress: "10.0.0.4",
              publicIPAddress: { id: inNetwork("publicIPAddresses", "pip", {}).id },
            },
          },
        ],
      }),
    ),
    typed("publicIPAddresses", inNetwork("publicIPAddresses", "pip", { ipAddress: "192.0.2.1" })),
  ];
}

/** Lists and single resources of that estate, but for what `unlike` answers. */
function answerEstate(unlike: (path: string) => ScriptedAnswer | undefined): void {
  const estate = estateOfFirewall();
  server.answer = ({ path }) => {
    const [, listed] = /\/providers\/Microsoft\.\w+\/(\w+)\?/.exec(path) ?? [];
    const value = estate.filter(({ type }) => type === listed);
    const one = estate.find(({ id }) => path.startsWith(`${id}?`));
    const usual: ScriptedAnswer =
      listed === undefined && one === undefined
        ? { status: 404 }
        : { status: 200, body: listed === undefined ? one : { value } };
    return unlike(path) ?? usual;
  };
}

let server: ScriptedServer;
let seen: number;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());
beforeEach(() => {
  seen = server.requests.length;
});

const connect = () =>
  createNetwork({
    credential: createStaticCredential("token"),
    endpoint: server.url,
    scope: "https://management.azure.com/.default",
    tlsOptions: { ca: server.ca },
    retryDelayMs: 1,
    pollMs: 1,
    owner: anOwner,
  });
const requests = () => server.requests.slice(seen);
const denied = { status: 403, body: { error: { code: "AuthorizationFailed", message: "no" } } };

describe("the survey of a subscription with a firewall", () => {
  it.each(["routeTables", "firewallPolicies", "azureFirewalls", "publicIPAddresses"])(
    "still tells of VMs and groups when %s may not be read: what hides is told as not readable",
    async (type) => {
      answerEstate((path) => (path.includes(`/${type}`) ? denied : undefined));

      const found = await connect().survey(subscription);

      const [machine] = [...(found?.machines.values() ?? [])];
      const address = machine?.addresses[0];
      expect(address?.gates).toContain(groupId);
      expect(address?.detours ?? []).toEqual(
        type === "routeTables" || type === "azureFirewalls"
          ? [expect.objectContaining({ why: "not readable" })]
          : [],
      );
    },
  );

  it("reads a hub in another subscription alone, and once for all VMs behind it", async () => {
    answerEstate(() => undefined);

    await connect().survey(subscription);

    const alone = requests().filter(({ path }) => path.includes(otherSubscription));
    expect(alone.map(({ path }) => path.split("?")[0]?.split("/").at(-1))).toEqual(["hub"]);
  });

  it("fails as a whole when a list of firewalls breaks off", async () => {
    answerEstate((path) => (path.includes("/azureFirewalls?") ? { status: 501 } : undefined));

    await expect(connect().survey(subscription)).rejects.toMatchObject({ status: 501 });
  });
});
