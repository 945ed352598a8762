import { resourceName } from "../policy/resource-id.ts";
import { firstFew, type Reason } from "../reasons.ts";
import { changedRules } from "./changed-gate.ts";
import { accessThrough } from "./effective.ts";
import { readGroup } from "./effective-group.ts";
import type { DesiredWindow, GateIntent, Owner, WindowResult } from "./intent.ts";
import type { NetworkSecurityGroup } from "./nsg.ts";
import { type GatePlan, planGate } from "./nsg-plan.ts";
import { isOwned } from "./owned.ts";

/** How many deciding rules a reason names. */
const namedAtMost = 5;

/**
 * Plans a group, and lets the evaluator judge the outcome: a window of which certainly nothing would get through is not told
 * as open, whatever the planner thought. The planner looks at one rule of the customer's at a time; the evaluator sees what
 * several of them do together.
 */
export function judgedPlan(
  group: NetworkSecurityGroup,
  intent: GateIntent,
  now: Date,
  owner: Owner,
): GatePlan {
  const plan = planGate(group, intent, now, owner);
  const open = intent.windows.filter(({ windowId }) => plan.results[windowId]?.state === "open");
  if (open.length === 0) {
    return plan;
  }
  const judge = judgeOf({ ...group, rules: changedRules(group.rules, plan.changes) }, owner);
  const verdicts = open.flatMap((window): [string, WindowResult][] => {
    const reasons = judge(window);
    return reasons.length === 0 ? [] : [[window.windowId, { state: "failed", reasons }]];
  });
  if (verdicts.length === 0) {
    return plan;
  }
  // Planned again without them: a window that failed has no rule, not even for those of its sources that would get through.
  const failed = new Map(verdicts);
  const windows = intent.windows.filter(({ windowId }) => !failed.has(windowId));
  const rest = judgedPlan(group, { ...intent, windows }, now, owner);
  return { ...rest, results: { ...rest.results, ...Object.fromEntries(failed) } };
}

/** Tells why certainly nothing of a source gets through to any address of a window. */
function judgeOf(group: NetworkSecurityGroup, owner: Owner) {
  const read = readGroup(group);
  const ours = new Set(
    group.rules.filter((rule) => isOwned(rule, owner)).map((rule) => rule.name.toLowerCase()),
  );
  return ({ addresses, sources, through = [], port, protocol, vmId }: DesiredWindow) =>
    [...sources, ...through].flatMap((source): readonly Reason[] => {
      const answers = addresses.map((destination) =>
        accessThrough(read, { source, destination, port, protocol }),
      );
      // No rule decides about an address of the other family: that one is not meant.
      const meant = answers.filter(({ rules }) => rules.length > 0);
      if (meant.length === 0 || meant.some(({ access }) => access !== "denied")) {
        return [];
      }
      const names = meant
        .flatMap(({ rules }) => rules)
        .filter((name) => !ours.has(name.toLowerCase()));
      const [target = ""] = names;
      const message = `Network security group '${resourceName(group.id)}' lets nothing from ${source} to port ${port} of '${resourceName(vmId)}' through, whatever allow rule of ours stands there: ${firstFew([...new Set(names)], namedAtMost)} deny it before. Their owner has to narrow them.`;
      return [{ code: "BlockedByCustomerRule", message, target } satisfies Reason];
    });
}
