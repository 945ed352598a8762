import type { Route } from "../router.ts";
import { denyAssignmentRoutes } from "./deny-assignments.ts";
import type { AuthorizationParts } from "./parts.ts";
import { roleAssignmentWriteRoutes } from "./role-assignment-writes.ts";
import { roleAssignmentRoutes } from "./role-assignments.ts";
import { roleDefinitionRoutes } from "./role-definitions.ts";

/** Role assignments, role definitions and deny assignments, at every scope. NB. Nobody's right to change them is checked. */
export function authorizationRoutes(parts: AuthorizationParts): readonly Route[] {
  return [
    ...roleAssignmentRoutes(parts),
    ...roleAssignmentWriteRoutes(parts),
    ...roleDefinitionRoutes(parts),
    ...denyAssignmentRoutes(parts),
  ];
}
