import { bounded, type Finding } from "../reasons.ts";
import { type Gate, type GateRule, gateName, gateNoun } from "./gate.ts";
import type { Owner } from "./intent.ts";
import { type GatePlan, mostFindings } from "./nsg-plan.ts";
import { closesAtOf, isOwned } from "./owned.ts";

/**
 * Plans, by its rules alone, a gate of which storage knows nothing: allow rules of ours go whose description tells that they
 * are over. So does one that tells no end, as nobody can say until when it may stay; the findings name it. Deny rules, and
 * rules that are not over, stay.
 */
export function planOverdue(gate: Gate, now: Date, owner: Owner): GatePlan<never> {
  const rules: readonly GateRule[] = gate.rules;
  const over = rules
    .filter((rule) => isOwned(rule, owner) && rule.access === "Allow")
    .map((rule) => ({ name: rule.name, endsAt: Date.parse(closesAtOf(rule) ?? "") }))
    .filter(({ endsAt }) => Number.isNaN(endsAt) || endsAt <= now.getTime());
  const findings = over
    .filter(({ endsAt }) => Number.isNaN(endsAt))
    .map(
      ({ name }): Finding => ({
        code: "RuleOverdue",
        message: `Our rule '${name}' of ${gateNoun(gate.id)} '${gateName(gate.id)}' tells no end, and storage knows nothing of it.`,
        target: name,
      }),
    );
  return {
    changes: over.map(({ name }) => ({ kind: "delete", name })),
    results: {},
    findings: bounded(findings, mostFindings),
    cleaned: [],
    expired: [],
  };
}
