import { describe, expect, it } from "@jest/globals";
import { applyChanges, readGroup, ruleToJson } from "../../src/azure/nsg-json.ts";
import type { SecurityRule } from "../../src/rules/nsg.ts";

const gateId =
  "/subscriptions/5b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/nsg";

/** As Azure answers: singular property and empty plurals side by side, members the service has no use for. */
const customerRule = {
  name: "allow-web",
  id: `${gateId}/securityRules/allow-web`,
  etag: 'W/"1"',
  type: "Microsoft.Network/networkSecurityGroups/securityRules",
  properties: {
    provisioningState: "Succeeded",
    description: "ours",
    protocol: "TCP",
    sourcePortRange: "*",
    destinationPortRange: "443",
    sourceAddressPrefix: "Internet",
    destinationAddressPrefix: "*",
    access: "allow",
    priority: 300,
    direction: "inbound",
    sourcePortRanges: [],
    destinationPortRanges: ["8443", "443"],
    sourceAddressPrefixes: [],
    destinationAddressPrefixes: [],
    somethingAzureAddedLater: { deep: [1, 2] },
  },
};

const groupBody = (...securityRules: object[]) => ({
  name: "nsg",
  id: gateId,
  etag: 'W/"1"',
  location: "westeurope",
  tags: { owner: "net" },
  unknownTopLevel: true,
  properties: {
    provisioningState: "Succeeded",
    flushConnection: false,
    unknownProperty: "kept",
    securityRules,
    defaultSecurityRules: [{ name: "DenyAllInBound" }],
  },
});

const rule: SecurityRule = {
  name: "JitAccess-a1",
  priority: 100,
  direction: "Inbound",
  access: "Allow",
  protocol: "Tcp",
  sources: ["203.0.113.7"],
  sourceGroups: [],
  sourcePorts: ["*"],
  destinations: ["10.0.0.4", "10.0.0.5"],
  destinationGroups: [],
  destinationPorts: ["22"],
  description: "until 10:00",
};

describe("a network security group's JSON", () => {
  it("is read with singular and plural properties together, words in Azure's own case", () => {
    const { group, etag } = readGroup(groupBody(customerRule), gateId);

    expect(etag).toBe('W/"1"');
    expect(group.rules).toEqual([
      {
        name: "allow-web",
        priority: 300,
        direction: "Inbound",
        access: "Allow",
        protocol: "Tcp",
        sources: ["Internet"],
        sourceGroups: [],
        sourcePorts: ["*"],
        destinations: ["*"],
        destinationGroups: [],
        destinationPorts: ["443", "8443"],
        description: "ours",
      },
    ]);
  });

  it("may hold a protocol that Azure adds one day", () => {
    const properties = { ...customerRule.properties, protocol: "Sctp" };

    const { group } = readGroup(groupBody({ ...customerRule, properties }), gateId);

    expect(group.rules[0]?.protocol).toBe("Sctp");
  });

  it("names application security groups by their ids", () => {
    const properties = {
      ...customerRule.properties,
      sourceAddressPrefix: undefined,
      sourceApplicationSecurityGroups: [{ id: "/asg/a" }, { id: "/asg/b" }],
    };

    const { group } = readGroup(groupBody({ ...customerRule, properties }), gateId);

    expect(group.rules[0]).toMatchObject({ sources: [], sourceGroups: ["/asg/a", "/asg/b"] });
  });

  it("is refused when a rule neither allows nor denies, rather than guessed at", () => {
    const properties = { ...customerRule.properties, access: "AlwaysAllow" };

    expect(() => readGroup(groupBody({ ...customerRule, properties }), gateId)).toThrow(
      "Rule 'allow-web' has 'AlwaysAllow'",
    );
  });

  it("is refused when it is no network security group at all", () => {
    expect(() => readGroup(undefined, gateId)).toThrow(gateId);
  });

  it("of a group without rules has none", () => {
    expect(readGroup({ id: gateId, properties: {} }, gateId).group.rules).toEqual([]);
  });
});

describe("the JSON of a rule of ours", () => {
  it("has one value in the singular property, several in the plural, and nothing of Azure's", () => {
    expect(ruleToJson(rule)).toEqual({
      name: "JitAccess-a1",
      properties: {
        description: "until 10:00",
        protocol: "Tcp",
        access: "Allow",
        direction: "Inbound",
        priority: 100,
        sourcePortRange: "*",
        destinationPortRange: "22",
        sourceAddressPrefix: "203.0.113.7",
        destinationAddressPrefixes: ["10.0.0.4", "10.0.0.5"],
      },
    });
  });

  it("is read back as the same rule", () => {
    const { group } = readGroup(groupBody(ruleToJson(rule)), gateId);

    expect(group.rules).toEqual([rule]);
  });
});

describe("the body of a whole write", () => {
  it("is what was read, byte for byte, when nothing changes", () => {
    const raw = groupBody(customerRule);

    expect(JSON.stringify(applyChanges(raw, []))).toBe(JSON.stringify(raw));
  });

  it("differs in the changed rules only; properties nobody knows stay", () => {
    const old = ruleToJson({ ...rule, name: "JitAccess-old" });
    const raw = groupBody(old, customerRule);

    const body = applyChanges(raw, [
      { kind: "delete", name: "jitaccess-OLD" },
      { kind: "put", rule },
    ]);

    expect(body).toEqual({
      ...raw,
      properties: { ...raw.properties, securityRules: [customerRule, ruleToJson(rule)] },
    });
  });

  it("replaces a rule of the same name in its place", () => {
    const raw = groupBody(ruleToJson({ ...rule, priority: 120 }), customerRule);

    const body = applyChanges(raw, [{ kind: "put", rule }]);

    expect(body).toMatchObject({
      properties: { securityRules: [ruleToJson(rule), customerRule] },
    });
  });
});
