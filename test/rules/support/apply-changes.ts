import { isIP } from "node:net";
import type { NetworkSecurityGroup, SecurityRule } from "../../../src/rules/nsg.ts";
import type { RuleChange } from "../../../src/rules/nsg-plan.ts";

/** Carries out changes one by one, and refuses what Azure would refuse at that very step. */
export function applyChanges(
  group: NetworkSecurityGroup,
  changes: readonly RuleChange[],
): NetworkSecurityGroup {
  return { ...group, rules: changes.reduce(apply, group.rules) };
}

function apply(rules: readonly SecurityRule[], change: RuleChange): readonly SecurityRule[] {
  const name = change.kind === "put" ? change.rule.name : change.name;
  const others = rules.filter((rule) => rule.name.toLowerCase() !== name.toLowerCase());
  if (change.kind === "delete") {
    insist(others.length < rules.length, `'${name}' is deleted but not there`);
    return others;
  }
  const { rule } = change;
  checkRule(rule);
  for (const other of others) {
    insist(
      other.priority !== rule.priority || other.direction !== rule.direction,
      `SecurityRuleConflict: ${rule.name} and ${other.name} at ${rule.priority}`,
    );
  }
  insist(others.length < 1_000, "SecurityRuleCountLimitReached");
  return [...others, rule];
}

/** What Azure demands of one rule, and what it is known to take but make nonsense of. */
function checkRule(rule: SecurityRule): void {
  insist(rule.name.length <= 80 && /^\w([\w.-]*\w)?$/.test(rule.name), `name '${rule.name}'`);
  insist(
    rule.description.length <= 140 && rule.description.isWellFormed(),
    `description '${rule.description}'`,
  );
  insist(
    Number.isInteger(rule.priority) && rule.priority >= 100 && rule.priority <= 4_096,
    `priority ${rule.priority}`,
  );
  checkList(rule.sources, isAddress, rule.name);
  checkList(rule.destinations, isAddress, rule.name);
  checkList(rule.sourcePorts, isPort, rule.name);
  checkList(rule.destinationPorts, isPort, rule.name);
  const families = [...rule.sources, ...rule.destinations].filter((entry) => entry !== "*");
  insist(new Set(families.map(familyOf)).size <= 1, `${rule.name} mixes IPv4 and IPv6`);
}

/** `*` and tags are for the singular property alone; an empty list or a double is a fault of the planner's. */
function checkList(
  list: readonly string[],
  isValid: (entry: string) => boolean,
  name: string,
): void {
  insist(list.length === 1 || list.every(isValid), `${name}: '${list}' has an entry no list may`);
  insist(list.length > 0 && list.every((entry) => entry === "*" || isValid(entry)), `${list}`);
  insist(new Set(list).size === list.length, `${name}: '${list}' has doubles`);
}

const isPort = (entry: string): boolean => /^\d{1,5}$/.test(entry) && Number(entry) <= 65_535;
const familyOf = (entry: string): number => isIP(entry.split("/")[0] ?? "");
const isAddress = (entry: string): boolean => familyOf(entry) !== 0;

function insist(holds: boolean, otherwise: string): void {
  if (!holds) {
    throw new Error(`Azure would refuse: ${otherwise}`);
  }
}
