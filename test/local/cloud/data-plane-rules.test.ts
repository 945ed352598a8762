import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { matchingRule, type Packet } from "../../../local/cloud/data-plane/matching-rule.ts";
import { propertyRuns } from "../../support/property-runs.ts";

const asg =
  "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationSecurityGroups/";

function aPacket(
  more: { source?: string; sourcePort?: number; destination?: string } = {},
): Packet {
  const { source = "203.0.113.7", sourcePort = 50_000, destination = "10.10.1.4" } = more;
  return {
    source: { address: source, port: sourcePort, groups: [] },
    destination: { address: destination, port: 22, groups: [`${asg}app`.toLowerCase()] },
    virtualNetwork: ["10.10.0.0/16", "fd00:10::/48"],
  };
}

function aRuleThat(properties: Readonly<Record<string, unknown>>, name = "rule") {
  const any = {
    protocol: "*",
    sourcePortRange: "*",
    destinationPortRange: "*",
    access: "Allow",
    priority: 200,
    direction: "Inbound",
  };
  const ends = { sourceAddressPrefix: "*", destinationAddressPrefix: "*" };
  return { name, properties: { ...any, ...ends, ...properties } };
}

describe("a rule of the pretend cloud", () => {
  it.each([
    { case: "every protocol", rule: {}, speaks: true },
    { case: "TCP", rule: { protocol: "Tcp" }, speaks: true },
    { case: "another protocol", rule: { protocol: "Udp" }, speaks: false },
    { case: "the other direction", rule: { direction: "Outbound" }, speaks: false },
    { case: "the port", rule: { destinationPortRange: "22" }, speaks: true },
    {
      case: "a range that ends at the port",
      rule: { destinationPortRange: "20-22" },
      speaks: true,
    },
    { case: "a range behind the port", rule: { destinationPortRange: "23-90" }, speaks: false },
    {
      case: "several ports",
      rule: { destinationPortRange: "", destinationPortRanges: ["80", "21-23"] },
      speaks: true,
    },
    {
      case: "the port, with the empty plural ARM answers",
      rule: { destinationPortRange: "23", destinationPortRanges: [] },
      speaks: false,
    },
    { case: "the client's port", rule: { sourcePortRange: "50000" }, speaks: true },
    { case: "another client port", rule: { sourcePortRange: "1-1023" }, speaks: false },
    { case: "the source", rule: { sourceAddressPrefix: "203.0.113.7" }, speaks: true },
    { case: "a neighbour", rule: { sourceAddressPrefix: "203.0.113.8" }, speaks: false },
    { case: "the source's network", rule: { sourceAddressPrefix: "203.0.113.0/29" }, speaks: true },
    { case: "the network beside", rule: { sourceAddressPrefix: "203.0.113.8/29" }, speaks: false },
    { case: "all IPv4", rule: { sourceAddressPrefix: "0.0.0.0/0" }, speaks: true },
    { case: "all IPv6", rule: { sourceAddressPrefix: "::/0" }, speaks: false },
    {
      case: "several networks",
      rule: {
        sourceAddressPrefix: undefined,
        sourceAddressPrefixes: ["198.51.100.0/24", "203.0.113.7/32"],
      },
      speaks: true,
    },
    { case: "the Internet", rule: { sourceAddressPrefix: "Internet" }, speaks: true },
    { case: "the virtual network", rule: { sourceAddressPrefix: "VirtualNetwork" }, speaks: false },
    { case: "the probes", rule: { sourceAddressPrefix: "AzureLoadBalancer" }, speaks: false },
    { case: "a tag unknown here", rule: { sourceAddressPrefix: "AzureCloud" }, speaks: false },
    { case: "the machine", rule: { destinationAddressPrefix: "10.10.1.4" }, speaks: true },
    { case: "another machine", rule: { destinationAddressPrefix: "10.10.1.5" }, speaks: false },
    {
      case: "machines of the virtual network",
      rule: { destinationAddressPrefix: "VirtualNetwork" },
      speaks: true,
    },
    {
      case: "the machine's application security group",
      rule: {
        destinationAddressPrefix: undefined,
        destinationApplicationSecurityGroups: [{ id: `${asg}APP` }],
      },
      speaks: true,
    },
    {
      case: "an application security group the client is not in",
      rule: {
        sourceAddressPrefix: undefined,
        sourceApplicationSecurityGroups: [{ id: `${asg}app` }],
      },
      speaks: false,
    },
  ])("for $case speaks about a connection from outside to SSH: $speaks", ({ rule, speaks }) => {
    const found = matchingRule([aRuleThat(rule)], aPacket());

    expect(found?.name).toBe(speaks ? "rule" : undefined);
  });

  it.each([
    { tag: "VirtualNetwork", source: "10.10.8.9", speaks: true },
    { tag: "Internet", source: "10.10.8.9", speaks: false },
    { tag: "Internet", source: "192.168.1.1", speaks: false },
    { tag: "VirtualNetwork", source: "fd00:10:0:4::9", speaks: true },
    { tag: "Internet", source: "2001:db8:100::1", speaks: true },
    { tag: "AzureLoadBalancer", source: "168.63.129.16", speaks: true },
    { tag: "2001:db8:100::/48", source: "2001:db8:100::1", speaks: true },
    { tag: "2001:db8:200::/48", source: "2001:db8:100::1", speaks: false },
  ])("from $tag speaks about $source: $speaks", ({ tag, source, speaks }) => {
    const found = matchingRule([aRuleThat({ sourceAddressPrefix: tag })], aPacket({ source }));

    expect(found !== undefined).toBe(speaks);
  });

  it("decides when it has the lowest number of those that speak, wherever it stands", () => {
    const rules = [
      aRuleThat({ priority: 300, access: "Deny" }, "later"),
      aRuleThat({ priority: 100, protocol: "Udp" }, "about something else"),
      aRuleThat({ priority: 200 }, "first"),
    ];

    expect(matchingRule(rules, aPacket())?.name).toBe("first");
  });

  it("speaks about exactly the addresses that share its prefix's bits", () => {
    const bits = fc.nat({ max: 0xffff_ffff });
    fc.assert(
      fc.property(
        bits,
        fc.nat({ max: 32 }),
        bits,
        fc.nat({ max: 33 }),
        (base, length, noise, kept) => {
          const shift = BigInt(32 - length);
          const network = (BigInt(base) >> shift) << shift;
          // Near the network, so that both answers come up often.
          const mask = kept >= 32 ? 0n : (1n << BigInt(32 - kept)) - 1n;
          const address = network ^ (BigInt(noise) & mask);
          const rule = aRuleThat({ sourceAddressPrefix: `${dotted(network)}/${length}` });

          const found = matchingRule([rule], aPacket({ source: dotted(address) }));

          expect(found !== undefined).toBe(address >> shift === network >> shift);
        },
      ),
      propertyRuns,
    );
  });
});

function dotted(address: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join(".");
}
