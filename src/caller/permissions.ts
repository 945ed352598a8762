/** Azure's role-based access control, evaluated: deny assignments first, then role assignments; what nobody grants is refused. */
import { idKey, resourceName } from "../policy/resource-id.ts";
import { quote, type Reason } from "../reasons.ts";
import { includesAction, type Permission } from "./action-pattern.ts";
import { type DenyAssignment, forbids, reaches } from "./deny.ts";
import { coversKey } from "./scope.ts";

/** A role assignment that Azure already found to be the caller's, direct or through a group. */
export interface RoleAssignment {
  readonly id: string;
  readonly scope: string;
  readonly roleDefinitionId: string;
  /** Conditions are not evaluated; an assignment with one grants nothing. */
  readonly hasCondition: boolean;
}

export interface RoleDefinition {
  readonly id: string;
  readonly permissions: readonly Permission[];
}

/** What Azure knows about a caller in one subscription, gathered once and asked many times. Unknown definitions grant nothing. */
export interface CallerRights {
  readonly assignments: readonly RoleAssignment[];
  /** By {@link definitionKey}. */
  readonly definitions: ReadonlyMap<string, RoleDefinition>;
  /** Those that apply to the caller. */
  readonly denies: readonly DenyAssignment[];
}

/** The rights of whom nobody granted anything. */
export const noRights: CallerRights = { assignments: [], definitions: new Map(), denies: [] };

/** `denied`: a role would grant it, but a deny assignment takes it away at `scope`. */
export type Verdict =
  | { readonly outcome: "granted"; readonly assignmentId: string }
  | { readonly outcome: "denied"; readonly deny: DenyAssignment; readonly scope: string }
  | { readonly outcome: "missing" };

/** An action that is needed on any one of some scopes. */
export interface Requirement {
  readonly action: string;
  /** An action that is as good, unless the first is denied. */
  readonly orAction?: string | undefined;
  /** Any of them is enough; the first is what a refusal is about. */
  readonly scopes: readonly [string, ...(readonly string[])];
}

/** What rights say to requirements. Each action is looked up once, however many scopes are asked about. */
export type Judge = (requirement: Requirement) => Verdict;

export function createJudge(rights: CallerRights): Judge {
  const known = new Map<string, ActionRights>();
  const rightsTo = (action: string): ActionRights => {
    const found = known.get(action) ?? actionRights(rights, action);
    known.set(action, found);
    return found;
  };
  return ({ action, orAction, scopes }) => {
    const assignmentId =
      firstOf(scopes, rightsTo(action).granting) ??
      (orAction === undefined ? undefined : grantedAlone(rightsTo(orAction), scopes));
    if (assignmentId === undefined) {
      return { outcome: "missing" };
    }
    // NB. A deny assignment on any of the scopes refuses, though the action may be granted on another: whoever denied it
    // there meant the same policy and VM.
    return (
      firstOf(scopes, (scope) => {
        const deny = rightsTo(action).denying(scope);
        return deny === undefined ? undefined : ({ outcome: "denied", deny, scope } as const);
      }) ?? { outcome: "granted", assignmentId }
    );
  };
}

/** A reason for every requirement that the caller's rights do not meet. Empty: allowed. */
export function missingRights(
  rights: CallerRights,
  requirements: readonly Requirement[],
  caller: string,
): readonly Reason[] {
  const judge = createJudge(rights);
  return requirements.flatMap((requirement) => {
    const verdict = judge(requirement);
    return verdict.outcome === "granted" ? [] : [refusalOf(requirement, verdict, caller)];
  });
}

/** Role definitions are known by the GUID at the end of their id: the part before it differs from scope to scope. */
export function definitionKey(roleDefinitionId: string): string {
  return idKey(roleDefinitionId).split("/").at(-1) ?? "";
}

/** What rights say about one action at scopes. */
interface ActionRights {
  /** The id of an assignment that grants it, deny assignments left aside. */
  granting(scope: string): string | undefined;
  denying(scope: string): DenyAssignment | undefined;
}

function actionRights(rights: CallerRights, action: string): ActionRights {
  const grants = rights.assignments
    .filter((assignment) => isGrant(rights, assignment, action))
    .map(({ id, scope }) => ({ id, key: idKey(scope) }));
  const denies = rights.denies.filter((deny) => forbids(deny, action));
  return {
    granting: (scope) => {
      const asked = idKey(scope);
      return grants.find(({ key }) => coversKey(key, asked))?.id;
    },
    denying: (scope) => {
      const asked = idKey(scope);
      return denies.find((deny) => reaches(deny, asked));
    },
  };
}

function isGrant(rights: CallerRights, assignment: RoleAssignment, action: string): boolean {
  const role = rights.definitions.get(definitionKey(assignment.roleDefinitionId));
  return (
    !assignment.hasCondition &&
    (role?.permissions ?? []).some(
      (permission) => !permission.hasCondition && includesAction(permission, action),
    )
  );
}

function grantedAlone(rights: ActionRights, scopes: readonly string[]): string | undefined {
  return scopes.some((scope) => rights.denying(scope) !== undefined)
    ? undefined
    : firstOf(scopes, rights.granting);
}

function firstOf<T>(
  scopes: readonly string[],
  of: (scope: string) => T | undefined,
): T | undefined {
  for (const scope of scopes) {
    const found = of(scope);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

function refusalOf(
  { action, scopes }: Requirement,
  verdict: Exclude<Verdict, { readonly outcome: "granted" }>,
  caller: string,
): Reason {
  return {
    code: "AuthorizationFailed",
    message:
      verdict.outcome === "missing"
        ? `${quote(caller)} has no role with the action '${action}' on '${scopes.join("' or '")}'. Ask an owner for a role assignment; a new one takes effect within minutes.`
        : `${quote(caller)} may not do '${action}' on '${verdict.scope}': ${denyText(verdict.deny)}.`,
    target: verdict.outcome === "missing" ? scopes[0] : verdict.scope,
  };
}

function denyText({ id, name, isAssumed }: DenyAssignment): string {
  const doubt = isAssumed === true ? ", and whether its groups hold the caller cannot be told" : "";
  return `the deny assignment ${quote(name)} (${resourceName(id)}) forbids it${doubt}`;
}
