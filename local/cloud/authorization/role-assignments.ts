import { page } from "../answers.ts";
import type { ArmResource } from "../estate.ts";
import { text } from "../read-routes.ts";
import { CloudError, type CloudRequest, type Route } from "../router.ts";
import {
  type AuthorizationParts,
  allOf,
  atEveryScope,
  filterOf,
  holdersOf,
  idAt,
  isListed,
  scopeOf,
} from "./parts.ts";

const FILTERS = ["atScope()", "assignedTo('')", "principalId eq ''"];

/** Lists and single ones: learn.microsoft.com, role-assignments-list-rest. */
export function roleAssignmentRoutes(parts: AuthorizationParts): readonly Route[] {
  return [
    atEveryScope("GET", "roleAssignments", (request, parameters) =>
      page(request, assignmentsAt(parts, request, scopeOf(parameters)), parts.pageSize, same),
    ),
    atEveryScope("GET", "roleAssignments/{name}", (_request, parameters) => {
      const name = text(parameters, "name");
      const id = idAt(scopeOf(parameters), "roleAssignments", name);
      const found = parts.resources.get(id);
      if (found !== undefined) return { status: 200, body: found.resource };
      throw new CloudError(
        404,
        "RoleAssignmentNotFound",
        `The role assignment '${name}' is not found.`,
      );
    }),
  ];
}

const same = (item: ArmResource) => item;

/** `assignedTo` also counts assignments to groups the principal is in, however deep; `principalId` only its own. */
function assignmentsAt(
  { resources, directory, isAtOrAbove }: AuthorizationParts,
  request: CloudRequest,
  scope: string,
): readonly ArmResource[] {
  const filter = filterOf(request, FILTERS);
  const holders = holdersOf(directory, filter);
  const principalId = filter.get("principalid")?.toLowerCase();
  return allOf(resources, "roleAssignments").filter((assignment) => {
    const holder = String(assignment.properties["principalId"]).toLowerCase();
    return (
      isListed(isAtOrAbove, filter, assignment, scope) &&
      (holders === undefined || holders.has(holder)) &&
      (principalId === undefined || principalId === holder)
    );
  });
}
