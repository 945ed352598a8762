import type { AccessRequest } from "../access/request.ts";
import { type WireRequest, wireRequest } from "../access/wire.ts";
import { mapLimited } from "../map-limited.ts";
import { type Policy, type PolicyVirtualMachine, policyType } from "../policy/policy.ts";
import { idKey } from "../policy/resource-id.ts";
import type { GateStore } from "../ports.ts";
import type { Finding } from "../reasons.ts";

/** How far back `properties.requests` reaches: the seven days that the portal shows. */
export const historyDays = 7;

/** A policy as the REST API shows it, reduced to the VMs whose key passes `shows`; `takePriority`, `accessRules` and `findings` are ours. */
export function policyJson(
  policy: Policy,
  requests: readonly AccessRequest[],
  shows: (vmKey: string) => boolean,
  findings: readonly Finding[] = [],
) {
  const shown = findings.filter(({ vmId }) => vmId !== undefined && shows(idKey(vmId)));
  return {
    id: policy.id,
    name: policy.name,
    type: policyType,
    kind: policy.kind,
    location: policy.location,
    properties: {
      virtualMachines: policy.virtualMachines
        .filter((vm) => shows(idKey(vm.id)))
        .map((vm) => withFirewallAddress(vm, policy)),
      ...(policy.takePriority === true ? { takePriority: true } : {}),
      // Whoever may request has to know what requests have to say, and who answers them.
      ...(policy.accessRules === undefined ? {} : { accessRules: policy.accessRules }),
      ...(shown.length > 0 ? { findings: shown } : {}),
      requests: requests
        .map((request): WireRequest => wireRequest(request, shows))
        .filter((request) => request.virtualMachines.length > 0),
      provisioningState: { settled: "Succeeded", updating: "Updating", deleting: "Deleting" }[
        policy.state
      ],
    },
  };
}

/** The VM with the public address of the firewall in front of it: the one that the policy names, or the firewall's first. */
function withFirewallAddress(
  vm: PolicyVirtualMachine,
  { firewallAddresses = {} }: Policy,
): PolicyVirtualMachine {
  const publicIpAddress = vm.publicIpAddress ?? firewallAddresses[idKey(vm.id)];
  return publicIpAddress === undefined ? vm : { ...vm, publicIpAddress };
}

/** How many gates are read at once for the findings of a policy. */
const parallelReads = 16;

/** What the last settlements and looks found beside the policy's rules: ports that stay open, ways that nothing covers. */
export async function findingsOf(gates: GateStore, policy: Policy): Promise<readonly Finding[]> {
  const records = await mapLimited(policy.gates, parallelReads, (gateId) => gates.read(gateId));
  const vms = new Set(policy.virtualMachines.map((vm) => idKey(vm.id)));
  const found = records
    .flatMap((record) => record.findings)
    .filter(({ vmId }) => vmId !== undefined && vms.has(idKey(vmId)));
  return [...found, ...(policy.unprotectedPaths ?? [])];
}
