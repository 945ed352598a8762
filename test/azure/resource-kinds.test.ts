import { describe, expect, it } from "@jest/globals";
import {
  firewallPolicyKind,
  isIdOf,
  publicIpKind,
  resourceUrl,
} from "../../src/azure/resource-kinds.ts";

const idOf = (name: string, group = "rg", type = "publicIPAddresses") =>
  `/subscriptions/s/resourceGroups/${group}/providers/Microsoft.Network/${type}/${name}`;

describe("an id of a resource", () => {
  it.each([
    [idOf("pip"), true],
    [idOf("pip").toUpperCase(), true],
    [idOf("a..b"), true],
    [idOf(".."), false],
    [idOf("."), false],
    [idOf("pip", ".."), false],
    [idOf("pip", "rg", "ipGroups"), false],
    [`${idOf("pip")}/below`, false],
    ["", false],
  ])("leads to an address where it is one of its kind, and nowhere else: %s, %s", (id, isOne) => {
    expect(isIdOf(id, publicIpKind)).toBe(isOne);
    const url = () => resourceUrl(id, publicIpKind);
    if (isOne) {
      expect(url()).toContain(id);
    } else {
      expect(url).toThrow(`'${id}' is not the id of a public IP address.`);
    }
  });

  it("leads to what is below it, but never above", () => {
    const id = idOf("p", "rg", "firewallPolicies");

    expect(resourceUrl(id, firewallPolicyKind, "ruleCollectionGroups")).toContain(
      `${id}/ruleCollectionGroups?`,
    );
    expect(() => resourceUrl(id, firewallPolicyKind, "..")).toThrow();
  });
});
