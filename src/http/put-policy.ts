import { accessRulesFacts, policyFacts, untoldFacts } from "../activity/policy-facts.ts";
import { missingRights } from "../caller/permissions.ts";
import { toConfigureVms, toWritePolicy } from "../caller/requirements.ts";
import { mapLimited } from "../map-limited.ts";
import { accessRulesChanges } from "../policy/access-rules-changes.ts";
import { withoutNoted } from "../policy/noted-addresses.ts";
import type { Policy, PolicyContent } from "../policy/policy.ts";
import { parsePolicy } from "../policy/policy-body.ts";
import { idKey } from "../policy/resource-id.ts";
import { vmChanges } from "../policy/vm-changes.ts";
import { type Reason, refused } from "../reasons.ts";
import { parallelWork, protect } from "../workflow/protect.ts";
import { entranceFaults, machineFaults } from "../workflow/vm-gates.ts";
import { namedVms } from "./named-vms.ts";
import { type PolicyAddress, policyAddress } from "./policy-address.ts";
import {
  changedMeanwhile,
  changeOf,
  followChange,
  mostTries,
  unsettledAnswer,
  type WritePolicyPorts,
} from "./policy-change.ts";
import { findingsOf, historyDays, policyJson } from "./policy-json.ts";
import { type Answer, problem } from "./problem.ts";
import type { Call, Handler } from "./route.ts";

/** PUT of a policy: replaces it whole, and answers when its deny rules stand and are proven. */
export function putPolicy(ports: WritePolicyPorts): Handler {
  return async (call) => {
    const address = policyAddress(call.params);
    if (address.outcome === "refused") {
      return problem(address);
    }
    const body = await call.body();
    if (body.outcome === "refused") {
      return problem(body);
    }
    const content = parsePolicy(body.value, address.value.subscriptionId, {
      callerTenantId: call.caller.tenantId,
      groupsUsable: ports.groupsUsable,
    });
    if (content.outcome === "refused") {
      return problem(content, { vmIds: namedVms(body.value) });
    }
    return write(ports, call, address.value, content.value);
  };
}

/** Decides and stores; decides again when somebody else was quicker, because what was decided upon is not there any more. */
async function write(
  ports: WritePolicyPorts,
  call: Call,
  address: PolicyAddress,
  given: PolicyContent,
): Promise<Answer> {
  const vmIds = given.virtualMachines.map((vm) => vm.id);
  for (let attempt = 1; attempt <= mostTries; attempt += 1) {
    const before = await ports.policies.get(address.id);
    const content = withoutNoted(before?.value, given);
    const dropped = droppedVms(before?.value, content);
    const reasons = await policyFaults(ports, call, address, content, dropped);
    if (reasons.length > 0) {
      return problem(refused(...reasons), { vmIds });
    }
    const now = ports.clock.now();
    const after = policyWith(before?.value, address, content);
    const rulesChanges = accessRulesChanges(before?.value.accessRules, after.accessRules);
    const concerned = [...vmIds, ...dropped];
    // What a deletion has told to be gone, comes anew.
    const isDeleting = before?.value.state === "deleting";
    const vmsChanges = vmChanges(concerned, isDeleting ? undefined : before?.value, after);
    const change = changeOf(call, "policy.write", concerned, vmsChanges, rulesChanges);
    await ports.activity.record([
      ...untoldFacts(before?.value, now),
      ...policyFacts(address.id, change, "asked", now),
      ...accessRulesFacts(address.id, change, "asked", now),
    ]);
    const policy: Policy = { ...after, changedAt: now.toISOString(), change };
    const stored = await ports.policies.put(policy, before?.etag);
    if (stored !== undefined) {
      return settleAndAnswer(ports, call, stored.value);
    }
  }
  return problem(changedMeanwhile(address.id), { vmIds });
}

/** The policy with its new content, not yet changed on any gate. */
export function policyWith(
  before: Policy | undefined,
  address: PolicyAddress,
  { takePriority, accessRules, ...content }: PolicyContent,
): Omit<Policy, "changedAt"> {
  return {
    // An existing policy keeps the id as it was first written: a different case is the same policy.
    ...(before ?? { ...address, gates: [] }),
    ...content,
    takePriority: takePriority === undefined ? before?.takePriority : takePriority === true,
    accessRules: accessRules === undefined ? before?.accessRules : (accessRules ?? undefined),
    state: "updating",
  };
}

/** VMs of the policy that its new content does not name any more. */
export function droppedVms(before: Policy | undefined, content: PolicyContent): readonly string[] {
  const kept = new Set(content.virtualMachines.map((vm) => idKey(vm.id)));
  return (before?.virtualMachines ?? []).map((vm) => vm.id).filter((id) => !kept.has(idKey(id)));
}

async function settleAndAnswer(
  ports: WritePolicyPorts,
  call: Call,
  policy: Policy,
): Promise<Answer> {
  const result = await protect(ports, policy.id);
  if (result.outcome === "unsettled") {
    return unsettledAnswer(result);
  }
  if (result.outcome === "under way") {
    await followChange(ports, call, policy);
  }
  const since = new Date(ports.clock.now().getTime() - historyDays * 86_400_000);
  const [now, requests] = await Promise.all([
    ports.policies.get(policy.id),
    ports.requests.ofPolicy(policy.id, since),
  ]);
  const stored = now?.value ?? policy;
  const findings = await findingsOf(ports.gates, stored);
  return { status: 200, body: policyJson(stored, requests, () => true, findings) };
}

/** Why the caller may not put these VMs under the policy, or take `dropped` from it, or why they cannot be. */
export async function policyFaults(
  ports: Pick<WritePolicyPorts, "rights" | "network">,
  call: Call,
  address: PolicyAddress,
  { virtualMachines }: Pick<PolicyContent, "virtualMachines">,
  dropped: readonly string[],
): Promise<readonly Reason[]> {
  const vmIds = virtualMachines.map((vm) => vm.id);
  const rights = await ports.rights.of(call.caller, address.subscriptionId);
  const asked = [...toWritePolicy(address.id), ...toConfigureVms(vmIds)];
  const missing = missingRights(rights, asked, call.caller.name);
  // NB. VMs that the change drops are told of only to who may do the rest: a stranger does not learn what a policy holds.
  const all =
    missing.length > 0 ? missing : missingRights(rights, toConfigureVms(dropped), call.caller.name);
  if (all.length > 0) {
    return all;
  }
  const machines = await mapLimited(vmIds, parallelWork, (vmId) => ports.network.findMachine(vmId));
  return virtualMachines.flatMap((vm, index) => {
    const target = `properties.virtualMachines[${index}]`;
    return [
      ...machineFaults(machines[index], vm.id, address.location, `${target}.id`),
      ...entranceFaults(machines[index], vm, `${target}.publicIpAddress`),
    ];
  });
}
