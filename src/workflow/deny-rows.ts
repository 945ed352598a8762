import type { Policy, PolicyVirtualMachine } from "../policy/policy.ts";
import { idKey } from "../policy/resource-id.ts";
import type { Ids, Machine } from "../ports.ts";
import { isFirewallGate } from "../rules/gate.ts";
import type { DesiredDeny } from "../rules/intent.ts";
import { placesByGate } from "./vm-gates.ts";

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
    for (const [gateId, { addresses }] of placesByGate(machineOf(vm.id))) {
      byGate.set(gateId, [
        ...(byGate.get(gateId) ?? []),
        { ...denyRow(ids, policy, vm, addresses), ...wishFor(gateId, vm) },
      ]);
    }
  }
  return byGate;
}

/** Which public address of a firewall the policy wants to lead to the VM. */
const wishFor = (gateId: string, { publicIpAddress }: PolicyVirtualMachine) =>
  isFirewallGate(gateId) && publicIpAddress !== undefined ? { publicIpAddress } : {};

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
