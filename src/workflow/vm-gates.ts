import { idKey, locationKey } from "../policy/resource-id.ts";
import type { Machine } from "../ports.ts";
import type { Reason } from "../reasons.ts";

/** The VM's addresses behind each of its gates, by gate id. */
export function addressesByGate(
  machine: Machine | undefined,
): ReadonlyMap<string, readonly string[]> {
  const byGate = new Map<string, string[]>();
  for (const { address, gates } of machine?.addresses ?? []) {
    for (const gate of gates) {
      byGate.set(idKey(gate), [...(byGate.get(idKey(gate)) ?? []), address]);
    }
  }
  return byGate;
}

/** A VM's place in the network (addresses by gate key) as text: equal for equal places. */
export function placeText(place: ReadonlyMap<string, readonly string[]>): string {
  const entries = [...place].map(([gate, addresses]) => [gate, addresses.toSorted()] as const);
  return JSON.stringify(entries.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

/** Why a machine cannot be put under a policy, or nothing when it can. */
export function machineFaults(
  machine: Machine | undefined,
  vmId: string,
  location: string,
  target: string,
): readonly Reason[] {
  if (machine === undefined) {
    return [
      {
        code: "VirtualMachineNotFound",
        message: `'${vmId}' does not exist, or this service may not read it.`,
        target,
      },
    ];
  }
  if (locationKey(machine.location) !== locationKey(location)) {
    const message = `'${vmId}' is in '${machine.location}', the policy in '${location}'. Put it under a policy of its own location.`;
    return [{ code: "VirtualMachineInAnotherLocation", message, target }];
  }
  if (machine.addresses.every((address) => address.gates.length === 0)) {
    const message = `No network security group is attached to a network interface or subnet of '${vmId}', so nothing can hold its ports closed. Attach one first.`;
    return [{ code: "NetworkSecurityGroupMissing", message, target }];
  }
  return [];
}
