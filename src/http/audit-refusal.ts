import type { Operation } from "../activity/fact.ts";
import type { ActivityStore } from "../activity/store.ts";
import { subscriptionOf } from "../policy/resource-id.ts";
import type { Clock } from "../ports.ts";
import { policyAddress } from "./policy-address.ts";
import type { Answer } from "./problem.ts";
import { type Call, requestorOf } from "./route.ts";

/** A fact holds so many reasons of a refusal; the caller is told all of them. */
const auditedReasons = 10;

interface AuditPorts {
  readonly clock: Clock;
  readonly activity: ActivityStore;
}

/** Every refusal of a known caller is a fact: of each VM it names, or else of the subscription. Answers how many facts it made. */
export async function auditRefusal(
  ports: AuditPorts,
  operation: Operation | undefined,
  call: Call,
  answer: Answer,
): Promise<number> {
  // NB. The parameters as the handler saw them, not the path as it was written: no spelling hides a refusal.
  const subscriptionId =
    call.params["subscriptionId"] ?? subscriptionOf(answer.about?.policyId ?? "");
  if (answer.refusal === undefined || operation === undefined || subscriptionId === undefined) {
    return 0;
  }
  const address = policyAddress(call.params);
  const policyId =
    answer.about?.policyId ?? (address.outcome === "ok" ? address.value.id : undefined);
  // NB. Only VMs of the subscription the call went to: nobody writes into the audit of a stranger's VM.
  const inSubscription = (vmId: string) => subscriptionOf(vmId) === subscriptionId.toLowerCase();
  const named = answer.vmIds?.filter(inSubscription) ?? [];
  const vmIds: readonly (string | undefined)[] = named.length > 0 ? named : [undefined];
  const at = ports.clock.now().toISOString();
  const { reasons } = answer.refusal;
  await ports.activity.record(
    vmIds.map((vmId, index) => ({
      id: `${call.requestId}.refused.${index}`,
      at,
      operation,
      outcome: "refused",
      subscriptionId,
      policyId,
      vmId,
      requestId: answer.about?.requestId,
      actor: requestorOf(call.caller),
      reasons: reasons.slice(0, auditedReasons),
    })),
  );
  return vmIds.length;
}
