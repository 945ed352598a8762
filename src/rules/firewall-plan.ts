import { resourceName } from "../policy/resource-id.ts";
import { bounded, type Finding } from "../reasons.ts";
import { type Firewall, type FirewallRule, firewallRuleText } from "./firewall.ts";
import { closings, type FirewallDraft, ipv4, type Opening, openings } from "./firewall-drafts.ts";
import { full, type Way, waysOf } from "./firewall-entrances.ts";
import { blocking, exposures, noPlace } from "./firewall-findings.ts";
import { isPublic } from "./firewall-overlap.ts";
import { type CollectionPlaces, carriedAlong, placeCollections } from "./firewall-places.ts";
import { gateTitle } from "./gate.ts";
import type { DesiredWindow, GateIntent, Owner, WindowResult } from "./intent.ts";
import {
  type GatePlan,
  insistOnOwn,
  mostFindings,
  type RuleChange,
  windowsAt,
} from "./nsg-plan.ts";
import { isOwned, sameName } from "./owned.ts";

/** What became of an opening: its rules with their places, or why it has none. */
type Opened =
  | {
      readonly opening: Opening;
      readonly rules: readonly FirewallRule[];
      readonly way: Extract<Way, { readonly entrance?: unknown }>;
    }
  | { readonly opening: Opening; readonly fault: Finding };

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
  const own = firewall.rules.filter((rule) => isOwned(rule, owner));
  const closed = closings(intent, owner);
  const places = placeCollections(firewall, closed, owner);
  const customer = firewall.rules
    .filter((rule) => !isOwned(rule, owner))
    .map((rule) => carriedAlong(firewall, rule, places, owner));
  const placedDenies = closed
    .filter((closing) => !places.withoutPlace.includes(closing))
    .flatMap(({ rule }) => placed(rule, places.deny));
  const opened = openAll({ ...firewall, rules: customer }, own, intent, live, places, owner);
  const wanted = [
    ...placedDenies,
    ...opened.flatMap((each) => ("rules" in each ? each.rules : [])),
  ];
  insistOnOwn(wanted, owner);
  const findings = [
    ...places.withoutPlace.map((closing) => noPlace(firewall, closing)),
    ...closed.flatMap((closing) =>
      exposures(
        firewall,
        customer,
        closing,
        places.withoutPlace.includes(closing) ? undefined : places.deny,
      ),
    ),
  ];
  return {
    changes: changesBetween(own, wanted),
    results: Object.fromEntries(live.map(({ windowId }) => [windowId, resultOf(windowId, opened)])),
    findings: bounded(findings, mostFindings),
    cleaned: [],
    expired,
  };
}

const placed = (draft: FirewallDraft, order: FirewallRule["order"] | undefined) =>
  order === undefined ? [] : [{ ...draft, order }];

/** Opens what can be opened. `firewall` carries the customer's rules alone. */
function openAll(
  firewall: Firewall,
  own: readonly FirewallRule[],
  intent: GateIntent,
  live: readonly DesiredWindow[],
  places: CollectionPlaces,
  owner: Owner,
): readonly Opened[] {
  const checked = openings(live, owner).map((opening) => ({
    opening,
    ...checkedRule(firewall, opening, places),
  }));
  const possible = checked.filter((each) => "allow" in each).map(({ opening }) => opening);
  const rules = {
    own: own.filter((rule) => rule.kind === "dnat"),
    customer: firewall.rules.filter((rule) => rule.kind === "dnat"),
  };
  const ways = waysOf(firewall, rules, intent, possible, owner);
  return checked.map((each): Opened => {
    if ("fault" in each) {
      return each;
    }
    const { opening, allow } = each;
    const way = ways.get(opening) ?? {};
    if ("fault" in way) {
      return { opening, fault: way.fault };
    }
    const dnat = way.rule === undefined ? [] : placed(way.rule, places.dnat);
    return way.rule !== undefined && dnat.length === 0
      ? { opening, fault: full(firewall, "no free priority for our DNAT rules") }
      : { opening, rules: [allow, ...dnat], way };
  });
}

function checkedRule(
  firewall: Firewall,
  { window, rule }: Opening,
  { allow: order }: CollectionPlaces,
): { readonly allow: FirewallRule } | { readonly fault: Finding } {
  const outside = rule.sources.find(isPublic);
  if (outside !== undefined && ipv4(window.publicAddresses ?? []).length === 0) {
    const message = `${gateTitle(firewall.id)} has no public address by which ${outside} could come to '${resourceName(window.vmId)}'.`;
    return { fault: { code: "FirewallWithoutPublicAddress", message, target: outside } };
  }
  if (order === undefined) {
    return { fault: full(firewall, "no free priority for our allow rules") };
  }
  const allow = { ...rule, order };
  const fault = blocking(firewall, firewall.rules, allow);
  return fault === undefined ? { allow } : { fault };
}

function resultOf(windowId: string, opened: readonly Opened[]): WindowResult {
  const own = opened.find(({ opening }) => opening.windowIds.includes(windowId));
  if (own === undefined) {
    // Nobody of its address family comes through a firewall: no rule is needed.
    return { state: "open", rules: [] };
  }
  if ("fault" in own) {
    return { state: "failed", reasons: [own.fault] };
  }
  const { entrance } = own.way;
  const rules = own.rules.map((rule) => rule.name);
  return { state: "open", rules, ...(entrance === undefined ? {} : { entrance }) };
}

/** A put that changes a collection's place is made of each rule of ours in it, as each tells the place. */
function changesBetween(
  own: readonly FirewallRule[],
  wanted: readonly FirewallRule[],
): readonly RuleChange<FirewallRule>[] {
  const isWanted = ({ name }: FirewallRule) => wanted.some((rule) => sameName(rule.name, name));
  const gone = new Set(own.filter((rule) => !isWanted(rule)).map((rule) => rule.name));
  const stands = (rule: FirewallRule) => {
    const same = own.filter((other) => sameName(other.name, rule.name));
    // NB. In two collections of ours may stand two of one name: then one of them is not as it should be.
    return (
      same.length === 1 && same.every((each) => firewallRuleText(each) === firewallRuleText(rule))
    );
  };
  return [
    ...[...gone].map((name): RuleChange<FirewallRule> => ({ kind: "delete", name })),
    ...wanted
      .filter((rule) => !stands(rule))
      .map((rule): RuleChange<FirewallRule> => ({ kind: "put", rule })),
  ];
}
