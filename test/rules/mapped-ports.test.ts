import { describe, expect, it } from "@jest/globals";
import { mappedPorts } from "../../src/rules/firewall.ts";
import type { DesiredWindow } from "../../src/rules/intent.ts";
import { hashOf } from "../../src/rules/mapped-ports.ts";
import {
  aDesiredDeny,
  aDesiredWindow,
  aFirewall,
  publicAddresses,
  vmId,
} from "../support/builders.ts";
import { planOn, settleOn } from "./support/firewall-past.ts";

describe("the hash that ports are chosen by", () => {
  it.each([
    ["", 0x81_1c_9d_c5],
    ["a", 0xe4_0c_29_2c],
    ["foobar", 0xbf_9c_f9_68],
  ])("is FNV-1a of 32 bits: '%s'", (text, hash) => {
    expect(hashOf(text)).toBe(hash);
  });

  it("spreads the ports of many VMs", () => {
    const count = mappedPorts.last - mappedPorts.first + 1;
    const ports = Array.from({ length: 2_000 }, (_, index) => hashOf(`${vmId(`vm-${index}`)} 22`));

    expect(new Set(ports.map((hash) => hash % count)).size).toBeGreaterThan(1_800);
  });
});

describe("two VMs that would choose the same mapped port", () => {
  const machines = Array.from({ length: 1_000 }, (_, index) => ({
    vmId: vmId(`vm-${index}`),
    vmKey: index.toString(16).padStart(16, "0"),
    addresses: [`10.0.${index >> 8}.${index & 255}`],
  }));
  const windowOf = (machine: (typeof machines)[number] | undefined) =>
    aDesiredWindow({
      ...machine,
      requestId: `${machine?.vmKey.slice(8)}-90aa-4f0e-8a53-6a1f0f7c2b11`,
      publicAddresses,
    });
  const portOf = (...windows: readonly DesiredWindow[]) =>
    windows.map((window) => {
      const result = planOn(aFirewall(), { denies: [], windows: [window] }).results[
        window.windowId
      ];
      return result?.state === "open" ? result.entrance?.port : undefined;
    });
  const alike = [...Map.groupBy(machines, (machine) => portOf(windowOf(machine))[0]).values()].find(
    (same) => same.length > 1,
  );
  const denies = (alike ?? []).map((machine) => aDesiredDeny(machine));
  const [first, second] = [windowOf(alike?.[0]), windowOf(alike?.[1])];

  const entrances = (...windows: readonly DesiredWindow[]) => {
    const settled = windows.reduce(
      (firewall, _, index) => settleOn(firewall, { denies, windows: windows.slice(0, index + 1) }),
      aFirewall(),
    );
    const { results } = planOn(settled, { denies, windows });
    return [first, second].map(({ windowId }) => {
      const result = results[windowId];
      return result?.state === "open" ? result.entrance?.port : undefined;
    });
  };

  it("have two that are next to each other, the same whoever asks first", () => {
    const [one = 0, other = 0] = entrances(first, second);

    expect(alike?.length).toBeGreaterThan(1);
    expect(Math.abs(one - other)).toBe(1);
    expect(entrances(second, first)).toEqual([one, other]);
  });

  it("have the same when they ask alone", () => {
    const both = entrances(first, second);

    expect([entrances(first)[0], entrances(second)[1]]).toEqual(both);
  });
});
