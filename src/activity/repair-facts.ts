import type { Policy } from "../policy/policy.ts";
import { resourceName, subscriptionOf } from "../policy/resource-id.ts";
import type { GateRecord } from "../ports.ts";
import type { Reason } from "../reasons.ts";
import type { Found } from "../rules/drift.ts";
import type { Owner } from "../rules/intent.ts";
import { vmsOfRules } from "../rules/rule-vms.ts";
import { type Fact, type FactOutcome, factVersion } from "./fact.ts";

/** How many findings one fact names. */
const namedAtMost = 20;

/** One telling of a repair. `id` is that of the writer's turn: the same turn and outcome is the same fact. */
interface Told {
  readonly id: string;
  readonly outcome: FactOutcome;
  readonly at: Date;
  readonly faults: readonly Reason[];
}

/** The audit facts of a repair, one for each VM whose rules were found otherwise, and one for those that no VM is known of. Leftovers of another product are facts of their own. */
export function repairFacts(
  taken: GateRecord,
  owner: Owner,
  found: readonly Found[],
  told: Told,
): readonly Fact[] {
  const vmIdOf = vmsOfRules(owner, taken.intent);
  const alike = Map.groupBy(found, (one) => `${operationOf(one)} ${vmIdOf(one.rule)}`);
  return [...alike.values()].map((ofVm, index) => {
    const [first] = ofVm as [Found, ...Found[]];
    const vmId = vmIdOf(first.rule);
    return {
      version: factVersion,
      id: `gate.repair.${told.id}.${told.outcome}.${index}`,
      at: told.at.toISOString(),
      operation: operationOf(first),
      outcome: told.outcome,
      subscriptionId: subscriptionOf(taken.gateId) ?? "",
      ...(vmId === undefined ? {} : { vmId }),
      gates: [{ id: taken.gateId, rules: ofVm.slice(0, namedAtMost).map((one) => one.rule) }],
      reasons: [
        ...told.faults,
        ...ofVm.slice(0, namedAtMost).map(({ rule, ...reason }) => ({ ...reason, target: rule })),
      ],
    };
  });
}

const operationOf = ({ code }: Found) =>
  code === "LeftoverRemoved" ? "gate.clean" : "gate.repair";

/** A VM that is not where its policy's deny rules held it: gates by id, both places in words. */
export interface MovedVm {
  readonly vmId: string;
  readonly gates: readonly string[];
  readonly before: string;
  /** Absent where the VM does not exist any more. */
  readonly now?: string | undefined;
}

/** The facts of a repair whose cause is that VMs were moved, one for each. The same id and outcome are the same facts. */
export function placeFacts(policy: Policy, moved: readonly MovedVm[], told: Told): readonly Fact[] {
  return moved.map(({ vmId, gates, before, now }, index) => ({
    version: factVersion,
    id: `gate.repair.${told.id}.${told.outcome}.${index}`,
    at: told.at.toISOString(),
    operation: "gate.repair",
    outcome: told.outcome,
    subscriptionId: policy.subscriptionId,
    policyId: policy.id,
    vmId,
    gates: gates.map((gate) => ({ id: gate, rules: [] })),
    reasons: [
      ...told.faults,
      {
        code: now === undefined ? "VirtualMachineNotFound" : "PlaceChanged",
        message:
          now === undefined
            ? `'${resourceName(vmId)}' does not exist any more; it was known behind ${before}.`
            : `'${resourceName(vmId)}' is behind ${now}; it was known behind ${before}.`,
        target: vmId,
      },
    ],
  }));
}
