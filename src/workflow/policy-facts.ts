import type { Fact, FactOutcome } from "../activity/fact.ts";
import type { PolicyChange } from "../policy/policy.ts";
import { subscriptionOf } from "../policy/resource-id.ts";

/** The facts of a policy change, one for each VM it concerns. The same change and outcome are the same facts, whoever tells them. */
export function policyFacts(
  policyId: string,
  { id, operation, actor, vmIds }: PolicyChange,
  outcome: FactOutcome,
  at: Date,
  more: Pick<Fact, "gates" | "reasons"> = {},
): readonly Fact[] {
  return vmIds.map((vmId, index) => ({
    id: `${id}.${operation}.${outcome}.${index}`,
    at: at.toISOString(),
    operation,
    outcome,
    subscriptionId: subscriptionOf(policyId) ?? "",
    policyId,
    vmId,
    actor,
    ...more,
  }));
}
