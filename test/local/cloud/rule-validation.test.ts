import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { isPortRange, prefixKind } from "../../../local/cloud/network/prefixes.ts";
import { validateRule } from "../../../local/cloud/network/validate-rule.ts";
import { CloudError } from "../../../local/cloud/router.ts";
import { aRule } from "./support/a-rule.ts";

const group =
  "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationSecurityGroups/a";

function refusal(properties: object, name = "rule"): unknown {
  try {
    validateRule("/nsg", name, { properties }, (id) => id === group);
    return "accepted";
  } catch (error) {
    return error instanceof CloudError ? { status: error.status, code: error.code } : error;
  }
}

const plural = (sourceAddressPrefixes: string[]) => ({
  ...aRule(),
  sourceAddressPrefix: undefined,
  sourceAddressPrefixes,
});
const ports = (destinationPortRanges: string[]) => ({
  ...aRule(),
  destinationPortRange: undefined,
  destinationPortRanges,
});

describe("a security rule that Azure would refuse", () => {
  it.each([
    { case: "priority 99", rule: aRule({ priority: 99 }), code: "SecurityRuleInvalidPriority" },
    { case: "priority 4097", rule: aRule({ priority: 4097 }), code: "SecurityRuleInvalidPriority" },
    {
      case: "no priority",
      rule: { ...aRule(), priority: undefined },
      code: "InvalidRequestFormat",
    },
    {
      case: "an unknown protocol",
      rule: aRule({ protocol: "Sctp" }),
      code: "InvalidRequestFormat",
    },
    {
      case: "no protocol",
      rule: { ...aRule(), protocol: undefined },
      code: "InvalidRequestFormat",
    },
    { case: "an unknown access", rule: aRule({ access: "Maybe" }), code: "InvalidRequestFormat" },
    {
      case: "no direction",
      rule: { ...aRule(), direction: undefined },
      code: "InvalidRequestFormat",
    },
    {
      case: "host bits set",
      rule: aRule({ sourceAddressPrefix: "20.20.20.20/16" }),
      code: "SecurityRuleInvalidAddressPrefix",
    },
    {
      case: "IPv6 host bits set",
      rule: aRule({ sourceAddressPrefix: "2001:db8::1/32" }),
      code: "SecurityRuleInvalidAddressPrefix",
    },
    {
      case: "a short address",
      rule: aRule({ sourceAddressPrefix: "10.1" }),
      code: "SecurityRuleInvalidAddressPrefix",
    },
    {
      case: "a leading zero",
      rule: aRule({ sourceAddressPrefix: "010.0.0.1" }),
      code: "SecurityRuleInvalidAddressPrefix",
    },
    {
      case: "a length past the end",
      rule: aRule({ sourceAddressPrefix: "10.0.0.0/33" }),
      code: "SecurityRuleInvalidAddressPrefix",
    },
    {
      case: "a subnet's name as a tag",
      rule: aRule({ sourceAddressPrefix: "AzureBastionSubnet" }),
      code: "SecurityRuleInvalidAddressPrefix",
    },
    {
      case: "a tag in the plural",
      rule: plural(["Internet"]),
      code: "SecurityRuleParameterContainsUnsupportedValue",
    },
    {
      case: "* in the plural",
      rule: plural(["10.0.0.0/8", "*"]),
      code: "SecurityRuleParameterContainsUnsupportedValue",
    },
    {
      case: "mixed families in one list",
      rule: plural(["10.0.0.0/8", "fd00::/8"]),
      code: "SecurityRuleInvalidAddressPrefix",
    },
    {
      case: "mixed families of source and destination",
      rule: aRule({ sourceAddressPrefix: "fd00::/8" }),
      code: "SecurityRuleInvalidAddressPrefix",
    },
    { case: "no source at all", rule: plural([]), code: "SecurityRuleParametersMissing" },
    {
      case: "both singular and plural",
      rule: { ...aRule(), sourceAddressPrefixes: ["10.0.0.0/8"] },
      code: "SecurityRuleParametersConflict",
    },
    {
      case: "an unknown application security group",
      rule: { ...plural([]), sourceApplicationSecurityGroups: [{ id: "/x" }] },
      code: "InvalidResourceReference",
    },
    {
      case: "port 70000",
      rule: aRule({ destinationPortRange: "70000" }),
      code: "SecurityRuleInvalidPortRange",
    },
    {
      case: "a comma list of ports",
      rule: aRule({ destinationPortRange: "80,443" }),
      code: "SecurityRuleInvalidPortRange",
    },
    {
      case: "a range backwards",
      rule: ports(["22", "30-20"]),
      code: "SecurityRuleInvalidPortRange",
    },
    {
      case: "* among ports",
      rule: ports(["22", "*"]),
      code: "SecurityRuleParameterContainsInvalidPortRanges",
    },
    { case: "no ports", rule: ports([]), code: "SecurityRuleParametersMissing" },
    {
      case: "a description of 141",
      rule: aRule({ description: "x".repeat(141) }),
      code: "SecurityRuleInvalidDescription",
    },
  ])("is refused here too: $case", ({ rule, code }) => {
    expect(refusal(rule)).toEqual({ status: 400, code });
  });

  it.each(["", "-a", "a-", "a b", ".a", "a/b", "x".repeat(81)])(
    "is refused for its name '%s'",
    (name) => {
      expect(refusal(aRule(), name)).toEqual({ status: 400, code: "InvalidResourceName" });
    },
  );
});

describe("a security rule that Azure takes", () => {
  it.each([
    { case: "any source", rule: aRule({ sourceAddressPrefix: "*" }) },
    { case: "a regional tag", rule: aRule({ sourceAddressPrefix: "Storage.WestEurope" }) },
    { case: "several prefixes", rule: plural(["10.0.0.0/8", "203.0.113.7", "203.0.113.8/32"]) },
    {
      case: "a group for a source",
      rule: { ...plural([]), sourceApplicationSecurityGroups: [{ id: group }] },
    },
    { case: "several ports", rule: ports(["22", "3389", "5985-5986"]) },
    { case: "a description of 140", rule: aRule({ description: "x".repeat(140) }) },
  ])("is taken here too: $case", ({ rule }) => {
    expect(refusal(rule)).toBe("accepted");
  });

  it.each(["a", "_", "JitAccess-allow.1_", "x".repeat(80)])(
    "is taken with the name '%s'",
    (name) => {
      expect(refusal(aRule(), name)).toBe("accepted");
    },
  );

  it("is stored with Azure's spelling of enums and without empty arrays and read-only members", () => {
    const properties = {
      ...aRule({ protocol: "TCP", access: "allow", direction: "INBOUND" }),
      sourceAddressPrefixes: [],
      provisioningState: "Failed",
    };

    const stored = validateRule(
      "/nsg",
      "rule",
      { id: "/other", etag: "old", properties },
      () => true,
    );

    expect(stored).toEqual({ name: "rule", properties: aRule() });
  });
});

describe("address prefixes and port ranges", () => {
  it("take a network exactly when no bit behind its length is set", () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.integer({ min: 0, max: 32 }), (address, length) => {
        const text = [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
        const hostBits = BigInt(address) & ((1n << BigInt(32 - length)) - 1n);

        expect(prefixKind(`${text}/${length}`)).toBe(hostBits === 0n ? "ipv4" : "invalid");
      }),
    );
  });

  it("take a range exactly when its ends are ports in order", () => {
    fc.assert(
      fc.property(fc.nat(70_000), fc.nat(70_000), (first, last) => {
        expect(isPortRange(`${first}-${last}`)).toBe(first <= last && last <= 65_535);
      }),
    );
  });
});
