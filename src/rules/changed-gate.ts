import type { Firewall, FirewallRule } from "./firewall.ts";
import { isInOurGroup } from "./firewall-order.ts";
import { type Gate, type GateRule, isFirewall, isFirewallRule } from "./gate.ts";
import type { SecurityRule } from "./nsg.ts";
import type { RuleChange } from "./nsg-plan.ts";
import { isDeployed, sameName } from "./owned.ts";

/** The gate once the changes are made. */
export function changedGate(gate: Gate, changes: readonly RuleChange<GateRule>[]): Gate {
  return isFirewall(gate)
    ? changedFirewall(
        gate,
        changes.flatMap((change) => of(change, isFirewallRule)),
      )
    : {
        ...gate,
        rules: changedRules(
          gate.rules,
          changes.flatMap((change) => of(change, isSecurityRule)),
        ),
      };
}

const isSecurityRule = (rule: GateRule): rule is SecurityRule => !isFirewallRule(rule);

function of<Rule extends GateRule>(
  change: RuleChange<GateRule>,
  isOf: (rule: GateRule) => rule is Rule,
): readonly RuleChange<Rule>[] {
  if (change.kind === "delete") {
    return [change];
  }
  return isOf(change.rule) ? [{ kind: "put", rule: change.rule }] : [];
}

/** Rules of a network security group once changes of them are made. */
export function changedRules(
  rules: readonly SecurityRule[],
  changes: readonly RuleChange[],
): readonly SecurityRule[] {
  return [...rules.filter((rule) => !isChanged(rule, changes)), ...putsOf(changes)];
}

/**
 * A firewall once changes of it are made. NB. Names are unique in their collections alone: a change speaks of what stands in
 * ours. A collection has one place, and so has our group of a policy: what else is in it goes where our rules are put.
 */
export function changedFirewall(
  firewall: Firewall,
  changes: readonly RuleChange<FirewallRule>[],
): Firewall {
  const puts = putsOf(changes);
  const names = new Set(changes.map((change) => nameOf(change).toLowerCase()));
  const keyOf = ({ kind, collection }: FirewallRule) => `${kind} ${collection.toLowerCase()}`;
  const places = new Map(puts.map((put) => [keyOf(put), put.order]));
  const group = puts[0]?.order[1];
  const carried = (rule: FirewallRule) =>
    group !== undefined && isInOurGroup(firewall, rule) ? rule.order.with(1, group) : rule.order;
  const rules = firewall.rules
    .filter((rule) => !(names.has(rule.name.toLowerCase()) && isDeployed(rule)))
    .map((rule) => {
      const order = places.get(keyOf(rule)) ?? carried(rule);
      // Which customer rules concern ours is found once: most rules stay the very same.
      return order === rule.order ? rule : { ...rule, order };
    });
  return { ...firewall, rules: [...rules, ...puts] };
}

const putsOf = <Rule extends GateRule>(changes: readonly RuleChange<Rule>[]): readonly Rule[] =>
  changes.flatMap((change) => (change.kind === "put" ? [change.rule] : []));

const isChanged = ({ name }: GateRule, changes: readonly RuleChange<GateRule>[]): boolean =>
  changes.some((change) => sameName(nameOf(change), name));

const nameOf = (change: RuleChange<GateRule>): string =>
  change.kind === "put" ? change.rule.name : change.name;

/** Whether the change can be made on a network security group. */
export const isGroupChange = (change: RuleChange<GateRule>): change is RuleChange =>
  change.kind === "delete" || !isFirewallRule(change.rule);

/** Whether the change can be made on a firewall. */
export const isFirewallChange = (
  change: RuleChange<GateRule>,
): change is RuleChange<FirewallRule> => change.kind === "delete" || isFirewallRule(change.rule);
