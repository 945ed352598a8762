import { isOver } from "../access/life.ts";
import type { AccessRequest } from "../access/request.ts";
import { policyFacts, untoldFacts } from "../activity/policy-facts.ts";
import { missingRights } from "../caller/permissions.ts";
import { toConfigureVms, toDeletePolicy } from "../caller/requirements.ts";
import { mapLimited } from "../map-limited.ts";
import type { Policy } from "../policy/policy.ts";
import { idKey } from "../policy/resource-id.ts";
import { vmChanges } from "../policy/vm-changes.ts";
import { refused } from "../reasons.ts";
import { parallelWork, protect } from "../workflow/protect.ts";
import { decisionOf } from "./answer-request.ts";
import { type PolicyAddress, policyAddress } from "./policy-address.ts";
import {
  changedMeanwhile,
  changeOf,
  followChange,
  mostTries,
  unsettledAnswer,
  type WritePolicyPorts,
} from "./policy-change.ts";
import { type Answer, problem } from "./problem.ts";
import { endRequest } from "./revoke-request.ts";
import type { Call, Handler } from "./route.ts";

/** DELETE of a policy: takes its deny rules and open windows away, proves it, and forgets it. */
export function deletePolicy(ports: WritePolicyPorts): Handler {
  return async (call) => {
    const address = policyAddress(call.params);
    if (address.outcome === "refused") {
      return problem(address);
    }
    return remove(ports, call, address.value);
  };
}

/** Decides and marks; decides again when somebody else was quicker. */
async function remove(
  ports: WritePolicyPorts,
  call: Call,
  { id, subscriptionId }: PolicyAddress,
): Promise<Answer> {
  const rights = await ports.rights.of(call.caller, subscriptionId);
  for (let attempt = 1; attempt <= mostTries; attempt += 1) {
    const stored = await ports.policies.get(id);
    const vmIds = stored?.value.virtualMachines.map((vm) => vm.id) ?? [];
    const missing = missingRights(rights, toDeletePolicy(id), call.caller.name);
    // NB. Its VMs are told of only to who may delete it: a stranger's answer is the same whether or not there is one.
    const all =
      missing.length > 0 ? missing : missingRights(rights, toConfigureVms(vmIds), call.caller.name);
    if (all.length > 0) {
      return problem(refused(...all), { vmIds });
    }
    if (stored === undefined) {
      return { status: 204 };
    }
    const wasThere = vmChanges(vmIds, stored.value, undefined);
    const change = changeOf(call, "policy.delete", vmIds, wasThere);
    const now = ports.clock.now();
    await ports.activity.record([
      ...untoldFacts(stored.value, now),
      ...policyFacts(stored.value.id, change, "asked", now),
    ]);
    const marked: Policy = {
      ...stored.value,
      state: "deleting",
      changedAt: now.toISOString(),
      change,
    };
    if ((await ports.policies.put(marked, stored.etag)) !== undefined) {
      return takeAway(ports, call, marked);
    }
  }
  return problem(changedMeanwhile(id));
}

/** From here on nothing is opened under the policy any more: what is open ends, then the gates let go. */
async function takeAway(ports: WritePolicyPorts, call: Call, policy: Policy): Promise<Answer> {
  const requests = await unendedRequests(ports, policy.id);
  const gates = requests.flatMap((request) =>
    request.windows.flatMap((window) => (isOver(window) ? [] : (window.gates ?? []))),
  );
  await noteGates(ports, policy.id, gates);
  await endWindows(ports, call, requests);
  const result = await protect(ports, policy.id);
  if (result.outcome === "under way") {
    await followChange(ports, call, policy);
  }
  return result.outcome === "unsettled" ? unsettledAnswer(result) : { status: 200 };
}

/** Windows may stand on gates that the VM has left since: they are noted, so that they let go as well. */
async function noteGates(
  ports: WritePolicyPorts,
  id: string,
  gates: readonly string[],
): Promise<void> {
  for (;;) {
    const stored = await ports.policies.get(id);
    if (
      stored?.value.state !== "deleting" ||
      gates.every((gate) => stored.value.gates.includes(gate))
    ) {
      return;
    }
    const all = [...new Set([...stored.value.gates, ...gates])];
    if ((await ports.policies.put({ ...stored.value, gates: all }, stored.etag)) !== undefined) {
      return;
    }
  }
}

/** The policy's requests that wait, or still have a window to close. */
async function unendedRequests(
  ports: WritePolicyPorts,
  policyId: string,
): Promise<readonly AccessRequest[]> {
  const requests = (await ports.requests.live()).filter(
    (request) => idKey(request.policyId) === idKey(policyId),
  );
  return requests.filter((request) => request.windows.some((window) => !isOver(window)));
}

/** Asks for the end of each request and wakes its orchestrations, so that they report it; the rules go with the policy in any case. */
async function endWindows(
  ports: WritePolicyPorts,
  call: Call,
  requests: readonly AccessRequest[],
): Promise<void> {
  const decision = decisionOf(ports, call, "revoke", "The policy was deleted.");
  await mapLimited(requests, parallelWork, (request) => endRequest(ports, call, request, decision));
}
