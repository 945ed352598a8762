import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { firewallPaths, natCollection, natRule } from "./support/a-firewall.ts";
import { type Laboratory, openLaboratory } from "./support/running-cloud.ts";

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

const networkCollection = (rule: object, more: object = {}) => ({
  name: "net",
  properties: {
    priority: 150,
    action: { type: "Deny" },
    rules: [
      {
        name: "r",
        protocols: ["Any"],
        sourceAddresses: ["*"],
        destinationAddresses: ["10.20.1.4"],
        destinationPorts: ["22"],
        ...rule,
      },
    ],
    ...more,
  },
});

const natOf = (rule: object) => [natCollection({ rules: [natRule(rule)] })];

const classic: (Refusal & { readonly properties: object })[] = [
  {
    case: "two collections of one name in one array",
    code: "DuplicateResourceName",
    properties: {
      natRuleCollections: [natCollection(), { ...natCollection({ priority: 151 }), name: "OURS" }],
    },
  },
  {
    case: "two collections of one type and priority",
    code: "AzureFirewallRuleCollectionPriorityConflict",
    properties: { natRuleCollections: [natCollection(), { ...natCollection(), name: "other" }] },
  },
  {
    case: "two rules of one name in a collection",
    code: "DuplicateResourceName",
    properties: { natRuleCollections: [natCollection({ rules: [natRule(), natRule()] })] },
  },
  {
    case: "a collection without rules",
    code: "AzureFirewallRuleCollectionEmpty",
    properties: { natRuleCollections: [natCollection({ rules: [] })] },
  },
  {
    case: "a priority above 65000",
    code: "AzureFirewallInvalidPriority",
    properties: { natRuleCollections: [natCollection({ priority: 65_001 })] },
  },
  {
    case: "a policy's spelling of the action",
    code: "InvalidRequestFormat",
    properties: { natRuleCollections: [natCollection({ action: { type: "DNAT" } })] },
  },
  {
    case: "a policy's spelling of the protocols",
    code: "InvalidRequestFormat",
    properties: { natRuleCollections: natOf({ protocols: undefined, ipProtocols: ["TCP"] }) },
  },
  {
    case: "DNAT of any protocol",
    code: "AzureFirewallRuleInvalidProtocol",
    properties: { natRuleCollections: natOf({ protocols: ["Any"] }) },
  },
  {
    case: "a range of translated ports",
    code: "AzureFirewallRuleInvalidDnatPortOrRangeFormat",
    properties: { natRuleCollections: natOf({ translatedPort: "22-23" }) },
  },
  {
    case: "any translated port",
    code: "AzureFirewallRuleInvalidDnatPortOrRangeFormat",
    properties: { natRuleCollections: natOf({ translatedPort: "*" }) },
  },
  {
    case: "a translated address and a translated name",
    code: "AzureFirewallRuleInvalidTranslatedAddress",
    properties: { natRuleCollections: natOf({ translatedFqdn: "vm-edge.example" }) },
  },
  {
    case: "a DNAT destination that is none of the firewall's public addresses",
    code: "AzureFirewallNatRuleInvalidDestinationAddress",
    properties: { natRuleCollections: natOf({ destinationAddresses: ["192.0.2.50"] }) },
  },
  {
    case: "a source with host bits",
    code: "AzureFirewallRuleInvalidIpAddressOrRange",
    properties: { natRuleCollections: natOf({ sourceAddresses: ["203.0.113.7/24"] }) },
  },
  {
    case: "a range of addresses from high to low",
    code: "AzureFirewallRuleInvalidIpAddressOrRange",
    properties: { natRuleCollections: natOf({ sourceAddresses: ["10.0.0.9-10.0.0.1"] }) },
  },
  {
    case: "a rule without sources",
    code: "AzureFirewallRuleParametersMissing",
    properties: { natRuleCollections: natOf({ sourceAddresses: [] }) },
  },
  {
    case: "an IP group that is not there",
    code: "InvalidResourceReference",
    properties: { natRuleCollections: natOf({ sourceIpGroups: [nowhere] }) },
  },
  {
    case: "ports that are none",
    code: "AzureFirewallRuleInvalidPortOrRangeFormat",
    properties: { networkRuleCollections: [networkCollection({ destinationPorts: ["ssh"] })] },
  },
  {
    case: "a network rule that leads nowhere",
    code: "AzureFirewallRuleParametersMissing",
    properties: { networkRuleCollections: [networkCollection({ destinationAddresses: [] })] },
  },
  {
    case: "a network rule with an action of DNAT rules",
    code: "InvalidRequestFormat",
    properties: { networkRuleCollections: [networkCollection({}, { action: { type: "Dnat" } })] },
  },
  {
    case: "an application rule without a target",
    code: "AzureFirewallRuleParametersMissing",
    properties: {
      applicationRuleCollections: [
        networkCollection({ protocols: [{ protocolType: "Https", port: 443 }] }),
      ],
    },
  },
];

describe("a PUT of a classic firewall", () => {
  it.each(classic)("refuses $case", async ({ code, properties }) => {
    const { body: edge } = await lab.send(cloud, "GET", paths.edge);

    const answer = await lab.send(cloud, "PUT", paths.edge, {
      body: { ...edge, properties: { ...edge.properties, ...properties } },
    });

    expect([answer.status, answer.body.error?.code]).toEqual([400, code]);
    expect((await lab.send(cloud, "GET", paths.edge)).body).toEqual(edge);
  });

  it("takes one name and priority in different arrays, tags and ranges in network rules", async () => {
    const own = await lab.start();
    const { body: edge } = await lab.send(own, "GET", paths.edge);
    const destinationAddresses = ["Internet", "10.20.1.1-10.20.1.9", "10.20.1.0/24"];

    const { status } = await lab.send(own, "PUT", paths.edge, {
      body: {
        ...edge,
        properties: {
          ...edge.properties,
          natRuleCollections: [natCollection()],
          networkRuleCollections: [
            { ...networkCollection({ destinationAddresses }), name: "ours" },
          ],
        },
      },
    });

    expect(status).toBe(200);
  });

  it("counts public addresses and unique DNAT destinations, TCP and UDP as two, up to 250", async () => {
    const own = await lab.start();
    const { body: edge } = await lab.send(own, "GET", paths.edge);
    const put = (rules: number) =>
      lab.send(own, "PUT", paths.edge, {
        body: {
          ...edge,
          properties: { ...edge.properties, natRuleCollections: [natCollection(manyRules(rules))] },
        },
      });

    const tooMany = await put(125);
    const most = await put(124);

    expect([tooMany.status, tooMany.body.error?.code]).toEqual([
      400,
      "AzureFirewallDnatLimitExceeded",
    ]);
    expect(most.status).toBe(200);
  });

  it("refuses rules of its own beside a policy, and references that lead nowhere", async () => {
    const { body: hub } = await lab.send(cloud, "GET", paths.hub);
    const put = (more: object) =>
      lab.send(cloud, "PUT", paths.hub, {
        body: { ...hub, properties: { ...hub.properties, ...more } },
      });
    const ip = hub.properties.ipConfigurations[0];
    const publicIPAddress = { id: `${ip.properties.publicIPAddress.id}-gone` };

    const answers = [
      await put({ networkRuleCollections: [networkCollection({})] }),
      await put({ firewallPolicy: { id: `${hub.properties.firewallPolicy.id}-gone` } }),
      await put({
        ipConfigurations: [{ ...ip, properties: { ...ip.properties, publicIPAddress } }],
      }),
    ];

    expect(answers.map(({ status, body }) => [status, body.error.code])).toEqual([
      [400, "AzureFirewallPolicyAndRuleCollectionsConflict"],
      [400, "InvalidResourceReference"],
      [400, "InvalidResourceReference"],
    ]);
  });
});

/** Each takes two slots, as it is for TCP and UDP; two more rules repeat one and take none. */
function manyRules(count: number): object {
  const rules = Array.from({ length: count }, (_, index) =>
    natRule({
      name: `r${index}`,
      protocols: ["TCP", "UDP"],
      destinationPorts: [String(20_000 + index)],
    }),
  );
  return { rules: [...rules, natRule({ name: "again", destinationPorts: ["20000"] })] };
}
