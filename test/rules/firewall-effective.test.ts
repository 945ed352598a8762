import { describe, expect, it } from "@jest/globals";
import type { FirewallRule } from "../../src/rules/firewall.ts";
import {
  accessThroughFirewall,
  type DnatReading,
  readFirewall,
} from "../../src/rules/firewall-effective.ts";
import { aDnatRule, aFirewall, aFirewallRule, publicAddresses } from "../support/builders.ts";

const [entrance, other] = publicAddresses;
const vm = "10.0.0.4";

type Asked = Parameters<typeof accessThroughFirewall>[1];

const ask = (
  rules: readonly FirewallRule[],
  traffic: Partial<Asked> = {},
  reading: DnatReading = "deny wins",
) =>
  accessThroughFirewall(
    readFirewall(aFirewall(...rules)),
    { source: "203.0.113.7", destination: vm, port: 22, protocol: "TCP", ...traffic },
    reading,
  );

const toVm = (values: Partial<FirewallRule> = {}) =>
  aFirewallRule({ sources: ["*"], destinations: [vm], destinationPorts: ["22"], ...values });
const denySsh = toVm({ name: "deny-ssh", access: "Deny", order: [300] });
/** Leads from port 2222 of the first public address to SSH of the VM. */
const leading = (values: Partial<FirewallRule> = {}) =>
  aDnatRule({
    destinationPorts: ["2222"],
    translatedAddress: vm,
    translatedPort: "22",
    ...values,
  });
const atEntrance = { destination: entrance, port: 2222 };

describe("traffic to a private address behind a firewall", () => {
  it("is denied where no rule speaks about it", () => {
    expect(ask([])).toEqual({ access: "denied", rules: [], leadsTo: [] });
  });

  it.each<[string, readonly FirewallRule[], string]>([
    ["an allow rule", [toVm()], "allowed"],
    ["an allow rule before a deny rule", [toVm({ order: [200] }), denySsh], "allowed"],
    ["a deny rule before an allow rule", [toVm({ order: [400] }), denySsh], "denied"],
    ["an allow rule for some of it", [toVm({ sources: ["203.0.113.0/24"] })], "allowed"],
    ["an allow rule for others", [toVm({ sources: ["192.0.2.0/24"] })], "denied"],
    ["an allow rule for UDP", [toVm({ protocols: ["UDP"] })], "denied"],
    ["an allow rule for any protocol", [toVm({ protocols: ["Any"] })], "allowed"],
    ["an allow rule for ICMP", [toVm({ protocols: ["ICMP"] })], "denied"],
    [
      "a rule for a range that holds it",
      [toVm({ destinations: ["10.0.0.1-10.0.0.9"] })],
      "allowed",
    ],
    ["a rule for a range beside it", [toVm({ destinations: ["10.0.0.5-10.0.0.9"] })], "denied"],
    [
      "a rule for a service tag, which has public addresses",
      [toVm({ destinations: ["Sql"] })],
      "denied",
    ],
    ["a rule for who knows whom", [toVm({ sources: [], isPartlyUnknown: true })], "unknown"],
    ["a rule for them and who knows whom else", [toVm({ isPartlyUnknown: true })], "allowed"],
    ["a rule that names no protocol", [toVm({ protocols: [] })], "unknown"],
    [
      "a rule for a group of the parent policy",
      [toVm({ order: [0, 900, 100] }), toVm({ access: "Deny", order: [1, 100, 100] })],
      "allowed",
    ],
  ])("is judged by %s", (_case, rules, access) => {
    expect(ask(rules).access).toBe(access);
  });

  it("is partly allowed where a rule lets some of it through", () => {
    const rule = toVm({ sources: ["203.0.113.0/25"] });

    expect(ask([rule], { source: "203.0.113.0/24" })).toEqual({
      access: "partly",
      rules: [`${rule.collection}/${rule.name}`],
      leadsTo: [],
    });
  });

  it("is none between address families, and unknown where an address cannot be read", () => {
    expect(ask([toVm()], { source: "2001:db8::7" }).access).toBe("denied");
    expect(ask([toVm()], { destination: "web-1" }).access).toBe("unknown");
  });
});

describe("traffic to a public address of a firewall", () => {
  it("is denied where no DNAT rule leads it on, whatever network rules say", () => {
    const all = toVm({ destinations: ["*"], destinationPorts: ["*"] });

    expect(ask([all], atEntrance)).toMatchObject({ access: "denied", leadsTo: [] });
    expect(ask([all, leading()], { ...atEntrance, destination: other }).access).toBe("denied");
    expect(ask([all, leading()], { ...atEntrance, port: 2223 }).access).toBe("denied");
    expect(ask([all, leading()], { ...atEntrance, protocol: "UDP" }).access).toBe("denied");
  });

  it("is led to the VM", () => {
    expect(ask([leading()], atEntrance)).toEqual({
      access: "allowed",
      rules: ["customer-nat-400/shop"],
      leadsTo: [{ address: vm, port: 22 }],
    });
  });

  it("is denied by a network rule if that is read after DNAT, and not if it is not", () => {
    const rules = [leading(), denySsh];

    expect(ask(rules, atEntrance, "deny wins").access).toBe("denied");
    expect(ask(rules, atEntrance, "dnat ends").access).toBe("allowed");
  });

  it("is allowed both ways where an allow rule is read before the deny rule", () => {
    const rules = [leading(), toVm({ order: [200] }), denySsh];

    expect(ask(rules, atEntrance, "deny wins").access).toBe("allowed");
    expect(ask(rules, atEntrance, "dnat ends").access).toBe("allowed");
  });

  it("is led by the first rule that speaks about it", () => {
    const first = leading({
      name: "first",
      order: [300],
      sources: ["203.0.113.0/25"],
      translatedAddress: "10.0.0.9",
    });

    expect(ask([leading(), first], atEntrance).leadsTo).toEqual([
      { address: "10.0.0.9", port: 22 },
    ]);
    expect(ask([leading(), first], { ...atEntrance, source: "203.0.113.200" }).leadsTo).toEqual([
      { address: vm, port: 22 },
    ]);
    expect(ask([leading(), first], { ...atEntrance, source: "*" })).toMatchObject({
      access: "allowed",
      leadsTo: [
        { address: "10.0.0.9", port: 22 },
        { address: vm, port: 22 },
      ],
    });
  });

  it("is partly denied where one of two places that it is led to is closed", () => {
    const first = leading({
      order: [300],
      sources: ["203.0.113.0/25"],
      translatedAddress: "10.0.0.9",
    });

    expect(ask([leading(), first, denySsh], { ...atEntrance, source: "*" }).access).toBe("partly");
  });

  it("may be led by a rule that cannot be read, or to a place that cannot", () => {
    const perhaps = leading({ sources: [], isPartlyUnknown: true });
    const somewhere = leading({ translatedAddress: undefined });

    expect(ask([perhaps], atEntrance)).toMatchObject({
      access: "unknown",
      leadsTo: [{ address: vm, port: 22 }],
    });
    expect(ask([somewhere], atEntrance)).toMatchObject({ access: "unknown", leadsTo: [] });
    expect(ask([somewhere], atEntrance, "dnat ends").access).toBe("allowed");
  });
});
