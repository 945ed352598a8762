import { z } from "zod";
import { jsonObject, page } from "../answers.ts";
import type { ArmResource } from "../estate.ts";
import { text } from "../read-routes.ts";
import { sameText } from "../resources.ts";
import { CloudError, type CloudRequest, type Route } from "../router.ts";
import {
  type AuthorizationParts,
  allOf,
  atEveryScope,
  filterOf,
  fullType,
  holdersOf,
  idAt,
  isListed,
  scopeOf,
} from "./parts.ts";

/** learn.microsoft.com, deny-assignments-rest; `gdprExportPrincipalId` is not served. */
const FILTERS = ["atScope()", "assignedTo('')", "principalId eq ''", "denyAssignmentName eq ''"];

const principals = z.array(z.strictObject({ id: z.guid(), type: z.string().min(1) }));
const actions = z.array(z.string().min(1)).default([]);

const body = z.object({
  properties: z.object({
    denyAssignmentName: z.string().min(1).optional(),
    description: z.string().optional(),
    scope: z.string().startsWith("/"),
    doNotApplyToChildScopes: z.boolean().default(false),
    isSystemProtected: z.boolean().default(true),
    permissions: z
      .array(
        z.looseObject({
          actions,
          notActions: actions,
          dataActions: actions,
          notDataActions: actions,
        }),
      )
      .min(1),
    principals: principals.min(1),
    excludePrincipals: principals.default([]),
    condition: z.string().optional(),
    conditionVersion: z.string().optional(),
  }),
});

/**
 * Lists and single ones at every scope. In Azure only the platform makes them; `PUT` and `DELETE` of
 * `/local/deny-assignments/{name}`, which need no token, stand for it. The body is ARM's, `properties.scope` included.
 */
export function denyAssignmentRoutes(parts: AuthorizationParts): readonly Route[] {
  const { resources, pageSize } = parts;
  const local = (method: string, handle: Route["handle"]): Route => ({
    method,
    path: "/local/deny-assignments/{name}",
    needsArmToken: false,
    handle,
  });
  const named = (name: string) =>
    allOf(resources, "denyAssignments").find((each) => sameText(each.name, name));

  return [
    atEveryScope("GET", "denyAssignments", (request, parameters) =>
      page(request, assignmentsAt(parts, request, scopeOf(parameters)), pageSize, (item) => item),
    ),
    atEveryScope("GET", "denyAssignments/{name}", (_request, parameters) => {
      const name = text(parameters, "name");
      const found = resources.get(idAt(scopeOf(parameters), "denyAssignments", name));
      if (found === undefined) throw notFound(name);
      return { status: 200, body: found.resource };
    }),
    local("PUT", (request, parameters) => {
      const made = denyAssignment(text(parameters, "name"), jsonObject(request));
      const former = named(made.name);
      if (former !== undefined) resources.remove(former.id);
      resources.put(made);
      return { status: former === undefined ? 201 : 200, body: made };
    }),
    local("DELETE", (_request, parameters) => {
      const found = named(text(parameters, "name"));
      if (found !== undefined) resources.remove(found.id);
      return { status: 204 };
    }),
  ];
}

/**
 * `assignedTo` finds the principal and its groups among the principals. NB. Whether Azure also counts "everyone"
 * (00000000-0000-0000-0000-000000000000) there, or minds exclusions, is not documented: here it does neither, so that whoever
 * leans on it is found out. `atScope()` alone answers all of them.
 */
function assignmentsAt(
  { resources, directory, isAtOrAbove }: AuthorizationParts,
  request: CloudRequest,
  scope: string,
): readonly ArmResource[] {
  const filter = filterOf(request, FILTERS);
  const holders = holdersOf(directory, filter);
  const principalId = filter.get("principalid")?.toLowerCase();
  const name = filter.get("denyassignmentname");
  return allOf(resources, "denyAssignments").filter((assignment) => {
    const ids = principalIds(assignment);
    return (
      isListed(isAtOrAbove, filter, assignment, scope) &&
      (holders === undefined || ids.some((id) => holders.has(id))) &&
      (principalId === undefined || ids.includes(principalId)) &&
      (name === undefined || assignment.properties["denyAssignmentName"] === name)
    );
  });
}

function principalIds({ properties }: ArmResource): readonly string[] {
  const listed = (properties["principals"] ?? []) as readonly { readonly id: string }[];
  return listed.map(({ id }) => id.toLowerCase());
}

function denyAssignment(name: string, given: unknown): ArmResource {
  const parsed = body.safeParse(given);
  if (!parsed.success) {
    throw new CloudError(400, "InvalidRequestContent", z.prettifyError(parsed.error));
  }
  const { properties } = parsed.data;
  return {
    id: idAt(properties.scope, "denyAssignments", name),
    name,
    type: fullType("denyAssignments"),
    properties: { denyAssignmentName: name, ...properties },
  };
}

function notFound(name: string): CloudError {
  return new CloudError(
    404,
    "DenyAssignmentNotFound",
    `The deny assignment '${name}' is not found.`,
  );
}
