import type { AzureFirewall, FirewallPolicyRuleCollectionGroup } from "@azure/arm-network";
import { restorePoller } from "@azure/arm-network";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { childrenOf } from "../../../local/cloud/network/references.ts";
import {
  firewallPaths,
  natCollection,
  natRule,
  policyNatCollection,
} from "./support/a-firewall.ts";
import { fastPolls, type Laboratory, openLaboratory } from "./support/running-cloud.ts";
import { soon } from "./support/soon.ts";

let lab: Laboratory;
let cloud: Cloud;
let paths: ReturnType<typeof firewallPaths>;
beforeAll(async () => {
  lab = await openLaboratory();
  cloud = await lab.start();
  paths = firewallPaths(lab.estate.subscriptionId);
});
afterAll(() => lab.dispose());

const group = "rg-network";

async function get(path: string) {
  return (await lab.send(cloud, "GET", path)).body;
}

/** Without what every write changes. */
function withoutEtags(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, inner) => (key === "etag" ? undefined : inner));
}

describe("writing a classic firewall", () => {
  it("leaves everything as it was when the JSON is sent back as it was read", async () => {
    const before = await get(paths.edge);
    cloud.faults.arm({ match: "PUT", kind: "operation-never-ends" });

    const put = await lab.send(cloud, "PUT", paths.edge, { body: before });
    const during = await get(paths.edge);
    cloud.faults.clear();
    await soon(async () =>
      expect((await get(paths.edge)).properties.provisioningState).toBe("Succeeded"),
    );
    const after = await get(paths.edge);

    expect(put.status).toBe(200);
    expect(put.headers["azure-asyncoperation"]).toContain(
      "/providers/Microsoft.Network/locations/westeurope/operations/",
    );
    expect(put.headers.location).toBeUndefined();
    expect(during.properties.provisioningState).toBe("Updating");
    expect(withoutEtags(after)).toEqual(withoutEtags(before));
    expect(new Set([before.etag, put.body.etag, after.etag]).size).toBe(3);
    expect(after.etag).toMatch(/^W\/"[-\da-f]{36}"$/);
    expect(after).toMatchObject({
      zones: ["1", "2", "3"],
      properties: { edgeInsights: { retentionDays: 30 }, threatIntelMode: "Alert" },
    });
  });

  it("drops what the caller leaves out, and ignores what only Azure may say", async () => {
    const own = await lab.start();
    const { tags: _tags, ...rest } = (await lab.send(own, "GET", paths.edge)).body;
    const {
      threatIntelMode: _mode,
      networkRuleCollections: _rules,
      ...properties
    } = rest.properties;
    properties.ipConfigurations[0].properties.privateIPAddress = "10.20.0.9";

    await lab.send(own, "PUT", paths.edge, { body: { ...rest, properties } });
    const { body: after } = await lab.send(own, "GET", paths.edge);

    expect(after.tags).toBeUndefined();
    expect(after.properties.threatIntelMode).toBeUndefined();
    expect(after.properties.networkRuleCollections).toEqual([]);
    expect(after.properties.ipConfigurations[0].properties.privateIPAddress).toBe("10.20.0.4");
  });

  it("works with the real SDK, whose poller can be put away and taken up again", async () => {
    const own = await lab.start();
    const client = lab.network(own);
    const { azureFirewalls } = client;
    const firewall = await azureFirewalls.get(group, "fw-edge");
    const changed: AzureFirewall = {
      ...firewall,
      natRuleCollections: [
        ...(firewall.natRuleCollections ?? []),
        { name: "ours", priority: 150, action: { type: "Dnat" }, rules: [natRule()] },
      ],
    };

    const poller = azureFirewalls.createOrUpdate(group, "fw-edge", changed, fastPolls);
    const saved = await poller.serialize();
    const restored = restorePoller(
      lab.network(own),
      saved,
      azureFirewalls.createOrUpdate,
      fastPolls,
    );
    const written = (await restored.pollUntilDone()) as AzureFirewall;

    expect(written.provisioningState).toBe("Succeeded");
    expect(written.natRuleCollections?.map(({ name }) => name)).toEqual(["publish-web", "ours"]);
    expect(own.requests.all().filter(({ method }) => method === "PUT")).toHaveLength(1);
  });

  it("makes one, which has the first free address of its subnet", async () => {
    const path = paths.firewall("fw-new");
    const { body: edge } = await lab.send(cloud, "GET", paths.edge);
    const { ipConfigurations, sku } = edge.properties;

    const put = await lab.send(cloud, "PUT", path, {
      body: { location: "West Europe", properties: { sku, ipConfigurations } },
    });

    expect(put.status).toBe(201);
    expect(put.body).toMatchObject({ name: "fw-new", location: "westeurope" });
    expect(put.body.properties.ipConfigurations[0].properties.privateIPAddress).toBe("10.20.0.4");
  });
});

describe("writing a rule collection group", () => {
  const body = { properties: { priority: 300, ruleCollections: [policyNatCollection()] } };

  it("makes, shows and deletes it, and all it reaches is Updating meanwhile", async () => {
    const own = await lab.start();
    const path = paths.group("fwp-hub", "ours");
    const states = async () =>
      Promise.all(
        [path, paths.policy("fwp-hub"), paths.hub, paths.policy("fwp-corp"), paths.edge].map(
          async (each) =>
            (await lab.send(own, "GET", each)).body.properties?.provisioningState ?? "absent",
        ),
      );

    own.faults.arm({ match: "PUT", kind: "operation-never-ends" });
    const put = await lab.send(own, "PUT", path, { body });
    const during = await states();
    own.faults.clear();
    await soon(async () => expect((await states())[0]).toBe("Succeeded"));
    const after = await states();
    const again = await lab.send(own, "PUT", path, { body });
    await soon(async () => expect((await states())[0]).toBe("Succeeded"));
    own.faults.arm({ match: "DELETE", kind: "operation-never-ends" });
    const gone = await lab.send(own, "DELETE", path);
    const deleting = await states();
    own.faults.clear();
    await soon(async () => expect((await states())[0]).toBe("absent"));

    expect([put.status, again.status, gone.status]).toEqual([201, 200, 202]);
    expect(during).toEqual(["Updating", "Updating", "Updating", "Succeeded", "Succeeded"]);
    expect(after).toEqual(Array(5).fill("Succeeded"));
    expect(deleting[0]).toBe("Deleting");
    expect(put.headers["azure-asyncoperation"]).toContain("/nfvOperations/");
    expect(gone.headers.location).toContain("/nfvOperationResults/");
    expect(put.body.etag).toMatch(/^[-\da-f]{36}$/);
    expect((await lab.send(own, "DELETE", path)).status).toBe(204);
  });

  it("works with the real SDK, whose poller can be put away and taken up again", async () => {
    const own = await lab.start();
    const client = lab.network(own);
    const groups = client.firewallPolicyRuleCollectionGroups;
    const asked: FirewallPolicyRuleCollectionGroup = {
      priority: 300,
      ruleCollections: [
        {
          ruleCollectionType: "FirewallPolicyNatRuleCollection",
          name: "ours",
          priority: 100,
          action: { type: "DNAT" },
          rules: [
            {
              ruleType: "NatRule",
              name: "r",
              ipProtocols: ["TCP"],
              sourceAddresses: ["203.0.113.7"],
              destinationAddresses: ["192.0.2.50"],
              destinationPorts: ["13022"],
              translatedAddress: "10.31.1.4",
              translatedPort: "22",
            },
          ],
        },
      ],
    };

    const poller = groups.createOrUpdate(group, "fwp-hub", "ours", asked, fastPolls);
    const saved = await poller.serialize();
    const restored = restorePoller(lab.network(own), saved, groups.createOrUpdate, fastPolls);
    const written = (await restored.pollUntilDone()) as FirewallPolicyRuleCollectionGroup;
    await groups.delete(group, "fwp-hub", "ours", fastPolls);

    expect(written).toMatchObject({ name: "ours", priority: 300, provisioningState: "Succeeded" });
    await expect(groups.get(group, "fwp-hub", "ours")).rejects.toMatchObject({ statusCode: 404 });
  });

  it("keeps members it does not know", async () => {
    const own = await lab.start();
    const path = paths.group("fwp-corp", "CorpNetworkRuleCollectionGroup");
    const { body: before } = await lab.send(own, "GET", path);
    before.properties.ruleCollections[0].rules[0].note = "kept";
    before.properties.hint = "kept too";

    await lab.send(own, "PUT", path, { body: before });
    const { body: after } = await lab.send(own, "GET", path);

    expect(after.properties).toMatchObject({
      hint: "kept too",
      ruleCollections: [{ rules: [{ name: "telnet", note: "kept" }] }],
    });
  });
});

describe("writing an IP group", () => {
  it("updates the policies and firewalls whose rules name it", async () => {
    const own = await lab.start();
    const { body: before } = await lab.send(own, "GET", paths.ipGroup);
    before.properties.ipAddresses.push("203.0.113.7", "203.0.113.20-203.0.113.29");

    own.faults.arm({ match: "PUT", kind: "operation-never-ends" });

    const put = await lab.send(own, "PUT", paths.ipGroup, { body: before });
    const hub = (await lab.send(own, "GET", paths.hub)).body.properties.provisioningState;
    own.faults.clear();

    expect(put).toMatchObject({
      status: 200,
      body: { properties: { ipAddresses: before.properties.ipAddresses } },
    });
    expect(put.body.properties.firewallPolicies).toHaveLength(1);
    expect(put.headers["azure-asyncoperation"]).toContain("/operations/");
    expect(hub).toBe("Updating");
    await soon(async () =>
      expect((await lab.send(own, "GET", paths.ipGroup)).body.properties).toMatchObject({
        provisioningState: "Succeeded",
        ipAddresses: before.properties.ipAddresses,
      }),
    );
  });
});

describe("a firewall's collections as the caller wraps them", () => {
  it("are stored without what only the answer has", async () => {
    const own = await lab.start();
    const { body: edge } = await lab.send(own, "GET", paths.edge);
    edge.properties.natRuleCollections.push(natCollection());

    await lab.send(own, "PUT", paths.edge, { body: edge });

    const [web, ours] = childrenOf(
      own.resources.get(edge.id)?.resource ?? { properties: {} },
      "natRuleCollections",
    );
    expect(Object.keys(web ?? {})).toEqual(["name", "properties"]);
    expect(ours).toEqual(natCollection());
  });
});
