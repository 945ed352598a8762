import { describe, expect, it } from "@jest/globals";
import { vmChanges } from "../../src/policy/vm-changes.ts";
import { aPolicy, aPort, aVirtualMachine, vmId } from "../support/builders.ts";

const web1 = vmId("web-1");
const web2 = vmId("web-2");
/** A rule of one source as it is told. */
const port = (values = {}) => {
  const { number, protocol, allowedSourceAddressPrefix, maxRequestAccessDuration } = aPort(values);
  return JSON.stringify({ number, protocol, allowedSourceAddressPrefix, maxRequestAccessDuration });
};
const withPorts = (...ports: ReturnType<typeof aPort>[]) => aPolicy({ ports });

describe("what a change of a policy means for its VMs", () => {
  it("is told port by port: what was there, and what is there now", () => {
    const [before, after] = [
      withPorts(aPort(), aPort({ number: 80 })),
      withPorts(aPort({ maxRequestAccessDuration: "PT1H" }), aPort({ number: 3389 })),
    ].map(({ virtualMachines }) => ({ virtualMachines }));

    expect(vmChanges([web1], before, after)).toEqual([
      {
        vmId: web1,
        changes: [
          { path: "ports[22]", before: port(), after: port({ maxRequestAccessDuration: "PT1H" }) },
          { path: "ports[3389]", after: port({ number: 3389 }) },
          { path: "ports[80]", before: port({ number: 80 }) },
        ],
      },
    ]);
  });

  it("is told of each VM that is added or dropped, and not of those that stay as they were", () => {
    const stays = aVirtualMachine({ id: vmId("stays") });
    const before = aPolicy({ virtualMachines: [stays, aVirtualMachine({ id: web1 })] });
    const after = aPolicy({ virtualMachines: [aVirtualMachine({ id: web2 }), stays] });

    expect(vmChanges([web2, stays.id, web1], before, after)).toEqual([
      { vmId: web2, changes: [{ path: "ports[22]", after: port() }] },
      { vmId: web1, changes: [{ path: "ports[22]", before: port() }] },
    ]);
  });

  it("tells all that was there when the policy is deleted", () => {
    const policy = aPolicy({
      takePriority: true,
      virtualMachines: [aVirtualMachine({ publicIpAddress: "198.51.100.1" })],
    });

    expect(vmChanges([web1], policy, undefined)).toEqual([
      {
        vmId: web1,
        changes: [
          { path: "ports[22]", before: port() },
          { path: "publicIpAddress", before: '"198.51.100.1"' },
          { path: "takePriority", before: "true" },
        ],
      },
    ]);
  });

  it("takes VMs for the same whatever the case of their ids, and sources in any order", () => {
    const [one, other] = [
      ["203.0.113.0/24", "198.51.100.0/24"],
      ["198.51.100.0/24", "203.0.113.0/24"],
    ].map((allowedSourceAddressPrefixes) => aPort({ allowedSourceAddressPrefixes }));
    const after = aPolicy({
      virtualMachines: [{ id: web1.toUpperCase(), ports: [other ?? aPort()] }],
    });

    expect(vmChanges([web1], withPorts(one ?? aPort()), after)).toEqual([]);
  });

  it("tells of a long list of sources which came and which went", () => {
    const sources = Array.from({ length: 100 }, (_, index) => `10.0.${index}.0/24`);
    const before = withPorts(aPort({ allowedSourceAddressPrefixes: sources }));
    const after = withPorts(
      aPort({ allowedSourceAddressPrefixes: [...sources.slice(1), "10.1.0.0/16"] }),
    );

    expect(vmChanges([web1], before, after)[0]?.changes).toEqual([
      { path: "ports[22].allowedSourceAddressPrefixes[10.0.0.0/24]", before: '"10.0.0.0/24"' },
      { path: "ports[22].allowedSourceAddressPrefixes[10.1.0.0/16]", after: '"10.1.0.0/16"' },
    ]);
  });

  it("stays small enough to be stored with the largest policy, and says how much it leaves out", () => {
    const ports = Array.from({ length: 10 }, (_, index) => aPort({ number: index + 1 }));
    const names = Array.from({ length: 1_000 }, (_, index) => vmId(`vm-${index}`));
    const policy = aPolicy({ virtualMachines: names.map((id) => ({ id, ports })) });

    const told = vmChanges(names, undefined, policy);

    expect(told).toHaveLength(1_000);
    expect(told[999]?.changes).toEqual([
      { path: "ports[10]", after: port({ number: 10 }) },
      { path: "9 more", after: "9" },
    ]);
    expect(JSON.stringify(told).length).toBeLessThan(500_000);
  });
});
