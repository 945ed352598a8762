import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { firewallPaths, policyNatCollection, policyNatRule } from "./support/a-firewall.ts";
import { type Laboratory, openLaboratory } from "./support/running-cloud.ts";
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

interface Refusal {
  readonly case: string;
  readonly code: string;
}

const nowhere = "/subscriptions/x/resourceGroups/y/providers/Microsoft.Network/ipGroups/gone";

const policyOf = (rule: object) => [policyNatCollection({ rules: [policyNatRule(rule)] })];
const filter = {
  ruleCollectionType: "FirewallPolicyFilterRuleCollection",
  name: "net",
  priority: 160,
  action: { type: "Allow" },
};
const networkRule = {
  ruleType: "NetworkRule",
  name: "r",
  ipProtocols: ["TCP"],
  sourceAddresses: ["*"],
  destinationAddresses: ["*"],
  destinationPorts: ["22"],
};

const grouped: (Refusal & { readonly priority?: number; readonly ruleCollections: object[] })[] = [
  {
    case: "a priority below 100",
    code: "AzureFirewallInvalidPriority",
    priority: 99,
    ruleCollections: [],
  },
  {
    case: "two collections of one name, of whatever type",
    code: "DuplicateResourceName",
    ruleCollections: [policyNatCollection(), { ...filter, name: "ours", rules: [networkRule] }],
  },
  {
    case: "two collections of one priority, of whatever type",
    code: "AzureFirewallRuleCollectionPriorityConflict",
    ruleCollections: [policyNatCollection(), { ...filter, priority: 150, rules: [networkRule] }],
  },
  {
    case: "a collection without rules",
    code: "AzureFirewallRuleCollectionEmpty",
    ruleCollections: [policyNatCollection({ rules: [] })],
  },
  {
    case: "a classic firewall's spelling of the action",
    code: "InvalidRequestFormat",
    ruleCollections: [policyNatCollection({ action: { type: "Dnat" } })],
  },
  {
    case: "a classic firewall's spelling of the protocols",
    code: "InvalidRequestFormat",
    ruleCollections: policyOf({ ipProtocols: undefined, protocols: ["TCP"] }),
  },
  {
    case: "a type of collection that nobody knows",
    code: "InvalidRequestFormat",
    ruleCollections: [policyNatCollection({ ruleCollectionType: "NatRuleCollection" })],
  },
  {
    case: "a network rule among DNAT rules",
    code: "InvalidRequestFormat",
    ruleCollections: [policyNatCollection({ rules: [networkRule] })],
  },
  {
    case: "network and application rules in one collection",
    code: "FirewallPolicyRuleCollectionMixedRuleTypes",
    ruleCollections: [
      {
        ...filter,
        rules: [networkRule, { ...networkRule, name: "a", ruleType: "ApplicationRule" }],
      },
    ],
  },
  {
    case: "several translated ports",
    code: "AzureFirewallRuleInvalidDnatPortOrRangeFormat",
    ruleCollections: policyOf({ translatedPort: "22,23" }),
  },
  {
    case: "an IP group that is not there",
    code: "InvalidResourceReference",
    ruleCollections: [{ ...filter, rules: [{ ...networkRule, destinationIpGroups: [nowhere] }] }],
  },
  {
    case: "more DNAT destinations than the firewall behind the policy can have",
    code: "AzureFirewallDnatLimitExceeded",
    // One public address and one destination are there already.
    ruleCollections: [
      policyNatCollection({
        rules: Array.from({ length: 249 }, (_, index) =>
          policyNatRule({ name: `r${index}`, destinationPorts: [String(20_000 + index)] }),
        ),
      }),
    ],
  },
];

describe("a PUT of a rule collection group", () => {
  it.each(grouped)("refuses $case", async ({ code, priority = 300, ruleCollections }) => {
    const answer = await lab.send(cloud, "PUT", paths.group("fwp-hub", "bad"), {
      body: { properties: { priority, ruleCollections } },
    });

    expect([answer.status, answer.body.error?.code]).toEqual([400, code]);
  });

  it.each([["13022", "13023"], ["13022-13023"]])(
    "is accepted with several destination ports, and fails afterwards",
    async (...destinationPorts) => {
      const own = await lab.start();
      const ruleCollections = policyOf({ destinationPorts });

      const put = await lab.send(own, "PUT", paths.group("fwp-hub", "bad"), {
        body: { properties: { priority: 300, ruleCollections } },
      });
      const link = String(put.headers["azure-asyncoperation"]).slice(own.url.length);

      expect(put.status).toBe(201);
      await soon(async () =>
        expect((await lab.send(own, "GET", link)).body).toMatchObject({
          status: "Failed",
          error: { code: "FirewallPolicyNatRuleInvalidDnatMultipleDestinationPortsExists" },
        }),
      );
    },
  );

  it("needs a policy", async () => {
    const { status, body } = await lab.send(cloud, "PUT", paths.group("gone", "ours"), {
      body: { properties: { priority: 300, ruleCollections: [] } },
    });

    expect([status, body.error.code]).toEqual([404, "ParentResourceNotFound"]);
  });
});

describe("a PUT of an IP group", () => {
  it("refuses what is no address, network or range", async () => {
    const { status } = await lab.send(cloud, "PUT", paths.ipGroup, {
      body: { location: "westeurope", properties: { ipAddresses: ["*"] } },
    });

    expect(status).toBe(400);
  });
});
