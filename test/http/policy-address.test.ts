import { describe, expect, it } from "@jest/globals";
import { parseParts, policyAddress } from "../../src/http/policy-address.ts";
import { aPolicy, subscriptionId } from "../support/builders.ts";
import { targets } from "../support/outcomes.ts";

const path = { subscriptionId, resourceGroup: "shop", location: "westeurope", name: "default" };

describe("the address of a policy", () => {
  it("is put together from its path", () => {
    expect(policyAddress(path)).toEqual({ outcome: "ok", value: { ...path, id: aPolicy().id } });
  });

  it("is the same for 'West Europe' as for 'WestEurope', as in Azure", () => {
    expect(policyAddress({ ...path, location: "West Europe" })).toEqual(
      policyAddress({ ...path, location: "WestEurope" }),
    );
  });

  it.each([
    ["resourceGroup", "my.Rg_1(x)-y"],
    ["location", "West Europe"],
    ["name", "my policy (ö)"],
  ])("may have a %s of '%s'", (part, value) => {
    expect(policyAddress({ ...path, [part]: value }).outcome).toBe("ok");
  });

  it.each([
    ["subscriptionId", "subscriptions"],
    ["subscriptionId", ""],
    ["resourceGroup", "my rg"],
    ["resourceGroup", "a".repeat(91)],
    ["location", "west/europe"],
    ["location", ""],
    ["location", "  "],
    ["name", "de/fault"],
    ["name", "a\nb"],
    ["name", "a".repeat(129)],
    ["name", ""],
  ])("is refused for a %s of '%s'", (part, value) => {
    expect(targets(policyAddress({ ...path, [part]: value }))).toEqual([
      `InvalidRequestContent ${part}`,
    ]);
  });

  it("is refused with every part at fault", () => {
    expect(targets(parseParts({}, ["subscriptionId", "location"]))).toEqual([
      "InvalidRequestContent subscriptionId",
      "InvalidRequestContent location",
    ]);
  });
});
