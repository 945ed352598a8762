import { type Firewall, type FirewallRule, mappedPorts } from "../../../src/rules/firewall.ts";
import type { RuleChange } from "../../../src/rules/nsg-plan.ts";
import { isOwned } from "../../../src/rules/owned.ts";
import { anOwner } from "../../support/builders.ts";

export const isOurs = (rule: FirewallRule): boolean => isOwned(rule, anOwner);

/** Carries out all changes in one write, as a firewall takes them, and refuses what Azure would refuse of the outcome. */
export function applyToFirewall(
  firewall: Firewall,
  changes: readonly RuleChange<FirewallRule>[],
): Firewall {
  const puts = changes.flatMap((change) => (change.kind === "put" ? [change.rule] : []));
  const names = changes.map((change) =>
    (change.kind === "put" ? change.rule.name : change.name).toLowerCase(),
  );
  insist(new Set(names).size === names.length, `changes of the same rule: ${names.join()}`);
  const touched = firewall.rules.filter(
    (rule) => isOurs(rule) && names.includes(rule.name.toLowerCase()),
  );
  for (const change of changes.filter(({ kind }) => kind === "delete")) {
    const name = change.kind === "delete" ? change.name : "";
    insist(
      touched.some((rule) => rule.name === name),
      `'${name}' is deleted but not there`,
    );
  }
  const others = firewall.rules
    .filter((rule) => !touched.includes(rule))
    .map((rule) => {
      const put = puts.find((each) => each.collection === rule.collection);
      insist(put === undefined || !isOurs(rule) || same(put, rule), `${rule.name} is left behind`);
      return { ...rule, order: put?.order ?? movedWithGroup(firewall, rule, puts) };
    });
  const after = { ...firewall, rules: [...others, ...puts] };
  checkFirewall(after);
  return after;
}

/** A policy's group has one priority, whoever's collections are in it. */
function movedWithGroup(firewall: Firewall, rule: FirewallRule, puts: readonly FirewallRule[]) {
  const [level, group = 0, inside = 0] = rule.order;
  const isOurGroup =
    firewall.kind === "policy" && level === 1 && !firewall.groupPriorities.includes(group);
  const moved = puts[0]?.order[1] ?? group;
  insist(!isOurGroup || !isOurs(rule) || moved === group, `${rule.name} is left behind`);
  return isOurGroup ? [1, moved, inside] : rule.order;
}

const same = (left: FirewallRule, right: FirewallRule) => left.order.join() === right.order.join();

/** What Azure demands of a firewall, as far as rules of ours could break it. */
function checkFirewall(firewall: Firewall): void {
  for (const kind of ["dnat", "network"] as const) {
    const rules = firewall.rules.filter((rule) => rule.kind === kind);
    const collections = Map.groupBy(rules, (rule) => `${rule.collection} ${levelOf(rule)}`);
    const orders = [...collections.values()].map((inside) => {
      insist(new Set(inside.map(({ order }) => order.join())).size === 1, "one place a collection");
      insist(new Set(inside.map(({ access }) => access)).size === 1, "one action a collection");
      insist(new Set(inside.map(({ name }) => name.toLowerCase())).size === inside.length, "names");
      return inside[0]?.order.join();
    });
    insist(new Set(orders).size === orders.length, `priorities of ${kind} collections: ${orders}`);
  }
  const ours = firewall.rules.filter(isOurs);
  for (const rule of ours) {
    checkRule(rule, firewall);
  }
}

/** Rules of a parent policy may stand in a collection of the same name. */
const levelOf = ({ order }: FirewallRule): number => (order.length === 1 ? 1 : (order[0] ?? 0));

function checkRule(rule: FirewallRule, firewall: Firewall): void {
  const [level, group = 0] = firewall.kind === "classic" ? [1, ...rule.order] : rule.order;
  insist(level === 1 && group >= 100 && group <= 65_000, `place ${rule.order}`);
  insist(firewall.kind === "classic" || !firewall.groupPriorities.includes(group), "group");
  insist(rule.description.length <= 140 && rule.description.isWellFormed(), rule.description);
  for (const list of [rule.sources, rule.destinations, rule.destinationPorts, rule.protocols]) {
    insist(list.length > 0 && new Set(list).size === list.length, `${rule.name}: '${list}'`);
  }
  insist(
    ![...rule.sources, ...rule.destinations].some((text) => text.includes(":")),
    "firewalls know IPv4 only",
  );
  if (rule.kind === "dnat") {
    const [port] = rule.destinationPorts.map(Number);
    insist(rule.destinationPorts.length === 1 && rule.destinations.length === 1, rule.name);
    insist(port !== undefined && port >= mappedPorts.first && port <= mappedPorts.last, `${port}`);
    insist(/^[\d.]+$/.test(rule.translatedAddress ?? ""), `to ${rule.translatedAddress}`);
    insist(/^\d+$/.test(rule.translatedPort ?? ""), `to port ${rule.translatedPort}`);
  }
}

function insist(holds: boolean, otherwise: string): void {
  if (!holds) {
    throw new Error(`Azure would refuse: ${otherwise}`);
  }
}
