import { resourceName } from "../policy/resource-id.ts";
import type { GateRecord } from "../ports.ts";
import type { Finding } from "../reasons.ts";
import type { NetworkSecurityGroup, SecurityRule } from "./nsg.ts";
import type { GatePlan, RuleChange } from "./nsg-plan.ts";
import { sameName } from "./owned.ts";

/** Something about a rule of ours that is not as it was last proven, though nobody wanted it otherwise. `rule` names it. */
export interface Found extends Finding {
  readonly rule: string;
}

/** What a gate's record tells about its rules when they were last read back. */
type LastProof = Pick<GateRecord, "proven" | "isInterrupted" | "desiredRevision" | "gateId">;

/**
 * What a plan puts right that was not brought about by us: a proven rule that is gone or says something else, and a rule of
 * ours that nobody wrote. A planned change of a rule that is exactly as it was proven is intent, not drift.
 *
 * NB. After an interrupted write, what stands there may be half our own work: then only deny rules are told of, as none of
 * them is ever taken away on the way to something else.
 */
export function foundBeside(
  last: LastProof,
  group: NetworkSecurityGroup,
  plan: Pick<GatePlan, "changes" | "cleaned">,
  printOf: (rule: SecurityRule) => string,
): readonly Found[] {
  return plan.changes.flatMap((change) => {
    const name = change.kind === "put" ? change.rule.name : change.name;
    const present = group.rules.find((rule) => sameName(rule.name, name));
    const code = plan.cleaned.some((cleaned) => sameName(cleaned, name))
      ? "LeftoverRemoved"
      : codeOf(last, change, name, present, printOf);
    return code === undefined
      ? []
      : [{ code, rule: name, message: says[code](name, group), target: name }];
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
  change: RuleChange,
  name: string,
  present: SecurityRule | undefined,
  printOf: (rule: SecurityRule) => string,
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
  if (present === undefined) {
    // Taken away to be sure: whoever did it before did what was wanted.
    return change.kind === "put" ? "RuleMissing" : undefined;
  }
  return printOf(present) === proof.print ? undefined : "RuleEdited";
}

const says: Readonly<Record<FoundCode, (name: string, group: NetworkSecurityGroup) => string>> = {
  RuleMissing: (name, group) =>
    `Our rule '${name}' was gone from network security group '${resourceName(group.id)}' though nobody asked for that.`,
  RuleEdited: (name, group) =>
    `Our rule '${name}' of network security group '${resourceName(group.id)}' did not say any more what had been proven.`,
  RuleUnexpected: (name, group) =>
    `Rule '${name}' stood in network security group '${resourceName(group.id)}' under a name of ours, but nobody had asked for it.`,
  RuleOverdue: (name, group) =>
    `Our rule '${name}' stood in network security group '${resourceName(group.id)}' past the end that its description tells, and storage knew nothing of it.`,
  LeftoverRemoved: (name, group) =>
    `Rule '${name}' was left in network security group '${resourceName(group.id)}' by Microsoft Defender for Cloud and served nothing any more.`,
};
