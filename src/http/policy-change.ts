import type { ActivityStore } from "../activity/store.ts";
import type { Change } from "../policy/changes.ts";
import type { Policy, PolicyChange } from "../policy/policy.ts";
import type { VmChange } from "../policy/vm-changes.ts";
import type { Rights } from "../ports.ts";
import { type Refusal, refused } from "../reasons.ts";
import type { Protected, ProtectPorts } from "../workflow/protect.ts";
import { guarded } from "../workflow/serial.ts";
import { type Answer, problem } from "./problem.ts";
import type { ReadPolicyPorts } from "./read-policies.ts";
import { type Call, originOf, requestorOf } from "./route.ts";

export interface WritePolicyPorts extends ProtectPorts, ReadPolicyPorts {
  readonly activity: ActivityStore;
  readonly rights: Rights;
  /** Whether the directory can be asked who is in a group, so that rules may list groups. */
  readonly groupsUsable: boolean;
}

/** How often a change is decided and stored anew when others change the policy at the same moment. */
export const mostTries = 10;

/** What a call is about to change. */
export function changeOf(
  call: Call,
  operation: PolicyChange["operation"],
  vmIds: readonly string[],
  virtualMachines: readonly VmChange[],
  accessRules: readonly Change[] = [],
): PolicyChange {
  return {
    id: call.requestId,
    operation,
    actor: requestorOf(call.caller),
    origin: originOf(call),
    vmIds,
    ...(virtualMachines.length === 0 ? {} : { virtualMachines }),
    ...(accessRules.length === 0 ? {} : { accessRules }),
  };
}

/** The answer for a change whose gates are not settled yet. */
export function unsettledAnswer({ reasons: [first, ...others] }: Protected): Answer {
  const kept = "The change is stored and is tried again every minute.";
  const reasons =
    first === undefined ? [] : [{ ...first, message: `${kept} ${first.message}` }, ...others];
  return unaudited(refused(...reasons));
}

/**
 * Sees to it that somebody looks after a change that waits for firewalls. NB. A fault here is none of the change: the sweep takes
 * it up.
 */
export async function followChange(
  { log }: Pick<WritePolicyPorts, "log">,
  { workflows }: Call,
  policy: Policy,
): Promise<void> {
  await guarded(log, `following ${policy.id}`, () =>
    workflows.followPolicy(policy.id, policy.change?.id ?? ""),
  );
}

/** The answer when others kept changing the policy. */
export function changedMeanwhile(policyId: string): Refusal {
  return refused({
    code: "PolicyChangedMeanwhile",
    message: "Others kept changing this policy. Read it and try again.",
    target: policyId,
  });
}

/** The answer to a call whose failure is recorded already: it is no refusal, something was begun. */
function unaudited(refusal: Refusal): Answer {
  const { refusal: _, ...answer } = problem(refusal);
  return answer;
}
