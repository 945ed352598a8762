import { resourceName } from "../policy/resource-id.ts";
import { firstFew, type Reason } from "../reasons.ts";
import { changedFirewall, changedRules } from "./changed-gate.ts";
import { arrivals } from "./desired-rules.ts";
import { accessThrough, type GroupAccess } from "./effective.ts";
import { readGroup } from "./effective-group.ts";
import { type Firewall, type FirewallRule, fullName } from "./firewall.ts";
import { ipv4 } from "./firewall-drafts.ts";
import { accessThroughFirewall, dnatReadings, readFirewall } from "./firewall-effective.ts";
import { hasPublic, isPublic } from "./firewall-overlap.ts";
import { planFirewall } from "./firewall-plan.ts";
import { type Gate, type GateRule, gateTitle, isFirewallRule } from "./gate.ts";
import type { DesiredWindow, Entrance, GateIntent, Owner, WindowResult } from "./intent.ts";
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
  return judged(intent, (rest) => {
    const plan = planGate(group, rest, now, owner);
    return {
      plan,
      judge: judgeOf({ ...group, rules: changedRules(group.rules, plan.changes) }, owner),
    };
  });
}

/** As {@link judgedPlan}, of a firewall: something has to get through whether traffic that a DNAT rule led on is judged again or not. */
export function judgedFirewallPlan(
  firewall: Firewall,
  intent: GateIntent,
  now: Date,
  owner: Owner,
): GatePlan<FirewallRule> {
  return judged(intent, (rest) => {
    const plan = planFirewall(firewall, rest, now, owner);
    return { plan, judge: firewallJudgeOf(changedFirewall(firewall, plan.changes), owner) };
  });
}

/** Tells why certainly nothing gets through of some source of a window that is said to be open. */
type Judge = (window: DesiredWindow, entrance: Entrance | undefined) => readonly Reason[];

function judged<Rule extends GateRule>(
  intent: GateIntent,
  planOf: (intent: GateIntent) => { readonly plan: GatePlan<Rule>; readonly judge: Judge },
): GatePlan<Rule> {
  const { plan, judge } = planOf(intent);
  const verdicts = intent.windows.flatMap((window): [string, WindowResult][] => {
    const result = plan.results[window.windowId];
    const reasons = result?.state === "open" ? judge(window, result.entrance) : [];
    return reasons.length === 0 ? [] : [[window.windowId, { state: "failed", reasons }]];
  });
  if (verdicts.length === 0) {
    return plan;
  }
  // Planned again without them: a window that failed has no rule, not even for those of its sources that would get through.
  const failed = new Map(verdicts);
  const windows = intent.windows.filter(({ windowId }) => !failed.has(windowId));
  const rest = judged({ ...intent, windows }, planOf);
  return { ...rest, results: { ...rest.results, ...Object.fromEntries(failed) } };
}

function judgeOf(group: NetworkSecurityGroup, owner: Owner): Judge {
  const read = readGroup(group);
  return ({ addresses, sources, through, port, protocol, vmId }) =>
    arrivals({ sources, through }).flatMap((source) => {
      const answers = addresses.map((destination) =>
        accessThrough(read, { source, destination, port, protocol }),
      );
      // No rule decides about an address of the other family: that one is not meant.
      const meant = answers.filter(({ rules }) => rules.length > 0);
      return isShut(meant) ? [shut(group, owner, meant, { source, port, vmId })] : [];
    });
}

function firewallJudgeOf(firewall: Firewall, owner: Owner): Judge {
  const read = readFirewall(firewall);
  return ({ addresses, sources, port, protocol, vmId }, entrance) =>
    ipv4(sources).flatMap((source) => {
      const byEntrance =
        entrance !== undefined && hasPublic([source])
          ? [{ destination: entrance.address, port: entrance.port }]
          : [];
      const fromInside = isPublic(source)
        ? []
        : ipv4(addresses).map((destination) => ({ destination, port }));
      for (const reading of dnatReadings) {
        const answers = [...byEntrance, ...fromInside].map((way) =>
          accessThroughFirewall(read, { source, protocol, ...way }, reading),
        );
        if (isShut(answers)) {
          return [shut(firewall, owner, answers, { source, port, vmId })];
        }
      }
      return [];
    });
}

/** Whether nothing gets through on any way there is. */
const isShut = (answers: readonly GroupAccess[]): boolean =>
  answers.length > 0 && answers.every(({ access }) => access === "denied");

function shut(
  gate: Gate,
  owner: Owner,
  answers: readonly GroupAccess[],
  { source, port, vmId }: Pick<DesiredWindow, "port" | "vmId"> & { readonly source: string },
): Reason {
  const rules: readonly GateRule[] = gate.rules;
  const nameOf = (rule: GateRule) => (isFirewallRule(rule) ? fullName(rule) : rule.name);
  const ours = new Set(rules.filter((rule) => isOwned(rule, owner)).map(nameOf));
  const names = answers.flatMap((answer) => answer.rules).filter((name) => !ours.has(name));
  const [target = ""] = names;
  const message = `${gateTitle(gate.id)} lets nothing from ${source} to port ${port} of '${resourceName(vmId)}' through, whatever allow rule of ours stands there: ${firstFew([...new Set(names)], namedAtMost)} deny it before. Their owner has to narrow them.`;
  return { code: "BlockedByCustomerRule", message, target };
}
