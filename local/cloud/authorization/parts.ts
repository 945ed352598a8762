import type { Directory } from "../entra/directory.ts";
import type { ArmResource, Estate } from "../estate.ts";
import { parameter } from "../guards.ts";
import { text } from "../read-routes.ts";
import type { Resources } from "../resources.ts";
import type { CloudRequest, Parameters, Route } from "../router.ts";
import { type Filter, parseFilter } from "./filter.ts";
import type { IsAtOrAbove } from "./scope.ts";

/** What the routes of Microsoft.Authorization work with. */
export interface AuthorizationParts {
  readonly resources: Resources;
  readonly directory: Directory;
  readonly isAtOrAbove: IsAtOrAbove;
  readonly tenantId: string;
  /** Most items on one page of a list. */
  readonly pageSize: number;
  readonly now: () => Date;
}

export type AuthorizationType = "roleAssignments" | "roleDefinitions" | "denyAssignments";

/** The estate's assignments and role definitions as the cloud keeps them: among its resources, by their ARM ids. */
export function authorizationResources(estate: Estate): readonly ArmResource[] {
  const typed = (type: AuthorizationType) =>
    (estate[type] ?? []).map((each) => ({ ...each, type: fullType(type) }));
  return [...typed("roleDefinitions"), ...typed("roleAssignments"), ...typed("denyAssignments")];
}

export function allOf(resources: Resources, type: AuthorizationType): readonly ArmResource[] {
  return resources.list(fullType(type)).map(({ resource }) => resource);
}

export function fullType(type: AuthorizationType): string {
  return `Microsoft.Authorization/${type}`;
}

/** The ARM id of what is made at a scope; the root scope has an empty beginning. */
export function idAt(scope: string, type: AuthorizationType, name: string): string {
  return `${scope === "/" ? "" : scope}/providers/${fullType(type)}/${name}`;
}

/** A route that every scope has. */
export function atEveryScope(method: string, path: string, handle: Route["handle"]): Route {
  return {
    method,
    path: `/{*scope}/providers/Microsoft.Authorization/${path}`,
    needsArmToken: true,
    handle,
  };
}

export function scopeOf(parameters: Parameters): string {
  return `/${text(parameters, "scope")}`;
}

export function filterOf(request: CloudRequest, supported: readonly string[]): Filter {
  return parseFilter(parameter(request.query, "$filter"), supported);
}

/** Without `atScope()` a list has what is at, above and below the scope; with it nothing from below. */
export function isListed(
  isAtOrAbove: IsAtOrAbove,
  filter: Filter,
  { properties }: ArmResource,
  scope: string,
): boolean {
  const made = String(properties["scope"]);
  return isAtOrAbove(made, scope) || (!filter.has("atscope") && isAtOrAbove(scope, made));
}

/** The principal itself and every group that holds it, in lower case; undefined when the filter has no `assignedTo`. */
export function holdersOf(directory: Directory, filter: Filter): ReadonlySet<string> | undefined {
  const assignedTo = filter.get("assignedto");
  if (assignedTo === undefined) return undefined;
  return new Set([assignedTo.toLowerCase(), ...directory.groupsOf(assignedTo)]);
}
