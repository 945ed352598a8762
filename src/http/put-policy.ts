import { actions, missingRights } from "../caller/permissions.ts";
import { type Policy, type PolicyContent, parsePolicy } from "../policy/policy.ts";
import { idKey } from "../policy/resource-id.ts";
import type { Stored } from "../ports.ts";
import { type Reason, refused } from "../reasons.ts";
import { machineFaults, parallelWork, protect } from "../workflow/protect.ts";
import { mapLimited } from "../workflow/serial.ts";
import { namedVms } from "./named-vms.ts";
import { type PolicyAddress, policyAddress } from "./policy-address.ts";
import { finishChange, recordChange, unaudited, type WritePolicyPorts } from "./policy-change.ts";
import { historyDays, policyJson } from "./policy-json.ts";
import { type Answer, problem } from "./problem.ts";
import { gatherRights } from "./rights.ts";
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

async function faultsOf(
  ports: WritePolicyPorts,
  call: Call,
  address: PolicyAddress,
  vmIds: readonly string[],
): Promise<readonly Reason[]> {
  const [rights, before] = await Promise.all([
    gatherRights(ports.rights, call.caller, address.subscriptionId),
    ports.policies.get(address.id),
  ]);
  // NB. On every VM's own scope too, also of those that the change drops: a policy must not guard or lay open a stranger's VM.
  const dropped = (before?.value.virtualMachines ?? [])
    .map((vm) => vm.id)
    .filter((id) => !vmIds.some((kept) => idKey(kept) === idKey(id)));
  const missing = missingRights(
    rights,
    actions.writePolicy,
    [address.id, ...vmIds, ...dropped],
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
  await recordChange(ports, told, vmIds, "asked");
  const stored = await store(ports, address, content);
  if (stored === undefined) {
    const refusal = refused({
      code: "PolicyChangedMeanwhile",
      message: "Others kept changing this policy. Read it and try again.",
      target: address.id,
    });
    await recordChange(ports, told, vmIds, "failed", { reasons: refusal.reasons });
    return unaudited(refusal);
  }
  return finishChange(ports, told, vmIds, await protect(ports, stored.value.id), async () => {
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
