import type { Fact, FactOutcome, Operation } from "../activity/fact.ts";
import type { ActivityStore, Rights } from "../ports.ts";
import { type Refusal, refused } from "../reasons.ts";
import type { Protected, ProtectPorts } from "../workflow/protect.ts";
import { type Answer, problem } from "./problem.ts";
import type { ReadPolicyPorts } from "./read-policies.ts";
import { type Call, requestorOf } from "./route.ts";

export interface WritePolicyPorts extends ProtectPorts, ReadPolicyPorts {
  readonly activity: ActivityStore;
  readonly rights: Rights;
}

/** What every fact of one policy change says. */
export interface Told {
  readonly call: Call;
  readonly policyId: string;
  readonly subscriptionId: string;
  readonly operation: Operation;
}

/** Records how a change ended, and answers: with success, or with why the gates are not settled yet. */
export async function finishChange(
  ports: WritePolicyPorts,
  told: Told,
  vmIds: readonly string[],
  result: Protected,
  success: () => Promise<Answer>,
): Promise<Answer> {
  if (result.outcome === "unsettled") {
    await recordChange(ports, told, vmIds, "failed", { reasons: result.reasons });
    const [first, ...others] = result.reasons;
    const kept = "The change is stored and is tried again every minute.";
    const reasons =
      first === undefined ? [] : [{ ...first, message: `${first.message} ${kept}` }, ...others];
    return unaudited(refused(...reasons));
  }
  const findings = result.gates.flatMap((gate) => gate.findings);
  await recordChange(ports, told, vmIds, "done", {
    gates: result.gates.map((gate) => ({ id: gate.gateId, rules: [] })),
    ...(findings.length > 0 ? { reasons: findings } : {}),
  });
  return success();
}

/** The answer to a call whose failure is recorded already: it is no refusal, something was begun. */
export function unaudited(refusal: Refusal): Answer {
  const { refusal: _, ...answer } = problem(refusal);
  return answer;
}

/** Records one fact for each VM that the change names. */
export async function recordChange(
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
