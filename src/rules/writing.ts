import { idKey } from "../policy/resource-id.ts";
import { type Gate, type GateRule, isFirewallRule } from "./gate.ts";
import type { RuleChange } from "./nsg-plan.ts";
import { isDeployed } from "./owned.ts";

/** A rule that a write changes, with fingerprints of what it says before and after; absent where it is not there. */
export interface WrittenRule {
  readonly name: string;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

/** The rules of one VM that a write changes; without `vmId` those that no VM is known of. */
export interface WrittenVm {
  readonly vmId?: string | undefined;
  readonly rules: readonly WrittenRule[];
}

/** A write that was told as asked, and of which nobody has told yet what became of it. */
export interface GateWriting {
  /** Names its facts. A write that is the same once more is the same writing. */
  readonly id: string;
  readonly vms: readonly WrittenVm[];
}

/** What proves a settlement: when the gate was read, ISO 8601, and its ETag then, where it had one. */
export interface GateProof {
  readonly readAt: string;
  readonly etag?: string | undefined;
}

/** NB. Azure does not give every firewall an ETag. */
export const proofOf = (readAt: string, etag: string): GateProof =>
  etag === "" ? { readAt } : { readAt, etag };

/** Those of a writing's VMs of which everything is there to read as it was to be written. */
export function carriedOut(
  { vms }: GateWriting,
  gate: Gate,
  printOf: (rule: GateRule) => string,
): ReadonlySet<WrittenVm> {
  const standing = standingRules(gate);
  const isSo = ({ name, after }: WrittenRule) => {
    const present = standing.get(name.toLowerCase()) ?? [];
    return after === undefined
      ? present.length === 0
      : present.some((rule) => printOf(rule) === after);
  };
  return new Set(vms.filter((vm) => vm.rules.every(isSo)));
}

/**
 * By name in lower case the rules that a change of that name is about. NB. On a firewall a customer's rule may have the same name, in
 * a collection of theirs.
 */
export function standingRules(gate: Gate): ReadonlyMap<string, readonly GateRule[]> {
  const rules: readonly GateRule[] = gate.rules;
  return Map.groupBy(
    rules.filter((rule) => !isFirewallRule(rule) || isDeployed(rule)),
    ({ name }) => name.toLowerCase(),
  );
}

/** By name in lower case the rules that a write puts. */
export function putRules(changes: readonly RuleChange<GateRule>[]): ReadonlyMap<string, GateRule> {
  return new Map(
    changes.flatMap((change) =>
      change.kind === "put" ? [[change.rule.name.toLowerCase(), change.rule] as const] : [],
    ),
  );
}

/** What a write is about, by VM and rule. */
export interface Written {
  readonly gate: Gate;
  readonly changes: readonly RuleChange<GateRule>[];
  /** Names of the rules of a write that changes none: it is sent once more, as an earlier one may not be in effect. */
  readonly again: readonly string[];
  readonly vmIdOf: (ruleName: string, rule?: GateRule) => string | undefined;
  readonly printOf: (rule: GateRule) => string;
}

/** The rules that a write changes, those of each VM together. A write that is about no rule is about those of no known VM. */
export function writtenVms(written: Written): readonly WrittenVm[] {
  const { gate, changes, again, vmIdOf, printOf } = written;
  const standing = standingRules(gate);
  const puts = putRules(changes);
  const names =
    changes.length === 0
      ? again
      : changes.map((change) => (change.kind === "put" ? change.rule.name : change.name));
  const rules = [...new Map(names.map((name) => [name.toLowerCase(), name]))].map(([key, name]) => {
    const [before] = standing.get(key) ?? [];
    const after = changes.length === 0 ? before : puts.get(key);
    return {
      vmId: vmIdOf(name, before ?? after),
      rule: {
        name,
        ...(before === undefined ? {} : { before: printOf(before) }),
        ...(after === undefined ? {} : { after: printOf(after) }),
      },
    };
  });
  const byVm = Map.groupBy(rules, ({ vmId = "" }) => idKey(vmId));
  return byVm.size === 0
    ? [{ rules: [] }]
    : [...byVm.values()].map((ofVm) => ({
        ...(ofVm[0]?.vmId === undefined ? {} : { vmId: ofVm[0].vmId }),
        rules: ofVm.map(({ rule }) => rule),
      }));
}
