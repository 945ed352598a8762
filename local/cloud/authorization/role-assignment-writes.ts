import { z } from "zod";
import { jsonObject } from "../answers.ts";
import { idKey } from "../arm-id.ts";
import type { ArmResource } from "../estate.ts";
import { text } from "../read-routes.ts";
import { CloudError, type CloudRequest, type Route } from "../router.ts";
import { type AuthorizationParts, allOf, atEveryScope, fullType, idAt, scopeOf } from "./parts.ts";
import { definitionNotFound, findDefinition } from "./role-definitions.ts";

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const body = z.object({
  properties: z.object({
    roleDefinitionId: z.string().min(1),
    principalId: z.guid(),
    principalType: z
      .enum(["User", "Group", "ServicePrincipal", "ForeignGroup", "Device"])
      .optional(),
    description: z.string().optional(),
    condition: z.string().optional(),
    conditionVersion: z.enum(["1.0", "2.0"]).optional(),
  }),
});
type Asked = z.output<typeof body>["properties"];

/**
 * `PUT` answers 201 for a new one and 200 for the same again (with another condition or description, if wanted); `DELETE`
 * answers 200 with what was removed, or 204: learn.microsoft.com, rest/api/authorization/role-assignments. Error codes are
 * those of learn.microsoft.com, role-based-access-control/troubleshooting, and of messages in public issues.
 */
export function roleAssignmentWriteRoutes(parts: AuthorizationParts): readonly Route[] {
  const { resources } = parts;
  return [
    atEveryScope("PUT", "roleAssignments/{name}", (request, parameters) => {
      const asked = read(request);
      const made = assignment(parts, request, asked, {
        scope: scopeOf(parameters),
        name: text(parameters, "name"),
      });
      const former = resources.get(made.id)?.resource;
      refuse(parts, made, former);
      const kept = former === undefined ? made : { ...made, properties: updated(former, made) };
      resources.put(kept);
      return { status: former === undefined ? 201 : 200, body: kept };
    }),
    atEveryScope("DELETE", "roleAssignments/{name}", (_request, parameters) => {
      const id = idAt(scopeOf(parameters), "roleAssignments", text(parameters, "name"));
      const found = resources.get(id);
      if (found === undefined) return { status: 204 };
      resources.remove(id);
      return { status: 200, body: found.resource };
    }),
  ];
}

function read(request: CloudRequest): Asked {
  const parsed = body.safeParse(jsonObject(request));
  if (parsed.success) return parsed.data.properties;
  throw new CloudError(400, "InvalidRequestContent", z.prettifyError(parsed.error));
}

function assignment(
  parts: AuthorizationParts,
  request: CloudRequest,
  asked: Asked,
  { scope, name }: { scope: string; name: string },
): ArmResource {
  if (!GUID.test(name)) {
    throw new CloudError(
      400,
      "InvalidRoleAssignmentId",
      `The role assignment ID '${name}' is not valid. The role assignment ID must be a GUID.`,
    );
  }
  const role = asked.roleDefinitionId.split("/").at(-1) ?? "";
  const definition = findDefinition(parts.resources, role);
  if (definition === undefined) throw definitionNotFound(role);
  refuseScope(parts, definition, scope);
  const time = parts.now().toISOString();
  const by = request.principal?.oid;
  return {
    id: idAt(scope, "roleAssignments", name),
    name,
    type: fullType("roleAssignments"),
    properties: {
      ...asked,
      principalType: principalType(parts, asked),
      scope,
      createdOn: time,
      updatedOn: time,
      createdBy: by,
      updatedBy: by,
    },
  };
}

function refuseScope(
  { isAtOrAbove }: AuthorizationParts,
  { name, properties }: ArmResource,
  scope: string,
): void {
  const assignable = (properties["assignableScopes"] ?? ["/"]) as readonly string[];
  if (assignable.some((each) => isAtOrAbove(each, scope))) return;
  throw new CloudError(
    400,
    "RoleDefinitionScopeNotAssignable",
    `The role definition '${name}' is not assignable at scope '${scope}'.`,
  );
}

/** With a type given ARM takes the caller's word for a principal that it does not find yet: it may be on its way. */
function principalType({ directory, tenantId }: AuthorizationParts, asked: Asked): string {
  const { principalId, principalType: given } = asked;
  const found = directory.find(principalId);
  if (found === undefined && given !== undefined) return given;
  if (found === undefined) {
    throw new CloudError(
      400,
      "PrincipalNotFound",
      `Principal ${principalId} does not exist in the directory ${tenantId}. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype`,
    );
  }
  if (given === undefined || given === found.kind) return found.kind;
  throw new CloudError(
    400,
    "UnmatchedPrincipalType",
    `The PrincipalId '${principalId}' has type '${found.kind}', which is different from the specified PrincipalType '${given}'.`,
  );
}

/** One name stands for one grant for good, and one grant has one name. */
function refuse(
  { resources }: AuthorizationParts,
  made: ArmResource,
  former: ArmResource | undefined,
): void {
  if (former !== undefined) {
    if (grantOf(former) === grantOf(made)) return;
    throw new CloudError(
      400,
      "RoleAssignmentUpdateNotPermitted",
      "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
    );
  }
  const all = allOf(resources, "roleAssignments");
  const twin = all.find((each) => grantOf(each) === grantOf(made));
  if (twin === undefined) return;
  throw new CloudError(
    409,
    "RoleAssignmentExists",
    `The role assignment already exists. The ID of the existing role assignment is ${twin.name.replaceAll("-", "")}.`,
  );
}

/** When and by whom it was made stays as it was. */
function updated(former: ArmResource, made: ArmResource): ArmResource["properties"] {
  const { createdOn, createdBy } = former.properties;
  return { ...made.properties, createdOn, createdBy };
}

/** Who may do what and where, as one text to compare. */
function grantOf({ properties }: ArmResource): string {
  const role = String(properties["roleDefinitionId"]).split("/").at(-1);
  return `${properties["principalId"]} ${role} ${idKey(String(properties["scope"]))}`.toLowerCase();
}
