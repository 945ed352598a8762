import { type AccessRequest, isOver, requestedVms } from "../access/request.ts";
import { actions, missingRights } from "../caller/permissions.ts";
import { refused } from "../reasons.ts";
import { parallelWork, protect } from "../workflow/protect.ts";
import { mapLimited } from "../workflow/serial.ts";
import { policyAddress } from "./policy-address.ts";
import { finishChange, recordChange, type WritePolicyPorts } from "./policy-change.ts";
import { historyDays } from "./policy-json.ts";
import { problem } from "./problem.ts";
import { gatherRights } from "./rights.ts";
import type { Call, Handler } from "./route.ts";

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
    await recordChange(ports, told, vmIds, "asked");
    await markDeleting(ports, id, []);
    const requests = await openRequests(ports, stored.value.id);
    const gates = requests.flatMap((request) =>
      request.windows.flatMap((window) => (isOver(window) ? [] : (window.gates ?? []))),
    );
    await markDeleting(ports, id, gates);
    await endWindows(call, requests);
    return finishChange(ports, told, vmIds, await protect(ports, id), async () => ({
      status: 200,
    }));
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
