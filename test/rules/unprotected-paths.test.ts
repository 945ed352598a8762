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
});
