import { z } from "zod";
import { jsonObject, page } from "../answers.ts";
import { segmentAfter } from "../arm-id.ts";
import type { ArmResource } from "../estate.ts";
import { text } from "../read-routes.ts";
import { type Resources, sameText } from "../resources.ts";
import { CloudError, type CloudRequest, type Parameters, type Route } from "../router.ts";
import {
  type AuthorizationParts,
  allOf,
  atEveryScope,
  filterOf,
  fullType,
  idAt,
  scopeOf,
} from "./parts.ts";

const FILTERS = ["atScopeAndBelow()", "roleName eq ''", "type eq ''"];

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const actions = z.array(z.string().min(1)).default([]);
const body = z.object({
  properties: z.object({
    roleName: z.string().min(1).max(512),
    description: z.string().max(2_048).optional(),
    permissions: z.array(
      z.looseObject({
        actions,
        notActions: actions,
        dataActions: actions,
        notDataActions: actions,
      }),
    ),
    assignableScopes: z.array(z.string().startsWith("/")).min(1),
  }),
});

/** Lists, single ones, and `PUT` and `DELETE` of custom roles. */
export function roleDefinitionRoutes(parts: AuthorizationParts): readonly Route[] {
  const { resources, pageSize } = parts;
  const view = (parameters: Parameters) => (definition: ArmResource) =>
    definitionAt(definition, scopeOf(parameters));
  return [
    atEveryScope("GET", "roleDefinitions", (request, parameters) =>
      page(request, definitionsAt(parts, request, scopeOf(parameters)), pageSize, view(parameters)),
    ),
    atEveryScope("GET", "roleDefinitions/{name}", (_request, parameters) => {
      const name = text(parameters, "name");
      const found = findDefinition(resources, name);
      if (found !== undefined) return { status: 200, body: view(parameters)(found) };
      throw definitionNotFound(name);
    }),
    atEveryScope("PUT", "roleDefinitions/{name}", (request, parameters) => {
      const scope = scopeOf(parameters);
      const made = customRole(text(parameters, "name"), jsonObject(request), scope);
      const former = findDefinition(resources, made.name);
      refuseChange(resources, made, former);
      resources.put({ ...made, id: former?.id ?? made.id });
      return { status: 201, body: view(parameters)(made) };
    }),
    atEveryScope("DELETE", "roleDefinitions/{name}", (_request, parameters) => {
      const found = findDefinition(resources, text(parameters, "name"));
      if (found === undefined) return { status: 204 };
      refuseChange(resources, found, found);
      refuseIfAssigned(resources, found);
      resources.remove(found.id);
      return { status: 200, body: view(parameters)(found) };
    }),
  ];
}

/** By GUID, at any scope: ARM does not mind where it is asked. */
export function findDefinition(resources: Resources, name: string): ArmResource | undefined {
  return allOf(resources, "roleDefinitions").find((each) => sameText(each.name, name));
}

export function definitionNotFound(name: string): CloudError {
  return new CloudError(
    404,
    "RoleDefinitionDoesNotExist",
    `The specified role definition with ID '${name}' does not exist.`,
  );
}

/** Those that may be assigned at the scope, which has to be at or below one of their assignable scopes. */
function definitionsAt(
  { resources, isAtOrAbove }: AuthorizationParts,
  request: CloudRequest,
  scope: string,
): readonly ArmResource[] {
  const filter = filterOf(request, FILTERS);
  const roleName = filter.get("rolename");
  const type = filter.get("type");
  return allOf(resources, "roleDefinitions").filter(({ properties }) => {
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

/** The id of one definition differs with where it is asked: under the subscription, or of the tenant (azure-rest-api-specs#11103). */
function definitionAt(definition: ArmResource, scope: string): ArmResource {
  const subscription = segmentAfter(scope, "subscriptions");
  const prefix = subscription === undefined ? "/" : `/subscriptions/${subscription}`;
  return { ...definition, id: idAt(prefix, "roleDefinitions", definition.name) };
}

function customRole(name: string, given: unknown, scope: string): ArmResource {
  if (!GUID.test(name)) {
    throw new CloudError(
      400,
      "InvalidRoleDefinitionId",
      `The role definition ID '${name}' is not valid. The role definition ID must be a GUID.`,
    );
  }
  const parsed = body.safeParse(given);
  if (!parsed.success) {
    throw new CloudError(400, "InvalidRequestContent", z.prettifyError(parsed.error));
  }
  const made: ArmResource = {
    id: "",
    name,
    type: fullType("roleDefinitions"),
    properties: { ...parsed.data.properties, type: "CustomRole" },
  };
  return { ...made, id: definitionAt(made, scope).id };
}

/** Built-in roles are Azure's own, and a custom role's name is its tenant's only one of that name. */
function refuseChange(
  resources: Resources,
  made: ArmResource,
  former: ArmResource | undefined,
): void {
  if (former?.properties["type"] === "BuiltInRole") {
    throw new CloudError(
      403,
      "RoleDefinitionUpdateNotPermitted",
      `The built-in role definition '${former.name}' cannot be changed.`,
    );
  }
  const roleName = String(made.properties["roleName"]);
  const isTaken = allOf(resources, "roleDefinitions").some(
    (each) =>
      !sameText(each.name, made.name) && sameText(String(each.properties["roleName"]), roleName),
  );
  if (isTaken) {
    throw new CloudError(
      409,
      "RoleDefinitionWithSameNameExists",
      `A custom role with the same name already exists in this directory. Use a different name: '${roleName}'.`,
    );
  }
}

function refuseIfAssigned(resources: Resources, { name }: ArmResource): void {
  const isAssigned = allOf(resources, "roleAssignments").some(({ properties }) =>
    sameText(String(properties["roleDefinitionId"]).split("/").at(-1), name),
  );
  if (!isAssigned) return;
  throw new CloudError(
    400,
    "RoleDefinitionHasAssignments",
    "There are existing role assignments referencing role.",
  );
}
