import { describe, expect, it } from "@jest/globals";
import type { FirewallPath } from "../../src/ports.ts";
import { readGroup } from "../../src/rules/effective-group.ts";
import { accessBy, entrancesOf, type Way, waysTo } from "../../src/rules/effective-through.ts";
import type { Firewall, FirewallRule } from "../../src/rules/firewall.ts";
import { readFirewall } from "../../src/rules/firewall-effective.ts";
import type { SecurityRule } from "../../src/rules/nsg.ts";
import { aFirewallRule, aRule } from "../support/builders.ts";

const entrance = { address: "192.0.2.40", port: 33_354 };
const path: FirewallPath = {
  gateId: "fw",
  firewallId: "fw",
  publicAddresses: [entrance.address, "192.0.2.41"],
  subnets: ["10.20.0.0/26"],
};
const place = { address: "10.20.1.4", family: 4, gates: ["nsg"], firewalls: [path] } as const;
const traffic = { source: "203.0.113.7", port: 22, protocol: "TCP" } as const;

const dnat = (values: Partial<FirewallRule> = {}) =>
  aFirewallRule({
    name: "in",
    kind: "dnat",
    access: "Allow",
    sources: ["203.0.113.7"],
    destinations: [entrance.address],
    destinationPorts: [String(entrance.port)],
    translatedAddress: place.address,
    translatedPort: "22",
    ...values,
  });
const network = (values: Partial<FirewallRule> = {}) =>
  aFirewallRule({
    name: "let",
    sources: ["203.0.113.7", "10.50.0.0/24"],
    destinations: [place.address],
    destinationPorts: ["22"],
    ...values,
  });
const firewallOf = (...rules: readonly FirewallRule[]): Firewall => ({
  id: "fw",
  kind: "classic",
  name: "fw",
  rules,
  groupPriorities: [],
  publicAddresses: path.publicAddresses,
});
const nsgLets = (sources: readonly string[], values: Partial<SecurityRule> = {}) =>
  aRule({ name: "nsg-let", sources, destinationPorts: ["22"], ...values });

function access(
  way: Way,
  firewall: Firewall | undefined,
  rules: readonly SecurityRule[],
  asked: Partial<typeof traffic> | { readonly source: string } = {},
) {
  const groups = new Map([["nsg", readGroup({ id: "nsg", rules })]]);
  const read = firewall && readFirewall(firewall);
  return accessBy(way, place, { firewall: read, groups }, { ...traffic, ...asked });
}

const noMore = aRule({
  name: "no-more",
  priority: 4000,
  access: "Deny",
  protocol: "*",
  destinationPorts: ["*"],
});

describe("a way through a firewall", () => {
  const byEntrance = { path, entrance };
  const fromSubnet = nsgLets(["10.20.0.0/26"]);

  it.each([
    { case: "both let it through", rules: [dnat(), network()], nsg: [fromSubnet], is: "allowed" },
    { case: "nothing leads on", rules: [network()], nsg: [fromSubnet], is: "denied" },
    {
      case: "the NSG lets the person in, who is not seen there",
      rules: [dnat(), network()],
      nsg: [nsgLets(["203.0.113.7"]), noMore],
      is: "denied",
    },
    {
      case: "the NSG lets a part of the firewall's subnet in",
      rules: [dnat(), network()],
      nsg: [nsgLets(["10.20.0.0/28"])],
      is: "unknown",
    },
    {
      case: "it leads to another VM",
      rules: [dnat({ translatedAddress: "10.20.1.5" }), network()],
      nsg: [fromSubnet],
      is: "unknown",
    },
    {
      case: "a deny rule speaks about what was led on",
      rules: [dnat(), network({ access: "Deny" })],
      nsg: [fromSubnet],
      is: "unknown",
    },
  ])("by a public address is $is where $case", ({ rules, nsg, is }) => {
    expect(access(byEntrance, firewallOf(...rules), nsg).access).toBe(is);
  });

  it("to the VM's own address is that of the person, in the NSG too", () => {
    const inside = { source: "10.50.0.7" };

    const answers = [[fromSubnet], [nsgLets(["10.50.0.0/24"])]].map(
      (nsg) => access({ path }, firewallOf(network()), nsg, inside).access,
    );

    // Whether the other one is let in by the group's rule for its virtual network, nobody knows.
    expect(answers).toEqual(["unknown", "allowed"]);
  });

  it("is open in part where the firewall lets a part of the people through", () => {
    const all = { source: "203.0.113.0/24" };

    expect(access(byEntrance, firewallOf(dnat(), network()), [fromSubnet], all).access).toBe(
      "partly",
    );
  });

  it("is not known where the firewall is not, and shut all the same where the NSG is", () => {
    expect(access(byEntrance, undefined, [fromSubnet]).access).toBe("unknown");
    expect(access(byEntrance, undefined, [noMore]).access).toBe("denied");
  });

  it("names the rules of both gates", () => {
    expect(access(byEntrance, firewallOf(dnat(), network()), [fromSubnet]).gates).toEqual([
      { gateId: "fw", access: "allowed", rules: ["customer-400/in", "customer-400/let"] },
      { gateId: "nsg", access: "allowed", rules: ["nsg-let"] },
    ]);
  });
});

describe("the ways to an address", () => {
  const ways = (
    firewall: Firewall,
    source: string,
    at: Partial<Parameters<typeof waysTo>[0]> = {},
  ) =>
    waysTo({ ...place, ...at }, { source, port: 22 }, () => [entrancesOf(firewall)]).map(
      (way) => way.entrance?.port ?? "own",
    );
  const firewall = firewallOf(
    dnat(),
    dnat({ name: "second", destinations: ["192.0.2.41"], destinationPorts: ["2222"] }),
    dnat({ name: "other port", translatedPort: "3389", destinationPorts: ["3389"] }),
    dnat({ name: "not this one's", destinations: ["192.0.2.50"], destinationPorts: ["23"] }),
  );

  it.each([
    { source: "203.0.113.7", are: [33_354, 2222] },
    { source: "10.50.0.7", are: ["own"] },
    { source: "*", are: ["own", 33_354, 2222] },
    { source: "2001:db8::7", are: [] },
  ])("from $source are $are", ({ source, are }) => {
    expect(ways(firewall, source)).toEqual(are);
  });

  it("from outside, where nothing leads on, are judged by its own address", () => {
    expect(ways(firewallOf(), "203.0.113.7")).toEqual(["own"]);
  });

  it("go through no firewall for IPv6, or where there is none", () => {
    expect(ways(firewall, "*", { address: "fd00::6", family: 6 })).toEqual([]);
    expect(ways(firewall, "*", { firewalls: undefined })).toEqual([]);
  });

  it("are all public addresses where a rule leads from any", () => {
    expect(ways(firewallOf(dnat({ destinations: ["*"] })), "203.0.113.7")).toEqual([
      33_354, 33_354,
    ]);
  });
});
