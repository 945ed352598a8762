import { resourceName } from "../policy/resource-id.ts";
import type { Detour, Machine, MachineAddress } from "../ports.ts";
import { bounded, type Finding } from "../reasons.ts";

/**
 * The ways to a VM that are not held as they should be: an address with no gate before it, or with a firewall alone, which does
 * not see what comes from inside its virtual network; and routes through something that this service cannot manage.
 */
export function unprotectedPaths(machine: Machine): readonly Finding[] {
  return machine.addresses.flatMap((address) => [
    ...withoutGroup(machine, address),
    ...(address.detours ?? []).map((detour) => notManaged(machine, address, detour)),
  ]);
}

function withoutGroup(machine: Machine, address: MachineAddress): readonly Finding[] {
  const firewalls = new Set((address.firewalls ?? []).map(({ gateId }) => gateId.toLowerCase()));
  if (address.gates.some((gateId) => !firewalls.has(gateId.toLowerCase()))) {
    return [];
  }
  const about = { target: address.networkInterfaceId, vmId: machine.id };
  const what = `${nameOf(machine, address)} has no network security group in front of it`;
  return firewalls.size === 0
    ? [
        {
          ...about,
          code: "UnprotectedPath",
          message: `${what}: nothing holds a port closed there.`,
        },
      ]
    : [
        {
          ...about,
          code: "FirewallOnly",
          message: `${what}, only a firewall: what comes from inside its virtual network, and does not pass the firewall, is not held.`,
        },
      ];
}

const whyNot: Readonly<Record<Detour["why"], string>> = {
  "virtual hub": "the firewall of a virtual hub, which this service does not manage",
  "not a firewall": "no Azure Firewall of its own or a peered virtual network",
  "not readable": "out of this service's sight: it may not read who has that address",
};

function notManaged(machine: Machine, address: MachineAddress, { nextHop, why }: Detour): Finding {
  return {
    code: "FirewallNotManaged",
    message: `${nameOf(machine, address)} has routes through '${nextHop}', and that is ${whyNot[why]}: nothing is opened or held there.`,
    target: nextHop,
    vmId: machine.id,
  };
}

const nameOf = (machine: Machine, { address, networkInterfaceId }: MachineAddress): string =>
  `Address ${address} of '${machine.name}' (network interface '${resourceName(networkInterfaceId)}')`;

/** How many unprotected paths a policy tells of. */
const mostPaths = 50;

/** The unprotected paths to all of a policy's VMs; nothing of a VM that is not there. */
export function pathsOfAll(machines: readonly (Machine | undefined)[]): readonly Finding[] {
  return bounded(pathsOf(machines), mostPaths);
}

/** As {@link pathsOfAll}, however many there are. */
export function pathsOf(machines: readonly (Machine | undefined)[]): readonly Finding[] {
  return machines.flatMap((machine) => (machine === undefined ? [] : unprotectedPaths(machine)));
}
