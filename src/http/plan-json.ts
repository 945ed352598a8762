import type { Protocol } from "../policy/policy.ts";
import { idKey } from "../policy/resource-id.ts";
import type { Clock, MachineAddress } from "../ports.ts";
import type { Finding } from "../reasons.ts";
import { type EffectiveAccess, effectiveAccess } from "../rules/effective.ts";
import { readGroup } from "../rules/effective-group.ts";
import type { FirewallRule } from "../rules/firewall.ts";
import {
  type Gate,
  type GateRule,
  isFirewall,
  isFirewallGate,
  isFirewallRule,
} from "../rules/gate.ts";
import type { SecurityRule } from "../rules/nsg.ts";
import { sameName } from "../rules/owned.ts";
import type { Foreseen } from "../workflow/foresee.ts";

/**
 * How many lines of access one plan tells, and how long it may take over them, in milliseconds: a policy may have a hundred
 * thousand, a group thousands of prefixes, and nobody else is served meanwhile.
 */
const most = { rows: 200, milliseconds: 500 } as const;

/** Who would get through to one address and port. */
export interface Question {
  readonly vmId: string;
  readonly address: MachineAddress;
  readonly port: number;
  readonly protocol: Protocol;
  readonly source: string;
}

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

/** Who gets through now, and who would, by first match on every gate in front of each address. */
export function accessRows(
  questions: readonly Question[],
  gates: readonly Foreseen[],
  clock: Clock,
) {
  const giveUpAt = clock.now().getTime() + most.milliseconds;
  const now = readGroups(gates, (gate) => gate.before);
  const later = readGroups(gates, (gate) => gate.after);
  const access = questions.slice(0, most.rows).flatMap((question) => {
    if (clock.now().getTime() > giveUpAt) {
      return [];
    }
    const { vmId, address, port, protocol, source } = question;
    const place = { ...address, gates: address.gates.filter(isGroup).map(idKey) };
    const traffic = { source, port, protocol };
    return [
      {
        vmId,
        address: address.address,
        port,
        protocol,
        source,
        before: accessJson(effectiveAccess(place, now, traffic)),
        after: accessJson(effectiveAccess(place, later, traffic)),
      },
    ];
  });
  const left = questions.length - access.length;
  return { access, ...(left > 0 ? { accessNotListed: left } : {}) };
}

const isGroup = (gateId: string): boolean => !isFirewallGate(gateId);

function readGroups(gates: readonly Foreseen[], gateOf: (gate: Foreseen) => Gate) {
  return new Map(
    gates.flatMap((foreseen) => {
      const gate = gateOf(foreseen);
      return isFirewall(gate) ? [] : [[idKey(foreseen.gateId), readGroup(gate)] as const];
    }),
  );
}

function accessJson({ access, isCovered, gates }: EffectiveAccess) {
  return {
    access,
    ...(isCovered ? {} : { isCovered }),
    gates: gates.map(({ gateId, access: there, rules }) => ({ id: gateId, access: there, rules })),
  };
}

export function findingJson({ code, message, target, vmId }: Finding) {
  return { code, message, target, vmId };
}
