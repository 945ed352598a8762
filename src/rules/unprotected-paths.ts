import { resourceName } from "../policy/resource-id.ts";
import type { Machine } from "../ports.ts";
import type { Finding } from "../reasons.ts";

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
