import { describe, expect, it } from "@jest/globals";
import { sourceRuleFaults } from "../../src/access/source-rules.ts";
import type { AccessRules } from "../../src/policy/access-rules.ts";

const target = "virtualMachines[0].ports[0].allowedSourceAddressPrefix";
const faults = (sources: AccessRules["sources"], ...named: readonly string[]) =>
  sourceRuleFaults({ sources }, [{ sources: named, target }]);
const codes = (sources: AccessRules["sources"], ...named: readonly string[]) =>
  faults(sources, ...named).map((reason) => reason.code);

const many = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index));

describe("a policy that does not allow any source", () => {
  it.each<[string, readonly string[]]>([
    ["*", ["*"]],
    ["* beside an address", ["203.0.113.7", "*"]],
    ["everything of IPv4", ["0.0.0.0/0"]],
    ["everything of IPv6", ["::/0"]],
    ["the two halves of IPv4", ["0.0.0.0/1", "128.0.0.0/1"]],
    ["one half of IPv4", ["128.0.0.0/1"]],
    ["IPv4 but for its last eighth", ["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"]],
    ["half of IPv4 with gaps", many(128, (index) => `${index * 2}.0.0.0/8`)],
    ["all public addresses of IPv6", ["2000::/3"]],
    ["half of the public addresses of IPv6", ["2000::/4"]],
    ["half of IPv6, the public ones among it", ["::/1"]],
    ["what cannot be read", ["10.1"]],
  ])("refuses %s", (_case, sources) => {
    expect(codes({ anyAllowed: false }, ...sources)).toEqual(["AnySourceNotAllowed"]);
  });

  it.each<[string, readonly string[]]>([
    ["an address", ["203.0.113.7"]],
    ["a quarter of IPv4", ["0.0.0.0/2"]],
    ["the same quarter over and over", many(4, () => "0.0.0.0/2")],
    ["a little less than half with gaps", many(127, (index) => `${index * 2}.0.0.0/8`)],
    ["a half of IPv6 that nobody has", ["8000::/1"]],
    ["a quarter of the public addresses of IPv6", ["2000::/5"]],
    ["a quarter of either family", ["0.0.0.0/2", "2000::/5"]],
  ])("lets %s through", (_case, sources) => {
    expect(codes({ anyAllowed: false }, ...sources)).toEqual([]);
  });

  it("names the sources", () => {
    expect(faults({ anyAllowed: false }, "0.0.0.0/1", "128.0.0.0/1", "::1")).toEqual([
      {
        code: "AnySourceNotAllowed",
        message: expect.stringContaining("0.0.0.0/1, 128.0.0.0/1."),
        target,
      },
    ]);
  });
});

describe("the widest source of a policy", () => {
  it.each<[string, AccessRules["sources"], readonly string[], number]>([
    ["no limit", { anyAllowed: true }, ["*", "0.0.0.0/0", "::/0"], 0],
    ["/0 and *", { anyAllowed: true, widestIpv4PrefixLength: 0 }, ["*"], 0],
    ["/24 and *", { anyAllowed: true, widestIpv4PrefixLength: 24 }, ["*"], 1],
    [
      "a limit of either family and *",
      { anyAllowed: true, widestIpv4PrefixLength: 24, widestIpv6PrefixLength: 64 },
      ["*"],
      2,
    ],
    ["/24 and a /24", { anyAllowed: true, widestIpv4PrefixLength: 24 }, ["10.0.0.0/24"], 0],
    ["/24 and a /23", { anyAllowed: true, widestIpv4PrefixLength: 24 }, ["10.0.0.0/23"], 1],
    ["/32 and an address", { anyAllowed: true, widestIpv4PrefixLength: 32 }, ["10.0.0.1"], 0],
    [
      "/32 and two neighbours",
      { anyAllowed: true, widestIpv4PrefixLength: 32 },
      ["10.0.0.1", "10.0.0.2"],
      1,
    ],
    [
      "/32 and two that are apart",
      { anyAllowed: true, widestIpv4PrefixLength: 32 },
      ["10.0.0.1", "10.0.0.3"],
      0,
    ],
    [
      "/24 and two halves of it, and the whole",
      { anyAllowed: true, widestIpv4PrefixLength: 24 },
      ["10.0.0.0/25", "10.0.0.128/25", "10.0.0.0/24"],
      0,
    ],
    [
      "/24 and neighbours that are no range together",
      { anyAllowed: true, widestIpv4PrefixLength: 24 },
      ["10.0.1.0/24", "10.0.2.0/24"],
      1,
    ],
    [
      "a limit of IPv4 and a wide range of IPv6",
      { anyAllowed: true, widestIpv4PrefixLength: 24 },
      ["2001:db8::/32"],
      0,
    ],
    [
      "/64 and a /63 of IPv6",
      { anyAllowed: true, widestIpv6PrefixLength: 64 },
      ["2001:db8::/63"],
      1,
    ],
    [
      "/128 and the last address",
      { anyAllowed: true, widestIpv6PrefixLength: 128 },
      ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
      0,
    ],
  ])("is kept or not: %s", (_case, rules, sources, expected) => {
    expect(codes(rules, ...sources)).toEqual(many(expected, () => "SourceTooWide"));
  });

  it("is told together with the sources that are wider, however they are ordered", () => {
    const sources = ["10.0.2.0/24", "10.0.9.0/24", "10.0.1.0/24"];

    expect(faults({ anyAllowed: true, widestIpv4PrefixLength: 24 }, ...sources)).toEqual([
      {
        code: "SourceTooWide",
        message:
          "10.0.1.0/24, 10.0.2.0/24 are together wider than the policy allows: /24 is the widest IPv4 source.",
        target,
      },
    ]);
  });
});
