import { describe, expect, it } from "@jest/globals";
import {
  type Collection,
  ipGroupsOf,
  readClassic,
  readRuleGroup,
  rulesOf,
} from "../../src/azure/firewall-json.ts";

const [known, hidden] = ["/ipGroups/Offices", "/ipGroups/hidden"];
const rule = { name: "r", protocols: ["tcp", "Sctp"], destinationPorts: ["22"] };
const network = (action: string, ...rules: readonly object[]) => ({
  id: "/fw",
  name: "fw",
  properties: {
    networkRuleCollections: [
      { name: "c", properties: { priority: 200, action: { type: action }, rules } },
    ],
  },
});
const group = (ruleType: string, action = "Allow", more: object = {}) => ({
  id: "/g",
  name: "g",
  properties: {
    priority: 100,
    ruleCollections: [
      {
        name: "c",
        priority: 200,
        action: { type: action },
        rules: [{ ruleType, name: "r", ...more }],
      },
    ],
  },
});
/** Speaks of everything for all we know: lists without entries are none that Azure lets in. */
const anything = { access: "Allow", sources: [], destinations: [], isPartlyUnknown: true };
const groups = new Map([
  [known.toLowerCase(), ["198.51.100.0/24"]],
  [hidden, undefined],
]);
const only = (collections: readonly Collection[]) =>
  collections.flatMap((each) => rulesOf(each, groups))[0];

describe("a firewall's rules", () => {
  it("have the words of Azure in one case, and a protocol that Azure adds one day as it is", () => {
    const { collections } = readClassic(network("deny", rule), "/fw");

    expect(only(collections)).toEqual({
      name: "r",
      kind: "network",
      access: "Deny",
      collection: "c",
      order: [200],
      protocols: ["TCP", "Sctp"],
      sources: [],
      destinations: [],
      destinationPorts: ["22"],
      description: "",
    });
  });

  it("have the addresses of IP groups in their place", () => {
    const raw = network("Allow", {
      ...rule,
      sourceAddresses: ["203.0.113.7"],
      sourceIpGroups: [known],
      destinationIpGroups: [known],
    });
    const { collections } = readClassic(raw, "/fw");

    expect(ipGroupsOf(collections)).toEqual([known]);
    expect(only(collections)).toMatchObject({
      sources: ["203.0.113.7", "198.51.100.0/24"],
      destinations: ["198.51.100.0/24"],
    });
    expect(only(collections)).not.toHaveProperty("isPartlyUnknown");
  });

  it.each([
    ["a source that cannot be read", { sourceIpGroups: [hidden] }],
    ["a destination that cannot be read", { destinationIpGroups: [hidden] }],
    ["a host name", { destinationFqdns: ["db.example"] }],
    ["a host name that it leads to", { translatedFqdn: "vm.example" }],
  ])("are partly unknown with %s", (_case, more) => {
    const { collections } = readClassic(network("Allow", { ...rule, ...more }), "/fw");

    expect(only(collections)).toMatchObject({ isPartlyUnknown: true });
  });

  it.each([
    ["its action is no word that we know", readClassic(network("Snat", rule), "/fw"), ["22"]],
    ["it has no name", readClassic(network("Allow", { destinationPorts: ["22"] }), "/fw"), []],
    ["it is no rule at all", readRuleGroup(group("NetworkRule", "Allow", { name: 7 })), []],
    [
      "its ports are no list",
      readClassic(network("Allow", { ...rule, destinationPorts: "22" }), "/fw"),
      [],
    ],
    [
      "it is of a kind that we do not know",
      readRuleGroup(group("NewRule", "Allow", { destinationPorts: ["22"] })),
      [],
    ],
    [
      "it is a DNAT rule that does something else",
      readRuleGroup(group("NatRule", "SNAT", { destinationPorts: ["22"] })),
      ["22"],
    ],
  ])(
    "may be anything when %s: the rest of the gate is still ours to close",
    (_case, { collections }, destinationPorts) => {
      expect(only(collections)).toMatchObject({ ...anything, destinationPorts });
    },
  );

  it("that we do not know deny nobody for certain", () => {
    const { collections } = readRuleGroup(group("NewRule", "Deny"));

    expect(only(collections)).toMatchObject({ ...anything, access: "Deny" });
  });

  it.each([
    ["no priority", () => readRuleGroup({ id: "/g", name: "g", properties: {} })],
    ["no firewall at all", () => readClassic(undefined, "/fw")],
  ])("are refused rather than guessed at: %s", (_case, read) => {
    expect(read).toThrow(expect.objectContaining({ code: "InvalidAnswer" }));
  });

  it("are those of NAT and of networks alone: application rules speak of other things", () => {
    expect(readRuleGroup(group("ApplicationRule")).collections).toEqual([]);
    expect(readRuleGroup(group("NetworkRule")).collections).toHaveLength(1);
  });
});
