import { describe, expect, it } from "@jest/globals";
import type { SecurityRule } from "../../src/rules/nsg.ts";
import { certainlyBlocks, mayTouch } from "../../src/rules/overlap.ts";
import { aRule } from "../support/builders.ts";

const group = "/subscriptions/s/providers/Microsoft.Network/applicationSecurityGroups/web";

/** Everything to the SSH and RDP ports of 10.0.0.4. */
const ourDeny = aRule({
  access: "Deny",
  protocol: "*",
  destinations: ["10.0.0.4"],
  destinationPorts: ["22", "3389"],
});

describe("a customer's rule", () => {
  it.each<[string, Partial<SecurityRule>, boolean]>([
    ["for everything", { protocol: "*", destinationPorts: ["*"] }, true],
    ["for one of the ports", { destinationPorts: ["443", "3389"] }, true],
    ["for a range of ports around one", { destinationPorts: ["20-30"] }, true],
    ["for other ports", { destinationPorts: ["443", "23-3388"] }, false],
    ["for the VM's network", { destinationPorts: ["22"], destinations: ["10.0.0.0/24"] }, true],
    ["for another address", { destinationPorts: ["22"], destinations: ["10.0.0.5"] }, false],
    ["for the other family", { destinationPorts: ["22"], destinations: ["::/0"] }, false],
    ["for all of this family", { destinationPorts: ["22"], destinations: ["0.0.0.0/0"] }, true],
    [
      "for a tag, which may be it",
      { destinationPorts: ["22"], destinations: ["VirtualNetwork"] },
      true,
    ],
    [
      "for a group, which may hold it",
      { destinationPorts: ["22"], destinations: [], destinationGroups: [group] },
      true,
    ],
    [
      "of another protocol, as ours is for any",
      { destinationPorts: ["22"], protocol: "Udp" },
      true,
    ],
    ["whose ports cannot be read, which may be them", { destinationPorts: ["ssh"] }, true],
  ])("%s touches our deny rule: %s", (_case, values, expected) => {
    expect(mayTouch(aRule(values), ourDeny)).toBe(expected);
  });

  it("for UDP does not touch one for TCP", () => {
    const tcp = { ...ourDeny, protocol: "Tcp" };

    expect(mayTouch(aRule({ destinationPorts: ["22"], protocol: "Udp" }), tcp)).toBe(false);
  });
});

describe("a customer's deny rule", () => {
  /** SSH to 10.0.0.4 from one address and one range. */
  const ourAllow = aRule({
    sources: ["203.0.113.7", "198.51.100.0/24"],
    destinations: ["10.0.0.4"],
    destinationPorts: ["22"],
  });
  const blocks = (values: Partial<SecurityRule>, allow = ourAllow) =>
    certainlyBlocks(
      aRule({ access: "Deny", protocol: "*", destinationPorts: ["*"], ...values }),
      allow,
    );

  it.each<[string, Partial<SecurityRule>, boolean]>([
    ["for everything", {}, true],
    ["for our port alone", { destinationPorts: ["20-25"] }, true],
    ["for other ports", { destinationPorts: ["0-21", "23-65535"] }, false],
    ["for our protocol", { protocol: "Tcp" }, true],
    ["for another protocol", { protocol: "Udp" }, false],
    ["for one of our sources", { sources: ["203.0.113.0/24"] }, true],
    ["for half of one of our sources", { sources: ["198.51.100.0/25"] }, false],
    ["for sources of the other family", { sources: ["::/0"] }, false],
    ["for all sources of our family", { sources: ["0.0.0.0/0"] }, true],
    ["for the Internet", { sources: ["Internet"] }, true],
    ["for the virtual network", { sources: ["VirtualNetwork"] }, false],
    ["for a group of sources", { sources: [], sourceGroups: [group] }, false],
    ["for some source ports", { sourcePorts: ["1024-65535"] }, false],
    ["for all source ports, written out", { sourcePorts: ["0-65535"] }, true],
    ["for all of the VM's network by its tag", { destinations: ["VirtualNetwork"] }, true],
    ["for the VM's network", { destinations: ["10.0.0.0/24"] }, true],
    ["for other destinations", { destinations: ["10.0.1.0/24"] }, false],
    ["for destinations of the other family", { destinations: ["::/0"] }, false],
    ["for a group of destinations", { destinations: [], destinationGroups: [group] }, false],
  ])("%s certainly blocks our allow rule: %s", (_case, values, expected) => {
    expect(blocks(values)).toBe(expected);
  });

  it.each<[string, string, boolean]>([
    ["any source", "*", true],
    ["every IPv4 address", "0.0.0.0/0", true],
    ["every IPv6 address", "::/0", false],
    ["many sources", "203.0.0.0/8", false],
    ["the Internet", "Internet", false],
  ])("for %s blocks one of ours for any source: %s", (_case, source, expected) => {
    expect(blocks({ sources: [source] }, { ...ourAllow, sources: ["*"] })).toBe(expected);
  });

  it("for the Internet does not block a private source", () => {
    const allow = { ...ourAllow, sources: ["192.168.1.7", "fd00::7"] };

    expect(blocks({ sources: ["Internet"] }, allow)).toBe(false);
  });

  it("for one of two addresses of the VM does not block a rule for both", () => {
    const allow = { ...ourAllow, destinations: ["10.0.0.4", "10.0.0.5"] };

    expect(blocks({ destinations: ["10.0.0.4"] }, allow)).toBe(false);
  });
});
