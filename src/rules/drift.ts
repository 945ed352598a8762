import type { GateRecord } from "../ports.ts";
import type { Finding } from "../reasons.ts";
import { type Gate, type GateRule, gateName, gateNoun, isFirewallRule } from "./gate.ts";
import type { GatePlan, RuleChange } from "./nsg-plan.ts";
import { isDeployed, sameName } from "./owned.ts";

/** Something about a rule of ours that is not as it was last proven, though nobody wanted it otherwise. `rule` names it. */
export interface Found extends Finding {
  readonly rule: string;
}

/** What a gate's record tells about its rules when they were last read back. */
type LastProof = Pick<GateRecord, "proven" | "isInterrupted" | "desiredRevision" | "touched">;

/**
 * What a plan puts right that was not brought about by us: a proven rule that is gone or says something else, and a rule of
 * ours that nobody wrote. A planned change of a rule that is exactly as it was proven is intent, not drift.
 *
 * NB. After an interrupted write, what stands there may be half our own work: then only deny rules are told of, as none of
 * them is ever taken away on the way to something else. Of what an update of a firewall has touched since nothing is told: it
 * may be as that left it.
 */
export function foundBeside(
  last: LastProof,
  gate: Gate,
  plan: Pick<GatePlan<GateRule>, "changes" | "cleaned">,
  printOf: (rule: GateRule) => string,
): readonly Found[] {
  const rules: readonly GateRule[] = gate.rules;
  // NB. On a firewall a customer's rule may have the same name, in a collection of theirs.
  const standing = Map.groupBy(
    rules.filter((rule) => !isFirewallRule(rule) || isDeployed(rule)),
    (rule) => rule.name.toLowerCase(),
  );
  return plan.changes.flatMap((change) => {
    const name = change.kind === "put" ? change.rule.name : change.name;
    const [present] = standing.get(name.toLowerCase()) ?? [];
    const code = plan.cleaned.some((cleaned) => sameName(cleaned, name))
      ? "LeftoverRemoved"
      : codeOf(last, change, name, present, printOf);
    return code === undefined
      ? []
      : [
          {
            code,
            rule: name,
            message: says[code](name, `${gateNoun(gate.id)} '${gateName(gate.id)}'`),
            target: name,
          },
        ];
  });
}

type FoundCode =
  | "RuleMissing"
  | "RuleEdited"
  | "RuleUnexpected"
  | "RuleOverdue"
  | "LeftoverRemoved";

function codeOf(
  last: LastProof,
  change: RuleChange<GateRule>,
  name: string,
  present: GateRule | undefined,
  printOf: (rule: GateRule) => string,
): FoundCode | undefined {
  if (last.desiredRevision === 0) {
    return "RuleOverdue";
  }
  const proof = last.proven?.find((one) => sameName(one.name, name));
  if (proof === undefined) {
    return change.kind === "delete" && last.proven !== undefined && last.isInterrupted !== true
      ? "RuleUnexpected"
      : undefined;
  }
  if (last.isInterrupted === true && !(change.kind === "put" && change.rule.access === "Deny")) {
    return undefined;
  }
  const { put = [], removed = [] } = last.touched ?? {};
  if ([...put, ...removed].some((touched) => sameName(touched, name))) {
    return undefined;
  }
  if (present === undefined) {
    // Taken away to be sure: whoever did it before did what was wanted.
    return change.kind === "put" ? "RuleMissing" : undefined;
  }
  return printOf(present) === proof.print ? undefined : "RuleEdited";
}

const says: Readonly<Record<FoundCode, (name: string, where: string) => string>> = {
  RuleMissing: (name, where) =>
    `Our rule '${name}' was gone from ${where} though nobody asked for that.`,
  RuleEdited: (name, where) =>
    `Our rule '${name}' of ${where} did not say any more what had been proven.`,
  RuleUnexpected: (name, where) =>
    `Rule '${name}' stood in ${where} under a name of ours, but nobody had asked for it.`,
  RuleOverdue: (name, where) =>
    `Our rule '${name}' stood in ${where} past the end that its description tells, and storage knew nothing of it.`,
  LeftoverRemoved: (name, where) =>
    `Rule '${name}' was left in ${where} by Microsoft Defender for Cloud and served nothing any more.`,
};
