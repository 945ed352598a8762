import { resourceName } from "../policy/resource-id.ts";
import type { Machine } from "../ports.ts";
import { bounded, type Finding } from "../reasons.ts";

/** The ways to a VM on which nothing of ours can stand: one finding for each address with no gate before it. */
export function unprotectedPaths(machine: Machine): readonly Finding[] {
  return machine.addresses
    .filter((address) => address.gates.length === 0)
    .map(({ address, networkInterfaceId }) => ({
      code: "UnprotectedPath",
      message: `Address ${address} of '${machine.name}' (network interface '${resourceName(networkInterfaceId)}') has no network security group in front of it: nothing holds a port closed there.`,
      target: networkInterfaceId,
      vmId: machine.id,
    }));
}

/** How many unprotected paths a policy tells of. */
const mostPaths = 50;

/** The unprotected paths to all of a policy's VMs; nothing of a VM that is not there. */
export function pathsOfAll(machines: readonly (Machine | undefined)[]): readonly Finding[] {
  return bounded(
    machines.flatMap((machine) => (machine === undefined ? [] : unprotectedPaths(machine))),
    mostPaths,
  );
}
