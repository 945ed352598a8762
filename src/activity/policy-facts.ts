import type { Policy, PolicyChange } from "../policy/policy.ts";
import { idKey, subscriptionOf } from "../policy/resource-id.ts";
import { type Fact, type FactOutcome, factVersion } from "./fact.ts";

/** The facts of a policy change, one for each VM it concerns, with `more` of that VM. The same change and outcome are the same facts, whoever tells them. */
export function policyFacts(
  policyId: string,
  { id, operation, actor, origin, vmIds, virtualMachines = [] }: PolicyChange,
  outcome: FactOutcome,
  at: Date,
  more: (vmId: string) => Pick<Fact, "gates" | "reasons"> = () => ({}),
): readonly Fact[] {
  const changesOf = new Map(virtualMachines.map(({ vmId, changes }) => [idKey(vmId), changes]));
  return vmIds.map((vmId, index) => ({
    version: factVersion,
    id: `${id}.${operation}.${outcome}.${index}`,
    at: at.toISOString(),
    operation,
    outcome,
    subscriptionId: subscriptionOf(policyId) ?? "",
    policyId,
    vmId,
    actor,
    origin,
    changes: changesOf.get(idKey(vmId)),
    ...more(vmId),
  }));
}

/**
 * The fact of a change of the policy's rules about requests, once for the whole policy; none when it did not change them. `asked`
 * before they are stored; `done` once they are, as they hold from then on whatever becomes of the gates.
 */
export function accessRulesFacts(
  policyId: string,
  { id, actor, origin, accessRules = [] }: PolicyChange,
  outcome: "asked" | "done",
  at: Date,
): readonly Fact[] {
  const operation = "policy.accessRules";
  return accessRules.length === 0
    ? []
    : [
        {
          version: factVersion,
          id: `${id}.${operation}.${outcome}`,
          at: at.toISOString(),
          operation,
          outcome,
          subscriptionId: subscriptionOf(policyId) ?? "",
          policyId,
          actor,
          origin,
          changes: accessRules,
        },
      ];
}

/**
 * Of a policy that is about to be changed again: what the change that is stored may not have told yet. Who takes the place of a
 * change that was cut off would else be the last who knew of it.
 */
export function untoldFacts(before: Policy | undefined, at: Date): readonly Fact[] {
  return before?.change === undefined || before.state === "settled"
    ? []
    : accessRulesFacts(before.id, before.change, "done", at);
}
