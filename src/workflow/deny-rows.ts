import type { Policy, PolicyVirtualMachine } from "../policy/policy.ts";
import { idKey } from "../policy/resource-id.ts";
import type { Ids, Machine } from "../ports.ts";
import type { DesiredDeny } from "../rules/intent.ts";
import { addressesByGate } from "./vm-gates.ts";

/** The deny rows that a policy's VMs need on each gate, by gate key, from where the VMs are in the network. */
export function denyRowsByGate(
  ids: Ids,
  policy: Omit<Policy, "changedAt">,
  machineOf: (vmId: string) => Machine | undefined,
): ReadonlyMap<string, readonly DesiredDeny[]> {
  const byGate = new Map<string, DesiredDeny[]>();
  if (policy.state === "deleting") {
    return byGate;
  }
  for (const vm of policy.virtualMachines) {
    for (const [gateId, addresses] of addressesByGate(machineOf(vm.id))) {
      byGate.set(gateId, [...(byGate.get(gateId) ?? []), denyRow(ids, policy, vm, addresses)]);
    }
  }
  return byGate;
}

function denyRow(
  ids: Ids,
  policy: Omit<Policy, "changedAt">,
  vm: PolicyVirtualMachine,
  addresses: readonly string[],
): DesiredDeny {
  return {
    policyId: policy.id,
    vmId: vm.id,
    vmKey: ids.digest(idKey(vm.id)).slice(0, 16),
    addresses,
    ports: vm.ports.map((port) => port.number),
    ...(policy.takePriority === true ? { takePriority: true } : {}),
  };
}
