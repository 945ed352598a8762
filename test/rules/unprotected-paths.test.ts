import { describe, expect, it } from "@jest/globals";
import type { Machine } from "../../src/ports.ts";
import { unprotectedPaths } from "../../src/rules/unprotected-paths.ts";
import { aGroup, vmId } from "../support/builders.ts";

const nic = (name: string) =>
  `/subscriptions/s/resourceGroups/shop/providers/Microsoft.Network/networkInterfaces/${name}`;
const covered = [aGroup().id];
const aMachine = (...addresses: Machine["addresses"]): Machine => ({
  id: vmId(),
  name: "web-1",
  location: "westeurope",
  addresses,
});

describe("the ways to a VM", () => {
  it("are all protected where a gate stands before every address", () => {
    const machine = aMachine(
      { address: "10.0.0.4", family: 4, networkInterfaceId: nic("front"), gates: covered },
      { address: "fd00::4", family: 6, networkInterfaceId: nic("front"), gates: covered },
    );

    expect(unprotectedPaths(machine)).toEqual([]);
  });

  it("are told of where none does, address by address, with the network interface", () => {
    const machine = aMachine(
      { address: "10.0.0.4", family: 4, networkInterfaceId: nic("front"), gates: covered },
      { address: "10.0.1.4", family: 4, networkInterfaceId: nic("back"), gates: [] },
      { address: "fd00::4", family: 6, networkInterfaceId: nic("back"), gates: [] },
    );

    const findings = unprotectedPaths(machine);

    expect(findings).toMatchObject([
      { code: "UnprotectedPath", target: nic("back"), vmId: vmId() },
      { code: "UnprotectedPath", target: nic("back"), vmId: vmId() },
    ]);
    expect(findings.map(({ message }) => message)).toEqual([
      expect.stringContaining("10.0.1.4"),
      expect.stringContaining("fd00::4"),
    ]);
  });

  it("are protected by a firewall before a group, and from outside alone by a firewall without one", () => {
    const firewall = {
      gateId: "/subscriptions/s/fw",
      firewallId: "/subscriptions/s/fw",
      publicAddresses: ["192.0.2.40"],
      subnets: ["10.1.0.0/26"],
    };
    const behind = (address: string, gates: readonly string[]) => ({
      address,
      family: 4 as const,
      networkInterfaceId: nic("front"),
      gates,
      firewalls: [firewall],
    });
    const machine = aMachine(
      behind("10.0.0.4", [firewall.gateId, ...covered]),
      behind("10.0.0.5", [firewall.gateId.toUpperCase()]),
    );

    expect(unprotectedPaths(machine)).toEqual([
      {
        code: "FirewallOnly",
        message: expect.stringContaining("10.0.0.5"),
        target: nic("front"),
        vmId: vmId(),
      },
    ]);
  });

  it.each(["virtual hub", "not a firewall", "not readable"] as const)(
    "are told of where routes lead through what cannot be managed: %s",
    (why) => {
      const machine = aMachine({
        address: "10.0.0.4",
        family: 4,
        networkInterfaceId: nic("front"),
        gates: covered,
        detours: [{ nextHop: "10.9.0.4", why }],
      });

      expect(unprotectedPaths(machine)).toEqual([
        {
          code: "FirewallNotManaged",
          message: expect.stringContaining("10.9.0.4"),
          target: "10.9.0.4",
          vmId: vmId(),
        },
      ]);
    },
  );
});
