import { idKey } from "../policy/resource-id.ts";
import { quote, type Reason } from "../reasons.ts";

/** The actions JIT Access asks for, by what a person wants to do (Microsoft's own action names). */
export const actions = {
  readPolicy: "Microsoft.Security/locations/jitNetworkAccessPolicies/read",
  writePolicy: "Microsoft.Security/locations/jitNetworkAccessPolicies/write",
  deletePolicy: "Microsoft.Security/locations/jitNetworkAccessPolicies/delete",
  initiate: "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action",
} as const;

/** Microsoft's documented requester role reads with `J/{any}/read`, which does not match `J/read`; either is enough to read. */
const nestedRead = "Microsoft.Security/locations/jitNetworkAccessPolicies/requests/read";

/** A role assignment that Azure already found to be the caller's, direct or through a group. */
export interface RoleAssignment {
  readonly id: string;
  readonly scope: string;
  readonly roleDefinitionId: string;
  /** Conditions are not evaluated; an assignment with one grants nothing. */
  readonly hasCondition: boolean;
}

/** One permission object of a role definition. */
export interface Permission {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
  readonly hasCondition: boolean;
}

export interface RoleDefinition {
  readonly id: string;
  readonly permissions: readonly Permission[];
}

/** A caller's rights in one subscription, gathered once and asked many times. Unknown definitions grant nothing. */
export interface CallerRights {
  readonly assignments: readonly RoleAssignment[];
  readonly definitions: ReadonlyMap<string, RoleDefinition>;
}

/**
 * Whether an action pattern of a role definition matches an action: without case, anchored at both ends, `*` is any run
 * of characters, `/` and none included. Linear, so no pattern can stall the service.
 */
export function matchesAction(pattern: string, action: string): boolean {
  const wanted = action.toLowerCase();
  const glob = pattern.toLowerCase();
  let globIndex = 0;
  let index = 0;
  let starAt = -1;
  let resumeAt = 0;
  while (index < wanted.length) {
    if (glob[globIndex] === "*") {
      starAt = globIndex;
      globIndex += 1;
      resumeAt = index;
    } else if (globIndex < glob.length && glob[globIndex] === wanted[index]) {
      globIndex += 1;
      index += 1;
    } else if (starAt >= 0) {
      globIndex = starAt + 1;
      resumeAt += 1;
      index = resumeAt;
    } else {
      return false;
    }
  }
  while (glob[globIndex] === "*") {
    globIndex += 1;
  }
  return globIndex === glob.length;
}

/** Whether what is granted at `scope` holds at `target` too: equal, or above it by whole path segments. */
export function scopeCovers(scope: string, target: string): boolean {
  const above = idKey(scope);
  const below = idKey(target);
  // A management group's id is no prefix of what it holds: Azure lists such an assignment only where it is inherited.
  const isInherited =
    above === "/" || above.startsWith("/providers/microsoft.management/managementgroups/");
  return isInherited || below === above || below.startsWith(`${above}/`);
}

/** The id of the assignment that lets the caller do `action` at `scope`, or nothing: whatever is not granted is refused. */
export function grantingAssignment(
  rights: CallerRights,
  action: string,
  scope: string,
): string | undefined {
  return rights.assignments.find((assignment) => grants(rights, assignment, action, scope))?.id;
}

function grants(
  rights: CallerRights,
  assignment: RoleAssignment,
  action: string,
  scope: string,
): boolean {
  if (assignment.hasCondition || !scopeCovers(assignment.scope, scope)) {
    return false;
  }
  const permissions =
    rights.definitions.get(definitionKey(assignment.roleDefinitionId))?.permissions ?? [];
  return permissions.some(
    (permission) =>
      !permission.hasCondition &&
      permission.actions.some((pattern) => matchesAction(pattern, action)) &&
      // NB. notActions narrows its own permission object only; it is no deny, another role may still grant the action.
      !permission.notActions.some((pattern) => matchesAction(pattern, action)),
  );
}

/** Role definitions are known by the GUID at the end of their id: the part before it differs from scope to scope. */
export function definitionKey(roleDefinitionId: string): string {
  return idKey(roleDefinitionId).split("/").at(-1) ?? "";
}

/** Whether the caller may read policies at a scope. */
export function mayRead(rights: CallerRights, scope: string): boolean {
  return [actions.readPolicy, nestedRead].some(
    (action) => grantingAssignment(rights, action, scope) !== undefined,
  );
}

/** A reason for every scope on which the caller lacks the action. Empty: allowed. */
export function missingRights(
  rights: CallerRights,
  action: string,
  scopes: readonly string[],
  caller: string,
): readonly Reason[] {
  return scopes
    .filter((scope) => grantingAssignment(rights, action, scope) === undefined)
    .map((scope) => ({
      code: "AuthorizationFailed",
      message: `${quote(caller)} has no role with the action '${action}' on '${scope}'. Ask an owner of that scope for a role assignment; a new one takes effect within minutes.`,
      target: scope,
    }));
}
