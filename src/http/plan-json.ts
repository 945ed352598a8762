import type { Finding } from "../reasons.ts";
import type { FirewallRule } from "../rules/firewall.ts";
import { type GateRule, isFirewallRule } from "../rules/gate.ts";
import type { SecurityRule } from "../rules/nsg.ts";
import { sameName } from "../rules/owned.ts";
import type { Foreseen } from "../workflow/foresee.ts";

/**
 * A gate of a plan: its rules that change, as they stand and as they would. NB. Rules of VMs that were not asked about are only
 * counted: they tell who has access to what.
 */
export function gateJson({ before, plan, vmOf }: Foreseen, isAsked: (vmId: string) => boolean) {
  const shown = plan.changes.filter((change) => {
    const name = change.kind === "put" ? change.rule.name : change.name;
    const vmId = vmOf(name);
    return vmId === undefined ? plan.cleaned.includes(name) : isAsked(vmId);
  });
  const others = plan.changes.length - shown.length;
  return {
    id: before.id,
    ...(others > 0 ? { otherChanges: others } : {}),
    changes: shown.map((change) => {
      const name = change.kind === "put" ? change.rule.name : change.name;
      const rules: readonly GateRule[] = before.rules;
      const current = rules.find((rule) => sameName(rule.name, name));
      return {
        rule: name,
        action: change.kind === "delete" ? "delete" : current === undefined ? "create" : "update",
        current: current === undefined ? null : ruleJson(current),
        planned: change.kind === "delete" ? null : ruleJson(change.rule),
      };
    }),
  };
}

/** A rule in ARM's words; lists are always the plural properties. */
function ruleJson(rule: GateRule) {
  return isFirewallRule(rule) ? firewallRuleJson(rule) : securityRuleJson(rule);
}

function firewallRuleJson(rule: FirewallRule) {
  return {
    name: rule.name,
    ruleCollection: rule.collection,
    priority: rule.order.at(-1),
    action: rule.kind === "dnat" ? "DNAT" : rule.access,
    ipProtocols: rule.protocols,
    sourceAddresses: rule.sources,
    destinationAddresses: rule.destinations,
    destinationPorts: rule.destinationPorts,
    ...(rule.kind === "dnat"
      ? { translatedAddress: rule.translatedAddress, translatedPort: rule.translatedPort }
      : {}),
    description: rule.description,
  };
}

function securityRuleJson(rule: SecurityRule) {
  return {
    name: rule.name,
    priority: rule.priority,
    direction: rule.direction,
    access: rule.access,
    protocol: rule.protocol,
    sourceAddressPrefixes: rule.sources,
    sourcePortRanges: rule.sourcePorts,
    destinationAddressPrefixes: rule.destinations,
    destinationPortRanges: rule.destinationPorts,
    ...(rule.sourceGroups.length > 0
      ? { sourceApplicationSecurityGroups: rule.sourceGroups.map((id) => ({ id })) }
      : {}),
    ...(rule.destinationGroups.length > 0
      ? { destinationApplicationSecurityGroups: rule.destinationGroups.map((id) => ({ id })) }
      : {}),
    description: rule.description,
  };
}

/** A finding of a plan; members that it does not have are left out. */
export function findingJson({ code, message, target, vmId }: Finding) {
  return { code, message, target, vmId };
}
