import type { Permission } from "../../src/caller/action-pattern.ts";
import type { DenyAssignment } from "../../src/caller/deny.ts";
import {
  type CallerRights,
  createJudge,
  definitionKey,
  type RoleAssignment,
} from "../../src/caller/permissions.ts";

export interface GivenAssignment {
  readonly scope: string;
  /** Without them the role is one that nobody knows. */
  readonly permissions?: readonly Partial<Permission>[];
  readonly hasCondition?: boolean;
}

export const aPermission = (values: Partial<Permission> = {}): Permission => ({
  actions: [],
  notActions: [],
  hasCondition: false,
  ...values,
});

export const aDeny = (values: Partial<DenyAssignment> = {}): DenyAssignment => ({
  id: "/subscriptions/a/providers/Microsoft.Authorization/denyAssignments/deny-0",
  name: "no entry",
  scope: "/subscriptions/a",
  doNotApplyToChildScopes: false,
  permissions: [aPermission({ actions: ["*"] })],
  ...values,
});

/** A caller with these assignments, `assignment-0` and so on, each of a role of its own. */
export function rightsOf(
  given: readonly GivenAssignment[],
  denies: readonly DenyAssignment[] = [],
): CallerRights {
  const assignments = given.map(
    ({ scope, hasCondition = false }, index): RoleAssignment => ({
      id: `assignment-${index}`,
      scope,
      // The part before the id differs from the definition's, as it does in Azure.
      roleDefinitionId: `${scope}/providers/Microsoft.Authorization/roleDefinitions/ROLE-${index}`,
      hasCondition,
    }),
  );
  const definitions = given.flatMap(({ permissions }, index) => {
    const id = `/providers/Microsoft.Authorization/roleDefinitions/role-${index}`;
    return permissions === undefined
      ? []
      : [[definitionKey(id), { id, permissions: permissions.map(aPermission) }] as const];
  });
  return { assignments, definitions: new Map(definitions), denies };
}

/** The id of the assignment that lets the caller do `action` at `scope`, or nothing: whatever is not granted is refused. */
export function grantingAssignment(
  rights: CallerRights,
  action: string,
  scope: string,
): string | undefined {
  const verdict = createJudge(rights)({ action, scopes: [scope] });
  return verdict.outcome === "granted" ? verdict.assignmentId : undefined;
}
