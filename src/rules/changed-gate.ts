import type { FirewallRule } from "./firewall.ts";
import { type Gate, type GateRule, isFirewall, isFirewallRule } from "./gate.ts";
import type { RuleChange } from "./nsg-plan.ts";
import { isDeployed, sameName } from "./owned.ts";

/** The gate once the changes are made. */
export function changedGate(gate: Gate, changes: readonly RuleChange<GateRule>[]): Gate {
  if (isFirewall(gate)) {
    return { ...gate, rules: changedRules<GateRule>(gate.rules, changes).filter(isFirewallRule) };
  }
  const rules = changedRules<GateRule>(gate.rules, changes);
  return { ...gate, rules: rules.flatMap((rule) => (isFirewallRule(rule) ? [] : [rule])) };
}

/**
 * Rules once changes of them are made. NB. A firewall's rule names are unique in their collections alone: a change speaks of
 * what stands in ours. And a collection has one place: what else is in it goes where a rule of it is put.
 */
export function changedRules<Rule extends GateRule>(
  rules: readonly Rule[],
  changes: readonly RuleChange<Rule>[],
): readonly Rule[] {
  const touched = ({ name }: Rule) =>
    changes.some((change) =>
      sameName(change.kind === "put" ? change.rule.name : change.name, name),
    );
  const puts = changes.flatMap((change) => (change.kind === "put" ? [change.rule] : []));
  return [
    ...rules
      .filter((rule) => !touched(rule) || (isFirewallRule(rule) && !isDeployed(rule)))
      .map((rule) => carried(rule, puts)),
    ...puts,
  ];
}

function carried<Rule extends GateRule>(rule: Rule, puts: readonly Rule[]): Rule {
  if (!isFirewallRule(rule)) {
    return rule;
  }
  const carrier = puts
    .filter((put): put is Rule & FirewallRule => isFirewallRule(put))
    .find((put) => put.kind === rule.kind && sameName(put.collection, rule.collection));
  return carrier === undefined ? rule : { ...rule, order: carrier.order };
}

/** Whether the change can be made on a network security group. */
export const isGroupChange = (change: RuleChange<GateRule>): change is RuleChange =>
  change.kind === "delete" || !isFirewallRule(change.rule);

/** Whether the change can be made on a firewall. */
export const isFirewallChange = (
  change: RuleChange<GateRule>,
): change is RuleChange<FirewallRule> => change.kind === "delete" || isFirewallRule(change.rule);
