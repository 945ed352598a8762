/**
 * Deny assignments: Azure reads them before any role, and so do we. Whatever cannot be told for certain counts against the
 * caller (Azure RBAC, "Understand Azure deny assignments").
 */
import { idKey } from "../policy/resource-id.ts";
import { includesAction, type Permission } from "./action-pattern.ts";
import type { Principal } from "./caller.ts";
import { coversKey } from "./scope.ts";

/** A deny assignment that applies to the caller. */
export interface DenyAssignment {
  readonly id: string;
  readonly name: string;
  readonly scope: string;
  readonly doNotApplyToChildScopes: boolean;
  readonly permissions: readonly Permission[];
  /** Nobody could tell whether its groups hold the caller: it applies to be on the safe side. */
  readonly isAssumed?: boolean | undefined;
}

/** Whom a deny assignment names. Azure knows the types User, Group, ServicePrincipal, SystemDefined and some rarer ones. */
export interface DenyPrincipal {
  readonly id: string;
  readonly type: string;
}

/** A deny assignment as Azure lists it, for everybody. */
export interface ListedDeny extends DenyAssignment {
  readonly principals: readonly DenyPrincipal[];
  readonly excludePrincipals: readonly DenyPrincipal[];
}

/** Whether a group holds the principal, by lower-case group id; a group that is not there is one nobody could tell about. */
export type Memberships = ReadonlyMap<string, boolean>;

/** The id by which a deny assignment names everybody. */
export const everyone = "00000000-0000-0000-0000-000000000000";

/** Kinds that hold nobody but themselves. */
const single = new Set(["user", "serviceprincipal", "device"]);

/** The groups whose membership decides whether one of the deny assignments applies to the principal: lower-case ids, each once. */
export function groupsInQuestion(
  denies: readonly ListedDeny[],
  principal: Principal,
): readonly string[] {
  const unknown: Memberships = new Map();
  const open = denies.flatMap(({ principals, excludePrincipals }) => {
    const named = principals.map((each) => holds(each, principal, unknown));
    const excluded = excludePrincipals.map((each) => holds(each, principal, unknown));
    if (excluded.includes("yes") || !named.some((each) => each !== "no")) {
      return [];
    }
    return [...(named.includes("yes") ? [] : principals), ...excludePrincipals];
  });
  return [...new Set(open.filter(isLocalGroup).map((each) => each.id.toLowerCase()))];
}

/**
 * The deny assignments that apply to the principal. A group among the principals counts as holding it unless it certainly
 * does not; an excluded group counts only if it certainly does.
 */
export function deniesFor(
  denies: readonly ListedDeny[],
  principal: Principal,
  memberships: Memberships,
): readonly DenyAssignment[] {
  return denies.flatMap(({ principals, excludePrincipals, ...deny }) => {
    const named = principals.map((each) => holds(each, principal, memberships));
    const excluded = excludePrincipals.map((each) => holds(each, principal, memberships));
    if (excluded.includes("yes") || !named.some((each) => each !== "no")) {
      return [];
    }
    const isAssumed = !named.includes("yes") || excluded.includes("unknown");
    return [{ ...deny, isAssumed }];
  });
}

/** Whether the deny assignment speaks of the action. A condition does not soften it. */
export function forbids(deny: DenyAssignment, action: string): boolean {
  return deny.permissions.some((permission) => includesAction(permission, action));
}

/** Whether the deny assignment reaches a scope, which is given in the form of `idKey`. */
export function reaches(deny: DenyAssignment, scopeKey: string): boolean {
  const own = idKey(deny.scope);
  return deny.doNotApplyToChildScopes ? own === scopeKey : coversKey(own, scopeKey);
}

function holds(
  named: DenyPrincipal,
  principal: Principal,
  memberships: Memberships,
): "yes" | "no" | "unknown" {
  const id = named.id.toLowerCase();
  if (id === everyone || id === principal.objectId.toLowerCase()) {
    return "yes";
  }
  if (single.has(named.type.toLowerCase())) {
    return "no";
  }
  const isMember = memberships.get(id);
  return isMember === undefined ? "unknown" : isMember ? "yes" : "no";
}

/** Of a group of another directory ours knows nothing. */
function isLocalGroup({ id, type }: DenyPrincipal): boolean {
  const kind = type.toLowerCase();
  return id.toLowerCase() !== everyone && !single.has(kind) && kind !== "foreigngroup";
}
