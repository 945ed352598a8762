import { type AccessRequest, isOver, requestedVms } from "../access/request.ts";
import type { Fact, FactOutcome, Operation } from "../activity/fact.ts";
import { actions, missingRights } from "../caller/permissions.ts";
import { type Policy, type PolicyContent, parsePolicy } from "../policy/policy.ts";
import { parseVirtualMachineId } from "../policy/resource-id.ts";
import type { ActivityStore, Rights, Stored } from "../ports.ts";
import { type Reason, type Refusal, refused } from "../reasons.ts";
import {
  machineFaults,
  type Protected,
  type ProtectPorts,
  parallelWork,
  protect,
} from "../workflow/protect.ts";
import { mapLimited } from "../workflow/serial.ts";
import { type PolicyAddress, policyAddress } from "./policy-address.ts";
import { historyDays, policyJson } from "./policy-json.ts";
import { type Answer, problem } from "./problem.ts";
import type { ReadPolicyPorts } from "./read-policies.ts";
import { gatherRights } from "./rights.ts";
import { type Call, type Handler, requestorOf } from "./route.ts";

export interface WritePolicyPorts extends ProtectPorts, ReadPolicyPorts {
  readonly activity: ActivityStore;
  readonly rights: Rights;
}

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
    const content = parsePolicy(body.value, address.value.subscriptionId);
    if (content.outcome === "refused") {
      return problem(content, { vmIds: namedVms(body.value) });
    }
    const vmIds = content.value.virtualMachines.map((vm) => vm.id);
    const reasons = await faultsOf(ports, call, address.value, vmIds);
    if (reasons.length > 0) {
      return problem(refused(...reasons), { vmIds });
    }
    return write(ports, call, address.value, content.value);
  };
}

/** VMs that a body names, as far as it can be read: so that the audit of a refusal is found at them. */
export function namedVms(body: unknown): readonly string[] {
  const holder = (body as { properties?: unknown } | null)?.properties ?? body;
  const machines = (holder as { virtualMachines?: unknown } | null)?.virtualMachines;
  const ids = Array.isArray(machines)
    ? machines.map((vm: unknown) => (vm as { id?: unknown } | null)?.id)
    : [];
  return ids
    .filter((id): id is string => typeof id === "string" && parseVirtualMachineId(id) !== undefined)
    .slice(0, 100);
}

async function faultsOf(
  ports: WritePolicyPorts,
  call: Call,
  address: PolicyAddress,
  vmIds: readonly string[],
): Promise<readonly Reason[]> {
  const rights = await gatherRights(ports.rights, call.caller, address.subscriptionId);
  // NB. On every VM's own scope too: a policy elsewhere must not guard or open a stranger's VM.
  const missing = missingRights(
    rights,
    actions.writePolicy,
    [address.id, ...vmIds],
    call.caller.name,
  );
  if (missing.length > 0) {
    return missing;
  }
  const machines = await mapLimited(vmIds, parallelWork, (vmId) => ports.network.findMachine(vmId));
  return vmIds.flatMap((vmId, index) =>
    machineFaults(
      machines[index],
      vmId,
      address.location,
      `properties.virtualMachines[${index}].id`,
    ),
  );
}

async function write(
  ports: WritePolicyPorts,
  call: Call,
  address: PolicyAddress,
  content: PolicyContent,
): Promise<Answer> {
  const told = {
    call,
    policyId: address.id,
    subscriptionId: address.subscriptionId,
    operation: "policy.write",
  } as const;
  const vmIds = content.virtualMachines.map((vm) => vm.id);
  await recordAll(ports, told, vmIds, "asked");
  const stored = await store(ports, address, content);
  if (stored === undefined) {
    const refusal = refused({
      code: "PolicyChangedMeanwhile",
      message: "Others kept changing this policy. Read it and try again.",
      target: address.id,
    });
    await recordAll(ports, told, vmIds, "failed", { reasons: refusal.reasons });
    return unaudited(refusal);
  }
  return finish(ports, told, vmIds, await protect(ports, stored.value.id), async () => {
    const now = await ports.policies.get(stored.value.id);
    const since = new Date(ports.clock.now().getTime() - historyDays * 86_400_000);
    return {
      status: 200,
      body: policyJson(
        now?.value ?? stored.value,
        await ports.requests.ofPolicy(stored.value.id, since),
        () => true,
      ),
    };
  });
}

/** Stores the new content over whatever is there; a few times, when others write at the same moment. */
async function store(
  ports: WritePolicyPorts,
  address: PolicyAddress,
  content: PolicyContent,
): Promise<Stored<Policy> | undefined> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const before = await ports.policies.get(address.id);
    const policy: Policy = {
      // An existing policy keeps the id as it was first written: a different case is the same policy.
      ...(before?.value ?? { ...address, gates: [] }),
      ...content,
      state: "updating",
      changedAt: ports.clock.now().toISOString(),
    };
    const stored = await ports.policies.put(policy, before?.etag);
    if (stored !== undefined) {
      return stored;
    }
  }
  return undefined;
}

/** DELETE of a policy: takes its deny rules and open windows away, proves it, and forgets it. */
export function deletePolicy(ports: WritePolicyPorts): Handler {
  return async (call) => {
    const address = policyAddress(call.params);
    if (address.outcome === "refused") {
      return problem(address);
    }
    const { id, subscriptionId } = address.value;
    const rights = await gatherRights(ports.rights, call.caller, subscriptionId);
    const stored = await ports.policies.get(id);
    const vmIds = stored?.value.virtualMachines.map((vm) => vm.id) ?? [];
    const missing = missingRights(rights, actions.deletePolicy, [id, ...vmIds], call.caller.name);
    if (missing.length > 0) {
      return problem(refused(...missing), { vmIds });
    }
    if (stored === undefined) {
      return { status: 204 };
    }
    const told = {
      call,
      policyId: stored.value.id,
      subscriptionId,
      operation: "policy.delete",
    } as const;
    await recordAll(ports, told, vmIds, "asked");
    await markDeleting(ports, id, []);
    const requests = await openRequests(ports, stored.value.id);
    const gates = requests.flatMap((request) =>
      request.windows.flatMap((window) => (isOver(window) ? [] : (window.gates ?? []))),
    );
    await markDeleting(ports, id, gates);
    await endWindows(call, requests);
    return finish(ports, told, vmIds, await protect(ports, id), async () => ({ status: 200 }));
  };
}

/** Marks the policy, so that nothing is opened under it any more, and notes further gates with it. */
async function markDeleting(
  ports: WritePolicyPorts,
  id: string,
  gates: readonly string[],
): Promise<void> {
  for (;;) {
    const stored = await ports.policies.get(id);
    const all = [...new Set([...(stored?.value.gates ?? []), ...gates])];
    if (
      stored === undefined ||
      (await ports.policies.put({ ...stored.value, gates: all, state: "deleting" }, stored.etag))
    ) {
      return;
    }
  }
}

/** The policy's requests that still have a window to close. */
async function openRequests(
  ports: WritePolicyPorts,
  policyId: string,
): Promise<readonly AccessRequest[]> {
  const since = new Date(ports.clock.now().getTime() - historyDays * 86_400_000);
  const requests = await ports.requests.ofPolicy(policyId, since);
  return requests.filter((request) => request.windows.some((window) => !isOver(window)));
}

/** Wakes the orchestrations of open windows, so that they report the end; the rules go with the policy in any case. */
async function endWindows(call: Call, requests: readonly AccessRequest[]): Promise<void> {
  await mapLimited(requests, parallelWork, async (request) => {
    const ends = requestedVms(request).map((_, vmIndex) =>
      call.workflows.endWindows(request.id, vmIndex),
    );
    await Promise.all(ends);
  });
}

interface Told {
  readonly call: Call;
  readonly policyId: string;
  readonly subscriptionId: string;
  readonly operation: Operation;
}

async function finish(
  ports: WritePolicyPorts,
  told: Told,
  vmIds: readonly string[],
  result: Protected,
  success: () => Promise<Answer>,
): Promise<Answer> {
  if (result.outcome === "unsettled") {
    await recordAll(ports, told, vmIds, "failed", { reasons: result.reasons });
    const [first, ...others] = result.reasons;
    const kept = "The change is stored and is tried again every minute.";
    const reasons =
      first === undefined ? [] : [{ ...first, message: `${first.message} ${kept}` }, ...others];
    return unaudited(refused(...reasons));
  }
  const findings = result.gates.flatMap((gate) => gate.findings);
  await recordAll(ports, told, vmIds, "done", {
    gates: result.gates.map((gate) => ({ id: gate.gateId, rules: [] })),
    ...(findings.length > 0 ? { reasons: findings } : {}),
  });
  return success();
}

/** The answer to a call whose failure is recorded already: it is no refusal, something was begun. */
function unaudited(refusal: Refusal): Answer {
  const { refusal: _, ...answer } = problem(refusal);
  return answer;
}

async function recordAll(
  ports: WritePolicyPorts,
  { call, policyId, subscriptionId, operation }: Told,
  vmIds: readonly string[],
  outcome: FactOutcome,
  more: Pick<Fact, "gates" | "reasons"> = {},
): Promise<void> {
  const at = ports.clock.now().toISOString();
  await ports.activity.record(
    vmIds.map((vmId, index) => ({
      id: `${call.requestId}.${operation}.${outcome}.${index}`,
      at,
      operation,
      outcome,
      subscriptionId,
      policyId,
      vmId,
      actor: requestorOf(call.caller),
      ...more,
    })),
  );
}
