import { bounded, type Finding } from "../reasons.ts";
import { changedFirewall } from "./changed-gate.ts";
import { type Firewall, type FirewallRule, firewallRuleText } from "./firewall.ts";
import { type Closing, closings, openings } from "./firewall-drafts.ts";
import { exposingInside, exposingOutside } from "./firewall-exposing.ts";
import { exposures, noPlace } from "./firewall-findings.ts";
import { openAll, type Plot, resultOf } from "./firewall-opened.ts";
import { carriedAlong, placeCollections } from "./firewall-places.ts";
import type { GateIntent, Owner } from "./intent.ts";
import {
  type GatePlan,
  insistOnOwn,
  mostFindings,
  type RuleChange,
  windowsAt,
} from "./nsg-plan.ts";
import { isOwned } from "./owned.ts";

/**
 * Plans a firewall's NAT and network rules. Whatever stands in a collection of ours under a name of ours is ours; every other
 * rule is the customer's and never part of a change. Planning the outcome of a plan again changes nothing.
 *
 * Sources disagree whether traffic that a DNAT rule has led on is looked at by deny rules: the plan holds either way. A window
 * has an allow rule before our deny rules beside its DNAT rule, and fails where a customer's deny rule would be read first.
 *
 * `now` is the moment by which the plan could be in effect: windows that are over by then are planned as gone.
 */
export function planFirewall(
  firewall: Firewall,
  intent: GateIntent,
  now: Date,
  owner: Owner,
): GatePlan<FirewallRule> {
  const { live, expired } = windowsAt(intent, now);
  const closed = closings(intent, owner);
  const plot = plotOf(firewall, intent, closed, owner);
  const opened = openAll(plot, openings(live, owner));
  const wanted = [
    ...denyRules(plot, closed),
    ...opened.flatMap((each) => ("rules" in each ? each.rules : [])),
  ];
  insistOnOwn(wanted, owner);
  const changes = changesBetween(plot.own, wanted);
  return {
    changes,
    results: Object.fromEntries(live.map(({ windowId }) => [windowId, resultOf(windowId, opened)])),
    findings: findingsOf(changedFirewall(firewall, changes), plot, closed),
    cleaned: [],
    expired,
  };
}

function plotOf(
  firewall: Firewall,
  { denies }: GateIntent,
  closed: readonly Closing[],
  owner: Owner,
): Plot {
  const exposing = exposingOutside(firewall, closed, owner);
  const places = placeCollections(firewall, exposing, owner);
  const own = firewall.rules.filter((rule) => isOwned(rule, owner));
  const rules = firewall.rules
    .filter((rule) => !isOwned(rule, owner))
    .map((rule) => carriedAlong(firewall, rule, places, owner));
  return { firewall: { ...firewall, rules }, own, exposing, places, denies, owner };
}

function denyRules(
  { places: { deny, withoutPlace } }: Plot,
  closed: readonly Closing[],
): readonly FirewallRule[] {
  const without = new Set(withoutPlace);
  return closed.flatMap((closing) =>
    deny === undefined || without.has(closing) ? [] : [{ ...closing.rule, order: deny }],
  );
}

/** Deny rules without a place come first: without them a policy is not settled, so they must not be the ones left out. */
function findingsOf(
  after: Firewall,
  { owner, exposing, places: { withoutPlace, deny } }: Plot,
  closed: readonly Closing[],
): readonly Finding[] {
  const faults = withoutPlace.map((closing) => noPlace(after, closing));
  const without = new Set(withoutPlace);
  const found = exposures(after, closed, {
    orderOf: (closing) => (without.has(closing) ? undefined : deny),
    // Those outside are where they were: no write of ours moves them.
    exposing: [exposing, exposingInside(after, closed, owner)],
    leading: after.rules.filter((rule) => rule.kind === "dnat" && !isOwned(rule, owner)),
    listed: mostFindings + 1,
  });
  return bounded([...faults, ...found.findings], mostFindings, found.more);
}

/** Deletes, then puts. Each rule tells its collection's place: where that changes, all of ours in it are put. */
function changesBetween(
  own: readonly FirewallRule[],
  wanted: readonly FirewallRule[],
): readonly RuleChange<FirewallRule>[] {
  const nameOf = ({ name }: FirewallRule) => name.toLowerCase();
  const present = Map.groupBy(own, nameOf);
  const future = new Set(wanted.map(nameOf));
  const stands = (rule: FirewallRule) => {
    // NB. In two collections of ours two may stand under one name: then one of them is not as it should be.
    const [same, ...others] = present.get(nameOf(rule)) ?? [];
    return (
      same !== undefined && others.length === 0 && firewallRuleText(same) === firewallRuleText(rule)
    );
  };
  const gone = [...present.values()].flatMap(([rule]) =>
    rule === undefined || future.has(nameOf(rule)) ? [] : [rule.name],
  );
  return [
    ...gone.map((name): RuleChange<FirewallRule> => ({ kind: "delete", name })),
    ...wanted
      .filter((rule) => !stands(rule))
      .map((rule): RuleChange<FirewallRule> => ({ kind: "put", rule })),
  ];
}
