import type { Fact, FactOutcome } from "../activity/fact.ts";
import { subscriptionOf } from "../policy/resource-id.ts";
import type { GateRecord } from "../ports.ts";
import type { Reason } from "../reasons.ts";
import type { Found } from "../rules/drift.ts";
import type { Owner } from "../rules/intent.ts";
import { vmsOfRules } from "../rules/rule-vms.ts";

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
