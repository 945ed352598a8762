import { firstChanges } from "../policy/changes.ts";
import { subscriptionOf } from "../policy/resource-id.ts";
import type { Reason } from "../reasons.ts";
import type { Gate, GateRule } from "../rules/gate.ts";
import type { RuleChange } from "../rules/nsg-plan.ts";
import {
  type GateProof,
  type GateWriting,
  putRules,
  standingRules,
  type WrittenVm,
} from "../rules/writing.ts";
import { type Fact, type FactGate, type FactOutcome, factVersion } from "./fact.ts";

/** How many rules one fact names, how many changes it tells, and how many entries of a rule's list. */
export const gateFactLimits = { rules: 100, changes: 50, entries: 20 } as const;

/** A write that is about to be sent, and the gate as it was read for it. */
export interface WriteAsked {
  readonly gate: Gate;
  readonly etag: string;
  readonly changes: readonly RuleChange<GateRule>[];
  readonly at: Date;
}

/** One fact for each VM whose rules a write is to change: by rule, what it says before and what it is to say. */
export function writeAsked(
  writing: GateWriting,
  { gate, etag, changes, at }: WriteAsked,
): readonly Fact[] {
  const standing = standingRules(gate);
  const puts = putRules(changes);
  return writing.vms.map((vm, index) => ({
    ...writeFact(writing, gate.id, vm, { index, outcome: "asked", at }),
    gates: [
      {
        id: gate.id,
        rules: named(vm.rules.map(({ name }) => name)),
        ...(etag === "" ? {} : { etag }),
      },
    ],
    changes: firstChanges(
      vm.rules.map(({ name, before }) => ({
        path: name,
        ...textOf(
          "before",
          before === undefined ? undefined : standing.get(name.toLowerCase())?.[0],
        ),
        ...textOf("after", puts.get(name.toLowerCase())),
      })),
      gateFactLimits.changes,
    ),
  }));
}

/** What became of a write, for some of its VMs. */
export interface WriteTold {
  readonly gateId: string;
  readonly outcome: "done" | "failed";
  readonly vms: ReadonlySet<WrittenVm>;
  readonly at: Date;
  /** When the gate was read, where it was. */
  readonly proof?: GateProof | undefined;
  /** Names of our rules of a VM that stand there. */
  readonly standing?: ((vm: WrittenVm) => readonly string[]) | undefined;
  readonly reasons?: readonly Reason[] | undefined;
}

/** The facts of a write that was read back and proven, with the rules that stand; or that was not, with those that it was to change. */
export function writeTold(
  writing: GateWriting,
  { gateId, outcome, vms, at, proof, standing, reasons }: WriteTold,
): readonly Fact[] {
  return writing.vms.flatMap((vm, index): readonly Fact[] => {
    const rules = standing?.(vm) ?? vm.rules.map(({ name }) => name);
    const gate: FactGate = { id: gateId, rules: named(rules), ...proof };
    return vms.has(vm)
      ? [{ ...writeFact(writing, gateId, vm, { index, outcome, at }), gates: [gate], reasons }]
      : [];
  });
}

function writeFact(
  { id }: GateWriting,
  gateId: string,
  { vmId }: WrittenVm,
  told: { readonly index: number; readonly outcome: FactOutcome; readonly at: Date },
): Fact {
  return {
    version: factVersion,
    id: `gate.write.${id}.${told.outcome}.${told.index}`,
    at: told.at.toISOString(),
    operation: "gate.write",
    outcome: told.outcome,
    subscriptionId: subscriptionOf(gateId) ?? "",
    ...(vmId === undefined ? {} : { vmId }),
  };
}

/** The first names, and one entry that counts the rest. */
function named(names: readonly string[]): readonly string[] {
  const { rules: most } = gateFactLimits;
  const rest = names.length - most;
  return rest <= 0 ? names : [...names.slice(0, most), `${rest} more`];
}

function textOf<K extends "before" | "after">(key: K, rule: GateRule | undefined) {
  return rule === undefined ? {} : { [key]: ruleJson(rule) };
}

/** A rule as JSON: without its name, without empty lists, and of long lists the first entries and how many more there are. */
function ruleJson({ name: _, ...rule }: GateRule): string {
  return JSON.stringify(rule, (_key, value: unknown) => {
    if (!Array.isArray(value)) {
      return value;
    }
    const rest = value.length - gateFactLimits.entries;
    const listed = rest <= 0 ? value : [...value.slice(0, gateFactLimits.entries), `${rest} more`];
    return listed.length === 0 ? undefined : listed;
  });
}
