import type { FirewallRule } from "./firewall.ts";
import { type Gate, type GateRule, isFirewall, isFirewallRule } from "./gate.ts";
import type { SecurityRule } from "./nsg.ts";
import type { RuleChange } from "./nsg-plan.ts";
import { sameName } from "./owned.ts";

/** The gate once the changes are made. */
export function changedGate(gate: Gate, changes: readonly RuleChange<GateRule>[]): Gate {
  const rules = changedRules<GateRule>(gate.rules, changes);
  return isFirewall(gate)
    ? { ...gate, rules: rules.filter(isFirewallRule) }
    : { ...gate, rules: rules.filter(isSecurityRule) };
}

const isSecurityRule = (rule: GateRule): rule is SecurityRule => !isFirewallRule(rule);

/** Rules once changes of them are made. */
export function changedRules<Rule extends GateRule>(
  rules: readonly Rule[],
  changes: readonly RuleChange<Rule>[],
): readonly Rule[] {
  const touched = (name: string) =>
    changes.some((change) =>
      sameName(change.kind === "put" ? change.rule.name : change.name, name),
    );
  const puts = changes.flatMap((change) => (change.kind === "put" ? [change.rule] : []));
  return [...rules.filter((rule) => !touched(rule.name)), ...puts];
}

/** Whether the change can be made on a network security group. */
export const isGroupChange = (change: RuleChange<GateRule>): change is RuleChange =>
  change.kind === "delete" || !isFirewallRule(change.rule);

/** Whether the change can be made on a firewall. */
export const isFirewallChange = (
  change: RuleChange<GateRule>,
): change is RuleChange<FirewallRule> => change.kind === "delete" || isFirewallRule(change.rule);
