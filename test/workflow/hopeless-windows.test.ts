import { describe, expect, it } from "@jest/globals";
import type { MachineAddress } from "../../src/ports.ts";
import { hopelessReasons } from "../../src/workflow/wanted-windows.ts";
import { aWindow, noon, vmId } from "../support/builders.ts";

const nsg = "/nsg";
const firewall = "/firewall";
const path = (...publicAddresses: readonly string[]) => ({
  gateId: firewall,
  firewallId: firewall,
  publicAddresses,
  subnets: ["10.0.9.0/26"],
});
const anAddress = (values: Partial<MachineAddress> = {}): MachineAddress => ({
  address: "10.0.0.4",
  family: 4,
  networkInterfaceId: "/nic",
  gates: [firewall, nsg],
  firewalls: [path()],
  ...values,
});

const reasonsFor = (sources: readonly string[], ...addresses: readonly MachineAddress[]) =>
  hopelessReasons(
    aWindow({ sources }),
    { id: vmId(), name: "web-1", location: "westeurope", addresses },
    noon,
  );

describe("a window of a VM behind a firewall", () => {
  it("is hopeless for those outside where neither the VM nor the firewall has a public address", () => {
    expect(reasonsFor(["10.1.0.0/16", "203.0.113.7"], anAddress())).toEqual([
      {
        code: "FirewallWithoutPublicAddress",
        message: `Neither '${vmId()}' nor the firewall in front of it has a public address by which 203.0.113.7 could come. Name a source inside the network.`,
        target: vmId(),
      },
    ]);
  });

  it.each<[string, readonly string[], readonly MachineAddress[]]>([
    ["from inside", ["10.1.0.0/16"], [anAddress()]],
    ["for everybody, of whom some are inside", ["*"], [anAddress()]],
    ["by a public address of the VM's own", ["203.0.113.7"], [anAddress({ publicIpId: "/pip" })]],
    [
      "by one of its second address",
      ["203.0.113.7"],
      [anAddress(), anAddress({ address: "10.0.0.5", publicIpId: "/pip" })],
    ],
    [
      "by the second of two firewalls",
      ["203.0.113.7"],
      [anAddress({ firewalls: [path(), path("192.0.2.40")] })],
    ],
    [
      "by an address that no firewall stands before",
      ["203.0.113.7"],
      [anAddress(), anAddress({ address: "10.0.0.5", gates: [nsg], firewalls: undefined })],
    ],
    [
      "by IPv6, which firewalls do not know",
      ["2001:db8::7"],
      [
        anAddress(),
        anAddress({ address: "fd00::4", family: 6, gates: [nsg], firewalls: undefined }),
      ],
    ],
  ])("can be opened %s", (_case, sources, addresses) => {
    expect(reasonsFor(sources, ...addresses)).toEqual([]);
  });
});
