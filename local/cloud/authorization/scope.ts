import { idKey, segmentAfter } from "../arm-id.ts";
import type { Estate, ManagementGroup } from "../estate.ts";

const MANAGEMENT_GROUP = "/providers/microsoft.management/managementgroups/";

/** Whether what is made at `outer` is inherited at `inner`, or made right there. Whole path segments count, without case. */
export type IsAtOrAbove = (outer: string, inner: string) => boolean;

/**
 * A management group is no prefix of a subscription's id, so the estate's tree tells what is below which. An estate that
 * names no management groups has its subscription below each of them, and none below another.
 */
export function createScopeCheck(
  estate: Pick<Estate, "tenantId" | "managementGroups">,
): IsAtOrAbove {
  const { managementGroups = [], tenantId } = estate;
  const isBelow =
    managementGroups.length === 0 ? subscriptionBelowAll : createTree(managementGroups, tenantId);
  return (outer, inner) => {
    const above = idKey(outer);
    const below = idKey(inner);
    if (above === "/" || above === below || below.startsWith(`${above}/`)) return true;
    const group = managementGroupOf(above);
    return group !== undefined && isBelow(group, below);
  };
}

/** Undefined for any other scope, and for one inside a management group. */
function managementGroupOf(scope: string): string | undefined {
  if (!scope.startsWith(MANAGEMENT_GROUP)) return undefined;
  const name = scope.slice(MANAGEMENT_GROUP.length);
  return name.includes("/") ? undefined : name;
}

function subscriptionBelowAll(_group: string, scope: string): boolean {
  return scope.startsWith("/subscriptions/");
}

function createTree(
  groups: readonly ManagementGroup[],
  tenantId: string,
): (group: string, scope: string) => boolean {
  // The tenant root group is above whatever names no other place for itself.
  const root = tenantId.toLowerCase();
  const parents = new Map(
    groups.map(({ name, parent = root }) => [name.toLowerCase(), parent.toLowerCase()]),
  );
  const homes = new Map(
    groups.flatMap(({ name, subscriptions = [] }) =>
      subscriptions.map((id) => [id.toLowerCase(), name.toLowerCase()] as const),
    ),
  );

  function firstAbove(scope: string): string | undefined {
    const subscription = segmentAfter(scope, "subscriptions");
    if (scope.startsWith("/subscriptions/") && subscription !== undefined) {
      return homes.get(subscription) ?? root;
    }
    return scope.startsWith(MANAGEMENT_GROUP) ? segmentAfter(scope, "managementGroups") : undefined;
  }

  return (group, scope) => {
    let above = firstAbove(scope);
    // The estate's check has refused circles; the root group, listed or not, has nothing above.
    while (above !== undefined && above !== group) {
      above = above === root ? undefined : (parents.get(above) ?? root);
    }
    return above === group;
  };
}
