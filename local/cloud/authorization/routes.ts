import { page } from "../answers.ts";
import { idKey, segmentAfter } from "../arm-id.ts";
import type { ArmResource, Estate } from "../estate.ts";
import { parameter } from "../guards.ts";
import { text } from "../read-routes.ts";
import { sameText } from "../resources.ts";
import { CloudError, type CloudRequest, type Parameters, type Route } from "../router.ts";
import { type Filter, parseFilter } from "./filter.ts";
import { isAtOrAbove } from "./scope.ts";

const ROLE_DEFINITIONS = "/providers/Microsoft.Authorization/roleDefinitions";
const DEFAULT_PAGE_SIZE = 1000;
const ASSIGNMENT_FILTERS = ["atScope()", "assignedTo('')", "principalId eq ''"];
const DEFINITION_FILTERS = ["atScopeAndBelow()", "roleName eq ''", "type eq ''"];

/** Role assignments, role definitions and deny assignments of the estate, readable at every scope. */
export function authorizationRoutes(
  estate: Estate,
  pageSize = estate.behaviour?.pageSize ?? DEFAULT_PAGE_SIZE,
): readonly Route[] {
  const get = (path: string, handle: Route["handle"]): Route => ({
    method: "GET",
    path: `/{*scope}/providers/Microsoft.Authorization/${path}`,
    needsArmToken: true,
    handle,
  });
  const view = (parameters: Parameters) => (definition: ArmResource) =>
    definitionAt(definition, scopeOf(parameters));

  return [
    get("roleAssignments", (request, parameters) =>
      page(request, assignmentsAt(estate, request, scopeOf(parameters)), pageSize, (item) => item),
    ),
    get("roleAssignments/{name}", (_request, parameters) => ({
      status: 200,
      body: findAssignment(estate, scopeOf(parameters), text(parameters, "name")),
    })),
    get("roleDefinitions", (request, parameters) =>
      page(
        request,
        definitionsAt(estate, request, scopeOf(parameters)),
        pageSize,
        view(parameters),
      ),
    ),
    get("roleDefinitions/{name}", (_request, parameters) => ({
      status: 200,
      body: view(parameters)(findDefinition(estate, text(parameters, "name"))),
    })),
    // An estate has no deny assignments: in Azure only the platform itself makes them.
    get("denyAssignments", (request) => {
      filterOf(request, ASSIGNMENT_FILTERS);
      return { status: 200, body: { value: [] } };
    }),
  ];
}

/**
 * `atScope()` keeps those made at the scope or above it; without it those below are in as well. `assignedTo` also counts
 * assignments to groups the principal is in, `principalId` only its own.
 */
function assignmentsAt(
  estate: Estate,
  request: CloudRequest,
  scope: string,
): readonly ArmResource[] {
  const filter = filterOf(request, ASSIGNMENT_FILTERS);
  const assignedTo = filter.get("assignedto");
  const holders = assignedTo === undefined ? undefined : principalsOf(estate, assignedTo);
  const principalId = filter.get("principalid");
  return estate.roleAssignments.filter(({ properties }) => {
    const made = String(properties["scope"]);
    const holder = String(properties["principalId"]).toLowerCase();
    return (
      (isAtOrAbove(made, scope) || (!filter.has("atscope") && isAtOrAbove(scope, made))) &&
      (holders === undefined || holders.has(holder)) &&
      (principalId === undefined || principalId.toLowerCase() === holder)
    );
  });
}

/** The principal and, once estates have groups, every group that holds it, however deep. */
function principalsOf(_estate: Estate, objectId: string): ReadonlySet<string> {
  return new Set([objectId.toLowerCase()]);
}

function findAssignment(estate: Estate, scope: string, name: string): ArmResource {
  const id = idKey(`${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`);
  const found = estate.roleAssignments.find((assignment) => idKey(assignment.id) === id);
  if (found !== undefined) return found;
  throw new CloudError(
    404,
    "RoleAssignmentNotFound",
    `The role assignment '${name}' is not found.`,
  );
}

/** Those that may be assigned at the scope, which has to be at or below one of their assignable scopes. */
function definitionsAt(
  estate: Estate,
  request: CloudRequest,
  scope: string,
): readonly ArmResource[] {
  const filter = filterOf(request, DEFINITION_FILTERS);
  const roleName = filter.get("rolename");
  const type = filter.get("type");
  return estate.roleDefinitions.filter(({ properties }) => {
    const assignable = (properties["assignableScopes"] ?? ["/"]) as readonly string[];
    return (
      assignable.some(
        (each) =>
          isAtOrAbove(each, scope) || (filter.has("atscopeandbelow") && isAtOrAbove(scope, each)),
      ) &&
      (roleName === undefined || sameText(String(properties["roleName"]), roleName)) &&
      (type === undefined || sameText(String(properties["type"]), type))
    );
  });
}

/** By GUID, at any scope: ARM does not mind where it is asked. */
function findDefinition(estate: Estate, name: string): ArmResource {
  const found = estate.roleDefinitions.find((definition) => sameText(definition.name, name));
  if (found !== undefined) return found;
  throw new CloudError(
    404,
    "RoleDefinitionDoesNotExist",
    `The specified role definition with ID '${name}' does not exist.`,
  );
}

/** The id of one definition differs with where it is asked: under the subscription, or of the tenant (azure-rest-api-specs#11103). */
function definitionAt(definition: ArmResource, scope: string): ArmResource {
  const subscription = segmentAfter(scope, "subscriptions");
  const prefix = subscription === undefined ? "" : `/subscriptions/${subscription}`;
  return { ...definition, id: `${prefix}${ROLE_DEFINITIONS}/${definition.name}` };
}

function filterOf(request: CloudRequest, supported: readonly string[]): Filter {
  return parseFilter(parameter(request.query, "$filter"), supported);
}

function scopeOf(parameters: Parameters): string {
  return `/${text(parameters, "scope")}`;
}
