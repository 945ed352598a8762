import { describe, expect, it } from "@jest/globals";
import { changedFirewall, changedGroup } from "../../src/azure/firewall-bodies.ts";
import type { FirewallRule } from "../../src/rules/firewall.ts";
import { ownCollections } from "../../src/rules/owned.ts";
import { anOwner } from "../support/builders.ts";

const own = ownCollections(anOwner);

const dnat: FirewallRule = {
  name: "in",
  kind: "dnat",
  access: "Allow",
  collection: own.dnat,
  order: [110],
  protocols: ["TCP"],
  sources: ["203.0.113.7"],
  destinations: ["192.0.2.40"],
  destinationPorts: ["20022"],
  translatedAddress: "10.20.1.4",
  translatedPort: "22",
  description: "a window",
};
const deny: FirewallRule = {
  name: "closed",
  kind: "network",
  access: "Deny",
  collection: own.deny,
  order: [120],
  protocols: ["Any"],
  sources: ["*"],
  destinations: ["10.20.1.4"],
  destinationPorts: ["22"],
  description: "",
};
const put = (rule: FirewallRule) => ({ kind: "put", rule }) as const;
const remove = (name: string) => ({ kind: "delete", name }) as const;

/** Rules as somebody wrote them who knows members that we do not. */
const theirRule = { changeTicket: 7, name: "theirs", protocols: ["TCP"], sourceAddresses: ["*"] };
const ourRule = { name: "closed", protocols: ["Any"], sourceAddresses: ["*"] };
const collection = (name: string, rules: readonly object[], more: object = {}) => ({
  name,
  id: `/fw/${name}`,
  properties: { provisioningState: "Succeeded", priority: 400, action: { type: "Deny" }, rules },
  ...more,
});
const classic = (networkRuleCollections: readonly object[], more: object = {}) => ({
  zones: ["1"],
  name: "fw",
  properties: { edge: { deep: [1] }, natRuleCollections: [], networkRuleCollections, sku: {} },
  ...more,
});

const classicBody = (raw: object, ...changes: Parameters<typeof changedFirewall>[1]) =>
  changedFirewall(raw, changes, anOwner) as ReturnType<typeof classic>;
const networkOf = (body: ReturnType<typeof classic>) => body.properties.networkRuleCollections;

describe("the body of a classic firewall's write", () => {
  it("spells our collections as classic firewalls want them, after those of customers", () => {
    const theirs = collection("theirs", [theirRule]);

    const body = classicBody(classic([theirs]), put(dnat), put(deny));

    expect(body.properties.natRuleCollections).toEqual([
      {
        name: own.dnat,
        properties: {
          priority: 110,
          action: { type: "Dnat" },
          rules: [
            {
              name: "in",
              description: "a window",
              protocols: ["TCP"],
              sourceAddresses: ["203.0.113.7"],
              destinationAddresses: ["192.0.2.40"],
              destinationPorts: ["20022"],
              translatedAddress: "10.20.1.4",
              translatedPort: "22",
            },
          ],
        },
      },
    ]);
    expect(networkOf(body)).toEqual([
      theirs,
      {
        name: own.deny,
        properties: {
          priority: 120,
          action: { type: "Deny" },
          rules: [
            {
              name: "closed",
              protocols: ["Any"],
              sourceAddresses: ["*"],
              destinationAddresses: ["10.20.1.4"],
              destinationPorts: ["22"],
            },
          ],
        },
      },
    ]);
  });

  it("is what was read, byte for byte, when nothing changes", () => {
    const raw = classic([collection("theirs", [theirRule]), collection(own.deny, [ourRule])]);

    expect(JSON.stringify(classicBody(raw))).toBe(JSON.stringify(raw));
    expect(JSON.stringify(classicBody(raw, remove("nobody's")))).toBe(JSON.stringify(raw));
  });

  it("carries rules of customers that are of no shape we know", () => {
    const raw = classic([collection("theirs", [{ title: "no name" }, [7]])]);

    expect(networkOf(classicBody(raw, put(deny)))[0]).toEqual(networkOf(raw)[0]);
  });

  it("never touches a customer's collection, even for a rule of the same name", () => {
    const raw = classic([collection("theirs", [{ ...theirRule, name: "closed" }])]);

    expect(JSON.stringify(classicBody(raw, remove("closed")))).toBe(JSON.stringify(raw));
  });

  it("keeps what somebody else put into ours, and lets go of one that is empty", () => {
    const raw = classic([collection(own.deny, [ourRule, theirRule]), collection(own.allow, [])]);

    const body = classicBody(raw, remove("CLOSED"));

    expect(networkOf(body)).toEqual([collection(own.deny, [theirRule])]);
    expect(networkOf(classicBody(body, remove("theirs")))).toEqual([]);
  });

  it("gives one of ours the priority that its rules are put at, and rules their old place", () => {
    const raw = classic([collection(own.deny.toUpperCase(), [ourRule, theirRule])]);

    const [only] = networkOf(classicBody(raw, put(deny))) as ReturnType<typeof collection>[];

    expect(only?.properties).toMatchObject({ provisioningState: "Succeeded", priority: 120 });
    expect(only?.properties.rules.map((rule) => Object.entries(rule)[0])).toEqual([
      ["name", "closed"],
      ["changeTicket", 7],
    ]);
  });
});

describe("the body of a policy's write", () => {
  const ours = { ...dnat, order: [1, 150, 100] };
  const group = (...ruleCollections: readonly object[]) => ({
    name: "JitAccess-37a8ee",
    unknown: 1,
    properties: { size: "0.1MB", priority: 300, ruleCollections },
  });
  const theirs = {
    ruleCollectionType: "FirewallPolicyFilterRuleCollection",
    name: "theirs",
    priority: 200,
    rules: [],
  };

  it("is a group of ours, spelled as policies want it", () => {
    const body = changedGroup(
      undefined,
      [put(ours), put({ ...deny, order: [1, 150, 102] })],
      anOwner,
    );

    expect(body).toMatchObject({
      properties: {
        priority: 150,
        ruleCollections: [
          {
            ruleCollectionType: "FirewallPolicyNatRuleCollection",
            name: own.dnat,
            priority: 100,
            action: { type: "DNAT" },
            rules: [{ ruleType: "NatRule", name: "in", ipProtocols: ["TCP"] }],
          },
          {
            ruleCollectionType: "FirewallPolicyFilterRuleCollection",
            name: own.deny,
            priority: 102,
            action: { type: "Deny" },
            rules: [{ ruleType: "NetworkRule", name: "closed", ipProtocols: ["Any"] }],
          },
        ],
      },
    });
  });

  it("keeps what somebody else put into our group", () => {
    const before = group(theirs);

    const between = changedGroup(before, [put({ ...ours, order: [1, 300, 100] })], anOwner);

    expect(JSON.stringify(changedGroup(between, [remove("in")], anOwner))).toBe(
      JSON.stringify(before),
    );
  });

  it("is none when nothing is left in the group", () => {
    const before = changedGroup(undefined, [put(ours)], anOwner);

    expect(changedGroup(before, [remove("in")], anOwner)).toBeUndefined();
    expect(changedGroup(undefined, [], anOwner)).toBeUndefined();
  });
});
