import { bounded, type Reason } from "../reasons.ts";
import { allowDrafts, denyDrafts, type RuleDraft } from "./desired-rules.ts";
import type { GateIntent, Owner, WindowResult } from "./intent.ts";
import type { NetworkSecurityGroup, SecurityRule } from "./nsg.ts";
import { isOwned, sameName } from "./owned.ts";
import {
  customerPlaces,
  exposures,
  keep,
  type Placed,
  type Places,
  placeAllow,
  placeDeny,
  release,
} from "./places.ts";

/** A gate's findings are stored in one row and answered: a full gate in front of 1,000 VMs has thousands. */
const mostFindings = 50;

/** One exact change of a gate. A put creates or replaces the rule of that name. */
export type RuleChange =
  | { readonly kind: "put"; readonly rule: SecurityRule }
  | { readonly kind: "delete"; readonly name: string };

/** The exact changes that bring a gate to its intent, and what they cannot achieve. */
export interface GatePlan {
  /** In an order in which no rule is ever put on a priority that is still in use: deletes, deny rules, allow rules. */
  readonly changes: readonly RuleChange[];
  /** By window id, for every window that is not over. Holds once the changes are made. */
  readonly results: Readonly<Record<string, WindowResult>>;
  readonly findings: readonly Reason[];
  /** Windows of the intent that are over: nothing of them is planned, and they need not be wanted any longer. */
  readonly expired: readonly string[];
}

/**
 * Plans a network security group. Customer rules are never part of a change. Planning the outcome of a plan again
 * changes nothing.
 */
export function planGate(
  group: NetworkSecurityGroup,
  intent: GateIntent,
  now: Date,
  owner: Owner,
): GatePlan {
  const live = intent.windows.filter((window) => Date.parse(window.closesAt) > now.getTime());
  const expired = intent.windows
    .filter((window) => !live.includes(window))
    .map((window) => window.windowId);
  const denyRules = denyDrafts(intent, owner);
  const allowRules = allowDrafts(live, owner);
  const places = customerPlaces(group, owner, [...denyRules, ...allowRules]);
  const { denies, allows } = placeAll(places, denyRules, allowRules);
  const wanted = [...denies, ...allows].flatMap((placed) =>
    "rule" in placed ? [placed.rule] : [],
  );
  // NB. A rule that would not be known again as ours would never be taken away: it is not written.
  const stranger = wanted.find((rule) => !isOwned(rule, owner));
  if (stranger !== undefined) {
    throw new Error(`'${stranger.name}' is not a name that rules of ours have.`);
  }
  return {
    changes: changesBetween(places.owned, wanted),
    results: Object.fromEntries(
      live.map((window) => [window.windowId, resultOf(window.windowId, allows)]),
    ),
    findings: findingsOf(places, denies),
    expired,
  };
}

/** Deny rules without a place come first: without them a policy is not settled, so they must not be the ones left out. */
function findingsOf(places: Places, denies: readonly Placed[]): readonly Reason[] {
  const faults = denies.flatMap((placed) => ("fault" in placed ? [placed.fault] : []));
  const exposed = denies.flatMap((placed) =>
    "rule" in placed ? exposures(places, placed.rule, placed.draft.vmId) : [],
  );
  return bounded([...faults, ...exposed], mostFindings);
}

/**
 * What stands well stays; then the other deny rules get their places, then the other allow rules. In this order nothing
 * that finds no place now would find one in the outcome.
 */
function placeAll(
  places: Places,
  denyRules: readonly RuleDraft[],
  allowRules: readonly RuleDraft[],
): { readonly denies: readonly Placed[]; readonly allows: readonly Placed[] } {
  const requests = [...Map.groupBy(allowRules, (draft) => draft.windowIds[0]).values()];
  const keptDenies = new Map(denyRules.map((draft) => [draft, keep(places, draft)]));
  const keptRequests = new Map(requests.map((drafts) => [drafts, keepTogether(places, drafts)]));
  // One that only moves is among the group's rules already: it comes before new ones.
  const moversFirst = denyRules.toSorted(
    (left, right) => Number(isPresent(places, right)) - Number(isPresent(places, left)),
  );
  return {
    denies: moversFirst.map((draft) => keptDenies.get(draft) ?? placeDeny(places, draft)),
    allows: requests.flatMap((drafts) => keptRequests.get(drafts) ?? placeTogether(places, drafts)),
  };
}

const isPresent = (places: Places, draft: RuleDraft): boolean =>
  places.owned.some((rule) => sameName(rule.name, draft.rule.name));

function keepTogether(places: Places, drafts: readonly RuleDraft[]): readonly Placed[] | undefined {
  const kept = drafts.flatMap((draft) => keep(places, draft) ?? []);
  return kept.length === drafts.length ? kept : releaseAll(places, kept);
}

/** A window's rules, one per address family: all of them or none, so that a failed window leaves nothing open. */
function placeTogether(places: Places, drafts: readonly RuleDraft[]): readonly Placed[] {
  const placed = drafts.map((draft) => keep(places, draft) ?? placeAllow(places, draft));
  const failed = placed.filter((each) => "fault" in each);
  if (failed.length > 0) {
    releaseAll(places, placed);
    return failed;
  }
  return placed;
}

function releaseAll(places: Places, placed: readonly Placed[]): undefined {
  for (const each of placed) {
    release(places, each);
  }
}

function resultOf(windowId: string, allows: readonly Placed[]): WindowResult {
  const own = allows.filter((placed) => placed.draft.windowIds.includes(windowId));
  const reasons = own.flatMap((placed) => ("fault" in placed ? [placed.fault] : []));
  return reasons.length > 0
    ? { state: "failed", reasons }
    : {
        state: "open",
        rules: own.flatMap((placed) => ("rule" in placed ? [placed.rule.name] : [])),
      };
}

function changesBetween(
  owned: readonly SecurityRule[],
  wanted: readonly SecurityRule[],
): readonly RuleChange[] {
  const wantedOf = (rule: SecurityRule) => wanted.find((other) => sameName(other.name, rule.name));
  const deletes = owned
    .filter((rule) => {
      const future = wantedOf(rule);
      // A moving allow rule goes first and comes back: its old place may be wanted. A deny rule never goes in between.
      return (
        future === undefined || (future.access === "Allow" && future.priority !== rule.priority)
      );
    })
    .map((rule): RuleChange => ({ kind: "delete", name: rule.name }));
  const puts = wanted
    .filter(
      (rule) => !owned.some((other) => sameName(other.name, rule.name) && sameRule(other, rule)),
    )
    .map((rule): RuleChange => ({ kind: "put", rule }));
  return [...deletes, ...puts];
}

/** Whether two rules say the same, whatever the order and case in which they list it. */
function sameRule(left: SecurityRule, right: SecurityRule): boolean {
  return JSON.stringify(canonical(left)) === JSON.stringify(canonical(right));
}

function canonical(rule: SecurityRule): unknown {
  const sorted = (list: readonly string[]) => list.map((entry) => entry.toLowerCase()).toSorted();
  return [
    rule.priority,
    rule.direction,
    rule.access,
    rule.protocol.toLowerCase(),
    sorted(rule.sources),
    sorted(rule.sourceGroups),
    sorted(rule.sourcePorts),
    sorted(rule.destinations),
    sorted(rule.destinationGroups),
    sorted(rule.destinationPorts),
    rule.description,
  ];
}
