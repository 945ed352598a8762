import type { Machine } from "../ports.ts";
import { isPrefix, parsePrefix } from "./cidr.ts";
import { isDefenderRule, vmNameOf } from "./defender-rule.ts";
import type { Leftover } from "./intent.ts";
import { type NetworkSecurityGroup, ruleText, type SecurityRule, trafficText } from "./nsg.ts";
import { sameName } from "./owned.ts";

/** A leftover and, in words, why it may go. */
export interface FoundLeftover {
  readonly leftover: Leftover;
  readonly reason: string;
}

/**
 * VMs by their lower-cased names: all that bear the name in the gate's subscription, none for a name that certainly no VM
 * bears. A name that is not in it is unknown.
 */
export type MachinesByName = ReadonlyMap<string, readonly Machine[]>;

/** Lower-cased names of the VMs of which {@link defenderLeftovers} would have to know. */
export function namedVms(group: NetworkSecurityGroup): readonly string[] {
  return [...new Set(group.rules.filter(isDefenderRule).map(vmNameOf))];
}

/**
 * Rules that Microsoft Defender's just-in-time access left behind and that its own cleaner would remove: those of lower
 * precedence where two are identical, and allow rules whose VM certainly does not have the address they speak of. Every other
 * rule, and every rule that differs in anything from what Defender writes, is the customer's.
 */
export function defenderLeftovers(
  group: NetworkSecurityGroup,
  machines: MachinesByName,
): readonly FoundLeftover[] {
  const strays = group.rules.filter((rule) => isDefenderRule(rule) && isStray(rule, machines));
  const others = group.rules.filter((rule) => !strays.includes(rule));
  return [
    ...strays.map((rule) => ({
      leftover: { name: rule.name, print: ruleText(rule) },
      reason: `VM '${vmNameOf(rule)}' does not have address ${rule.destinations[0]}.`,
    })),
    ...doubles(others).map(({ rule, first }) => ({
      leftover: { name: rule.name, print: ruleText(rule), doubleOf: first.name },
      reason: `Rule '${first.name}' (priority ${first.priority}) says the same and is read before it.`,
    })),
  ];
}

/** The rules among those decided upon that may go now: still there, still what they were, and doubles only beside what they double. */
export function standingLeftovers(
  group: NetworkSecurityGroup,
  leftovers: readonly Leftover[],
): readonly SecurityRule[] {
  const isSame = (leftover: Leftover, rule: SecurityRule) =>
    sameName(leftover.name, rule.name) && leftover.print === ruleText(rule) && isDefenderRule(rule);
  const strays = group.rules.filter((rule) =>
    leftovers.some((leftover) => leftover.doubleOf === undefined && isSame(leftover, rule)),
  );
  const others = group.rules.filter((rule) => !strays.includes(rule));
  const again = doubles(others).filter(({ rule, first }) =>
    leftovers.some((leftover) => leftover.doubleOf === first.name && isSame(leftover, rule)),
  );
  return [...strays, ...again.map(({ rule }) => rule)];
}

/**
 * Whether it lets traffic to an address that no VM of its name has. A VM of which no address is known may have any. NB. Of allow
 * rules only: the description tells a name, and a VM of that name that we may not see may be held closed by the deny rule.
 */
function isStray(rule: SecurityRule, machines: MachinesByName): boolean {
  const named = machines.get(vmNameOf(rule));
  return (
    rule.access === "Allow" &&
    named?.every(
      ({ addresses }) =>
        addresses.length > 0 &&
        addresses.every(({ address }) => textOf(address) !== textOf(rule.destinations[0] ?? "")),
    ) === true
  );
}

interface Double {
  readonly rule: SecurityRule;
  /** The one that is read first. */
  readonly first: SecurityRule;
}

/** Rules of Defender's that are identical, for the same policy and VM, to one that is read before them. */
function doubles(rules: readonly SecurityRule[]): readonly Double[] {
  const alike = Map.groupBy(rules.filter(isDefenderRule), (rule) =>
    JSON.stringify([rule.description, trafficText(rule)]),
  );
  return [...alike.values()].flatMap((group) => {
    const [first, ...later] = group.toSorted((left, right) => left.priority - right.priority);
    return first === undefined ? [] : later.map((rule) => ({ rule, first }));
  });
}

function textOf(address: string): string {
  const prefix = parsePrefix(address);
  return isPrefix(prefix) ? prefix.text : address.toLowerCase();
}
