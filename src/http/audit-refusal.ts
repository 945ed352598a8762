import type { Operation } from "../activity/fact.ts";
import { refusalFacts } from "../activity/refusal-facts.ts";
import type { ActivityStore } from "../activity/store.ts";
import { subscriptionOf } from "../policy/resource-id.ts";
import type { Clock } from "../ports.ts";
import { policyAddress } from "./policy-address.ts";
import type { Answer } from "./problem.ts";
import type { RefusalPlaces } from "./refusal-places.ts";
import { type Call, originOf, requestorOf } from "./route.ts";

interface AuditPorts {
  readonly clock: Clock;
  readonly activity: ActivityStore;
  readonly refusalPlaces: RefusalPlaces;
}

/**
 * Every refusal of a known caller is a fact: of each VM it names, or else of the subscription. It is filed with the subscription, unless one
 * caller names very many. Answers how many facts it made.
 */
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
  const facts = refusalFacts({
    id: call.requestId,
    at: ports.clock.now(),
    operation,
    subscriptionId: ports.refusalPlaces(call.caller, subscriptionId),
    policyId,
    requestId: answer.about?.requestId,
    vmIds: answer.vmIds?.filter(inSubscription) ?? [],
    actor: requestorOf(call.caller),
    origin: originOf(call),
    reasons: answer.refusal.reasons,
  });
  await ports.activity.record(facts);
  return facts.length;
}
