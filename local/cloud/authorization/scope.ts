import { idKey } from "../arm-id.ts";

const MANAGEMENT_GROUP = "/providers/microsoft.management/managementgroups/";

/**
 * Whether an assignment at `outer` is inherited at `inner`, or made there. Whole path segments count, without case. A
 * management group is no prefix of a subscription's id; the estate's management groups all hold its one subscription.
 */
export function isAtOrAbove(outer: string, inner: string): boolean {
  const above = idKey(outer);
  const below = idKey(inner);
  if (above === "/" || above === below || below.startsWith(`${above}/`)) return true;
  return above.startsWith(MANAGEMENT_GROUP) && below.startsWith("/subscriptions/");
}
