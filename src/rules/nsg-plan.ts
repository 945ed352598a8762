import { bounded, type Finding } from "../reasons.ts";
import { standingLeftovers } from "./cleaner.ts";
import { exposures } from "./deny-places.ts";
import { allowDrafts, denyDrafts } from "./desired-rules.ts";
import type { GateRule } from "./gate.ts";
import type { DesiredWindow, GateIntent, Owner, WindowResult } from "./intent.ts";
import {
  type NetworkSecurityGroup,
  nsgLimits,
  ruleText,
  type SecurityRule,
  trafficText,
} from "./nsg.ts";
import { isOwned, sameName } from "./owned.ts";
import { customerPlaces, type Placed, type Places } from "./places.ts";
import { placeAll } from "./placing.ts";

/** A gate's findings are stored in one row and answered: a full gate in front of 1,000 VMs has thousands. */
export const mostFindings = 50;

/** So many exposures of a gate are followed one by one: a group has no more rules than that. */
const mostExposures = nsgLimits.rules;

/** One exact change of a gate. A put creates or replaces the rule of that name. */
export type RuleChange<Rule extends GateRule = SecurityRule> =
  | { readonly kind: "put"; readonly rule: Rule }
  | { readonly kind: "delete"; readonly name: string };

/** The exact changes that bring a gate to its intent, and what they cannot achieve. */
export interface GatePlan<Rule extends GateRule = SecurityRule> {
  /**
   * In an order in which no rule is ever put on a priority that is still in use: deletes, deny rules, allow rules. Deletes
   * and puts together are one write: a rule that another takes the place of is never missing in between.
   */
  readonly changes: readonly RuleChange<Rule>[];
  /** By window id, for every window that is not over. Holds once the changes are made. */
  readonly results: Readonly<Record<string, WindowResult>>;
  readonly findings: readonly Finding[];
  /** Those findings that tell what keeps protected ports open, where more of them are known than `findings` lists. */
  readonly exposed?: readonly Finding[] | undefined;
  /** Names of leftovers of another product that the changes take away. */
  readonly cleaned: readonly string[];
  /** Windows of the intent that are over: nothing of them is planned, and they need not be wanted any longer. */
  readonly expired: readonly string[];
}

/**
 * Plans a network security group. Customer rules are never part of a change, but for leftovers of another product that
 * the intent names and that are still exactly what they were. Planning the outcome of a plan again changes nothing.
 */
export function planGate(
  group: NetworkSecurityGroup,
  intent: GateIntent,
  now: Date,
  owner: Owner,
): GatePlan {
  const { live, expired } = windowsAt(intent, now);
  const denyRules = denyDrafts(intent, owner);
  const allowRules = allowDrafts(live, owner);
  const leftovers = standingLeftovers(group, intent.leftovers ?? []);
  const rest = { ...group, rules: group.rules.filter((rule) => !leftovers.includes(rule)) };
  const places = customerPlaces(rest, owner, [...denyRules, ...allowRules]);
  const { denies, allows } = placeAll(places, denyRules, allowRules);
  const wanted = [...denies, ...allows].flatMap((placed) =>
    "rule" in placed ? [placed.rule] : [],
  );
  insistOnOwn(wanted, owner);
  const cleaned = leftovers.map((rule) => rule.name);
  const cleaning = cleaned.map((name): RuleChange => ({ kind: "delete", name }));
  return {
    changes: [...cleaning, ...changesBetween(places.owned, wanted)],
    cleaned,
    results: Object.fromEntries(
      live.map((window) => [window.windowId, resultOf(window.windowId, allows)]),
    ),
    ...findingsOf(places, denies),
    expired,
  };
}

/** NB. A rule that would not be known again as ours would never be taken away: it is not written. Throws for such a rule. */
export function insistOnOwn(wanted: readonly GateRule[], owner: Owner): void {
  const stranger = wanted.find((rule) => !isOwned(rule, owner));
  if (stranger !== undefined) {
    throw new Error(`'${stranger.name}' is not a name that rules of ours have.`);
  }
}

/** The windows of an intent that are not over at a moment, and the ids of those that are. */
export function windowsAt({ windows }: GateIntent, now: Date) {
  const isOver = ({ closesAt }: DesiredWindow) => Date.parse(closesAt) <= now.getTime();
  return {
    live: windows.filter((window) => !isOver(window)),
    expired: windows.filter(isOver).map((window) => window.windowId),
  };
}

/** Deny rules without a place come first: without them a policy is not settled, so they must not be the ones left out. */
function findingsOf(
  places: Places,
  denies: readonly Placed[],
): Pick<GatePlan, "findings" | "exposed"> {
  const faults = denies.flatMap((placed) => ("fault" in placed ? [placed.fault] : []));
  const exposed = denies.flatMap((placed) =>
    "rule" in placed ? exposures(places, placed.draft, placed.rule) : [],
  );
  return {
    findings: bounded([...faults, ...exposed], mostFindings),
    ...(exposed.length === 0 ? {} : { exposed: exposed.slice(0, mostExposures) }),
  };
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
  const isPlaceWanted = (rule: SecurityRule) =>
    wanted.some((other) => other.priority === rule.priority && other.direction === rule.direction);
  const deletes = owned
    .filter((rule) => {
      const future = wantedOf(rule);
      // NB. A moving allow rule goes first and comes back: so it is one write with the deny rule that may come before its old
      // place. A moving deny rule is put once more, unless another rule comes to its old place.
      return (
        future === undefined ||
        (future.priority !== rule.priority && (future.access === "Allow" || isPlaceWanted(rule)))
      );
    })
    .map((rule): RuleChange => ({ kind: "delete", name: rule.name }));
  const puts = wanted
    .filter(
      (rule) =>
        !owned.some(
          (other) => sameName(other.name, rule.name) && ruleText(other) === ruleText(rule),
        ),
    )
    .map((rule): RuleChange => ({ kind: "put", rule }));
  return [...deletes, ...puts];
}

/**
 * The changes that can be made without the others: rules that go and do not come back, neither under their own name nor as
 * another that says the same of the same traffic.
 */
export function removalsOf(
  group: NetworkSecurityGroup,
  changes: readonly RuleChange[],
): readonly RuleChange[] {
  const puts = changes.flatMap((change) => (change.kind === "put" ? [change.rule] : []));
  return changes.filter((change) => {
    if (change.kind === "put") {
      return false;
    }
    const present = group.rules.find((rule) => sameName(rule.name, change.name));
    return !puts.some(
      (put) =>
        sameName(put.name, change.name) ||
        (present !== undefined && trafficText(put) === trafficText(present)),
    );
  });
}
