import { describe, expect, it } from "@jest/globals";
import { type Access, accessThrough, type Traffic } from "../../src/rules/effective.ts";
import { readGroup } from "../../src/rules/effective-group.ts";
import type { SecurityRule } from "../../src/rules/nsg.ts";
import { aGroup, aRule } from "../support/builders.ts";

const group = "/subscriptions/s/providers/Microsoft.Network/applicationSecurityGroups/web";

/** SSH from 203.0.113.7 to 10.0.0.4. */
const ssh = (values: Partial<Traffic & { destination: string }> = {}) =>
  ({
    source: "203.0.113.7",
    destination: "10.0.0.4",
    port: 22,
    protocol: "TCP",
    ...values,
  }) as const;

/** Allows SSH to everything from anywhere. */
const allowSsh = (values: Partial<SecurityRule> = {}) =>
  aRule({ name: "allow-ssh", priority: 400, destinationPorts: ["22"], ...values });

/** Denies everything. */
const denyAll = (values: Partial<SecurityRule> = {}) =>
  aRule({
    name: "deny-all",
    priority: 4_096,
    access: "Deny",
    protocol: "*",
    destinationPorts: ["*"],
    ...values,
  });

const through = (rules: readonly SecurityRule[], traffic: Parameters<typeof ssh>[0] = {}) =>
  accessThrough(readGroup(aGroup(...rules)), ssh(traffic));

describe("a network security group without rules of its own", () => {
  it.each<[string, string, Access, readonly string[]]>([
    ["a public address", "203.0.113.7", "denied", ["DenyAllInBound"]],
    ["the Internet", "Internet", "denied", ["DenyAllInBound"]],
    [
      "a private address, which may be the virtual network's",
      "10.0.7.1",
      "unknown",
      ["AllowVnetInBound", "DenyAllInBound"],
    ],
    [
      "an address of another company's private network",
      "192.168.0.0/16",
      "unknown",
      ["AllowVnetInBound", "DenyAllInBound"],
    ],
    [
      "Azure's health probes",
      "168.63.129.16",
      "allowed",
      ["AllowVnetInBound", "AllowAzureLoadBalancerInBound"],
    ],
    [
      "anybody",
      "*",
      "partly",
      ["AllowVnetInBound", "AllowAzureLoadBalancerInBound", "DenyAllInBound"],
    ],
  ])("makes of traffic from %s what the default rules say", (_case, source, access, rules) => {
    expect(through([], { source })).toEqual({ access, rules });
  });

  it("may take public addresses for the virtual network's where the VM itself has one for its private address", () => {
    expect(through([], { destination: "20.1.2.3" })).toEqual({
      access: "unknown",
      rules: ["AllowVnetInBound", "DenyAllInBound"],
    });
  });
});

describe("a rule that may be the first to speak", () => {
  it("decides, and is the one that is named", () => {
    const rules = [denyAll(), allowSsh({ name: "later", priority: 500 }), allowSsh()];

    expect(through(rules)).toEqual({ access: "allowed", rules: ["allow-ssh"] });
    expect(through([...rules, denyAll({ name: "first", priority: 100 })])).toEqual({
      access: "denied",
      rules: ["first"],
    });
  });

  it.each<[string, Access, Partial<SecurityRule>]>([
    ["a range of ports around it", "allowed", { destinationPorts: ["443", "20-30"] }],
    ["all ports", "allowed", { destinationPorts: ["*"] }],
    ["other ports", "denied", { destinationPorts: ["443", "23-3388"] }],
    ["ports that cannot be read", "unknown", { destinationPorts: ["ssh"] }],
    ["any protocol", "allowed", { protocol: "*" }],
    ["its protocol in capitals", "allowed", { protocol: "TCP" }],
    ["another protocol", "denied", { protocol: "Udp" }],
    ["pings", "denied", { protocol: "Icmp", destinationPorts: ["*"] }],
    ["a protocol that is not known here", "unknown", { protocol: "Sctp" }],
    ["outbound traffic", "denied", { direction: "Outbound" }],
    [
      "several networks, the VM's among them",
      "allowed",
      { destinations: ["10.9.0.0/16", "10.0.0.0/24"] },
    ],
    ["other networks", "denied", { destinations: ["10.9.0.0/16", "10.0.1.0/24"] }],
    ["every IPv4 address", "allowed", { destinations: ["0.0.0.0/0"] }],
    ["every IPv6 address", "denied", { destinations: ["::/0"] }],
    ["the virtual network, in which every VM is", "allowed", { destinations: ["VirtualNetwork"] }],
    ["the Internet, in which no VM is", "denied", { destinations: ["Internet"] }],
    ["a service, of which no private address is", "denied", { destinations: ["Sql.WestEurope"] }],
    [
      "an application security group, in which the VM may be",
      "unknown",
      { destinations: [], destinationGroups: [group] },
    ],
    ["a destination that cannot be read", "unknown", { destinations: ["789"] }],
    [
      "several sources, the asking one among them",
      "allowed",
      { sources: ["198.51.100.0/24", "203.0.113.0/24"] },
    ],
    ["other sources", "denied", { sources: ["198.51.100.0/24", "203.0.113.8"] }],
    ["nobody at all, which Azure lets nobody write", "unknown", { sources: [] }],
    ["some source ports", "unknown", { sourcePorts: ["1024-65535"] }],
    ["all source ports, in two ranges", "allowed", { sourcePorts: ["1024-65535", "0-1023"] }],
  ])("that allows SSH for %s makes it %s", (_case, access, values) => {
    expect(through([allowSsh(values)]).access).toBe(access);
  });
});

describe("a source tag", () => {
  const publicly = "203.0.113.7";
  const privately = "10.0.7.1";

  it.each<[string, string, Access]>([
    ["Internet", publicly, "allowed"],
    ["INTERNET", publicly, "allowed"],
    ["Internet", "Internet", "allowed"],
    ["Internet", privately, "denied"],
    ["Internet", "100.64.0.1", "unknown"],
    ["VirtualNetwork", publicly, "denied"],
    ["VirtualNetwork", privately, "unknown"],
    ["VIRTUAL_NETWORK", privately, "unknown"],
    ["AzureLoadBalancer", "168.63.129.16", "allowed"],
    ["AzureLoadBalancer", publicly, "denied"],
    ["AzureLoadBalancer", privately, "denied"],
    ["AzureCloud", publicly, "unknown"],
    ["Storage.WestEurope", publicly, "unknown"],
    ["Storage.WestEurope", privately, "denied"],
    ["10.0.0.1..10.0.0.9", publicly, "unknown"],
  ])("%s of an allow rule makes traffic from %s %s", (tag, source, access) => {
    expect(through([allowSsh({ sources: [tag] }), denyAll()], { source }).access).toBe(access);
  });

  it("that may or may not speak changes nothing where the rules behind it say the same", () => {
    const rules = [
      allowSsh({ sources: ["AzureCloud"], name: "cloud" }),
      allowSsh({ priority: 401 }),
    ];

    expect(through(rules)).toEqual({ access: "allowed", rules: ["cloud", "allow-ssh"] });
  });

  it("that may or may not speak is named when it leaves the answer open", () => {
    const rules = [denyAll({ sources: ["AzureCloud"], name: "cloud", priority: 100 }), allowSsh()];

    expect(through(rules)).toEqual({ access: "unknown", rules: ["cloud", "allow-ssh"] });
  });

  it("is certain of the public addresses behind those of which it is not", () => {
    const known = denyAll({ priority: 100, sources: ["100.0.0.0/10", "100.64.0.0/10"] });
    const rules = [known, allowSsh({ sources: ["Internet"] }), denyAll({ name: "end" })];

    expect(through(rules, { source: "100.0.0.0/8" }).access).toBe("partly");
  });

  it("is not relied upon where the VM has a public address for its private one", () => {
    const rules = [allowSsh({ sources: ["Internet"] }), denyAll()];

    expect(through(rules, { destination: "20.1.2.3" }).access).toBe("unknown");
  });
});

describe("an application security group as source", () => {
  const rules = [allowSsh({ sources: [], sourceGroups: [group] }), denyAll()];

  it.each<[string, Access]>([
    ["10.0.7.1", "unknown"],
    ["203.0.113.7", "denied"],
  ])("has members inside the virtual network alone: %s is %s", (source, access) => {
    expect(through(rules, { source }).access).toBe(access);
  });
});

describe("traffic from many", () => {
  const office = allowSsh({ name: "office", sources: ["203.0.113.0/24"] });

  it.each<[string, string, Access, readonly string[]]>([
    ["all of whom a rule lets in", "203.0.113.128/25", "allowed", ["office"]],
    ["some of whom a rule lets in", "203.0.112.0/23", "partly", ["office", "deny-all"]],
    ["none of whom a rule lets in", "203.0.114.0/24", "denied", ["deny-all"]],
    ["everybody", "*", "partly", ["office", "deny-all"]],
    ["the Internet", "Internet", "partly", ["office", "deny-all"]],
  ])("%s is told apart", (_case, source, access, rules) => {
    expect(through([office, denyAll()], { source })).toEqual({ access, rules });
  });

  it("is allowed when several rules let all of them in together", () => {
    const halves = [
      allowSsh({ name: "low", sources: ["203.0.113.0/25"] }),
      allowSsh({ name: "high", sources: ["203.0.113.128/25"], priority: 401 }),
    ];

    expect(through([...halves, denyAll()], { source: "203.0.113.0/24" })).toEqual({
      access: "allowed",
      rules: ["low", "high"],
    });
  });

  it("is partly allowed even where it is not known of some", () => {
    const rules = [
      allowSsh({ sources: ["203.0.113.0/24"] }),
      allowSsh({ name: "sql", priority: 401, sources: ["Sql"] }),
    ];
    const known = denyAll({ name: "known", priority: 100, sources: ["198.51.100.7"] });

    expect(through([...rules, denyAll()], { source: "Internet" }).access).toBe("unknown");
    expect(through([known, ...rules, denyAll()], { source: "Internet" }).access).toBe("partly");
  });

  it("for any protocol is TCP and UDP, and is allowed when both are", () => {
    const udp = allowSsh({ name: "udp", protocol: "Udp", priority: 401 });

    expect(through([allowSsh()], { protocol: "*" })).toEqual({
      access: "partly",
      rules: ["allow-ssh", "DenyAllInBound"],
    });
    expect(through([allowSsh(), udp], { protocol: "*" })).toEqual({
      access: "allowed",
      rules: ["allow-ssh", "udp"],
    });
  });
});

describe("IPv6 traffic", () => {
  const v6 = { source: "2001:db8::7", destination: "fd00::4" };

  it.each<[string, Partial<SecurityRule>, Access]>([
    ["anybody", {}, "allowed"],
    ["its network", { sources: ["2001:db8::/32"] }, "allowed"],
    ["another network", { sources: ["2001:db9::/32"] }, "denied"],
    ["the Internet", { sources: ["Internet"] }, "allowed"],
    ["every IPv4 address", { sources: ["0.0.0.0/0"] }, "denied"],
    ["the virtual network", { sources: ["VirtualNetwork"] }, "denied"],
    ["Azure's load balancer", { sources: ["AzureLoadBalancer"] }, "denied"],
  ])("is matched as IPv4 is: a rule for %s", (_case, values, access) => {
    expect(through([allowSsh(values), denyAll()], v6).access).toBe(access);
  });

  it("does not get to an IPv4 address, and no rule is to be thanked", () => {
    expect(through([allowSsh()], { source: "2001:db8::7" })).toEqual({
      access: "denied",
      rules: [],
    });
  });
});

describe("traffic that cannot be read", () => {
  it.each([
    [{ source: "office" }],
    [{ source: "10.0.0.1/8" }],
    [{ destination: "" }],
    [{ destination: "10.0.0.0/24" }],
  ])("%j is unknown rather than anything else", (values) => {
    expect(through([denyAll()], values)).toEqual({ access: "unknown", rules: [] });
  });
});
