import type { Firewall, FirewallRule } from "./firewall.ts";

/** Where a collection of ours is read, see {@link FirewallRule.order}. */
export type Order = FirewallRule["order"];

/** Whether what stands at `left` is read before what stands at `right`. */
export function isBefore(left: Order, right: Order): boolean {
  const at = left.findIndex((number, index) => number !== right[index]);
  return at === -1 ? left.length < right.length : (left[at] ?? 0) < (right[at] ?? 0);
}

/** Orders rules as they are read. */
export function inOrder(
  left: Pick<FirewallRule, "order">,
  right: Pick<FirewallRule, "order">,
): number {
  return isBefore(left.order, right.order) ? -1 : isBefore(right.order, left.order) ? 1 : 0;
}

/**
 * The number by which a place of ours can be before or behind a rule: its collection's priority, or in a policy that of its
 * group. Nothing for rules of a parent policy: these are read before everything that can be placed.
 */
export function placeOf(
  { kind }: Pick<Firewall, "kind">,
  { order }: Pick<FirewallRule, "order">,
): number | undefined {
  const [first, second] = order;
  return kind === "classic" ? first : first === 0 ? undefined : second;
}

/** Whether a rule stands in our group of a policy, in a collection of ours or of a customer's: it goes where the group goes. */
export function isInOurGroup(
  { kind, groupPriorities }: Pick<Firewall, "kind" | "groupPriorities">,
  { order: [level, group] }: Pick<FirewallRule, "order">,
): boolean {
  return (
    kind === "policy" && level !== 0 && group !== undefined && !groupPriorities.includes(group)
  );
}
