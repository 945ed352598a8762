import type { AccessRequest } from "../access/request.ts";
import { type WireRequest, wireRequest } from "../access/wire.ts";
import { type Policy, policyType } from "../policy/policy.ts";
import { idKey } from "../policy/resource-id.ts";

/** How far back `properties.requests` reaches: the seven days that the portal shows. */
export const historyDays = 7;

/** A policy as the REST API shows it, reduced to the VMs whose key passes `shows`. */
export function policyJson(
  policy: Policy,
  requests: readonly AccessRequest[],
  shows: (vmKey: string) => boolean,
) {
  return {
    id: policy.id,
    name: policy.name,
    type: policyType,
    kind: policy.kind,
    location: policy.location,
    properties: {
      virtualMachines: policy.virtualMachines.filter((vm) => shows(idKey(vm.id))),
      ...(policy.takePriority === true ? { takePriority: true } : {}),
      requests: requests
        .map((request): WireRequest => wireRequest(request, shows))
        .filter((request) => request.virtualMachines.length > 0),
      provisioningState: { settled: "Succeeded", updating: "Updating", deleting: "Deleting" }[
        policy.state
      ],
    },
  };
}
