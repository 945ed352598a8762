import { beforeEach, describe, expect, it } from "@jest/globals";
import { authorizationRoutes } from "../../../../local/cloud/authorization/routes.ts";
import type { Estate } from "../../../../local/cloud/estate.ts";
import type { Route } from "../../../../local/cloud/router.ts";
import { ALICE, EVE, SMALL_ESTATE, SUBSCRIPTION } from "../entra/estate.ts";
import { askRoutes, namesIn } from "./ask-routes.ts";
import { partsOf } from "./routes-of.ts";

const SUB = `/subscriptions/${SUBSCRIPTION}`;
const RG = `${SUB}/resourceGroups/one`;
const AUTHORIZATION = "providers/Microsoft.Authorization";
const [READER, OF_ONE, NAME, NAME_2, GROUP, NOBODY] = [1, 2, 3, 4, 5, 6].map(
  (n) => `0000000${n}-0000-4000-8000-00000000000b`,
) as [string, string, string, string, string, string];
const NOW = "2026-03-01T12:00:00.000Z";

const estate: Estate = {
  ...SMALL_ESTATE,
  groups: [{ objectId: GROUP, displayName: "all", members: [ALICE.objectId] }],
  roleDefinitions: [
    definition(READER, "Reader", "BuiltInRole", ["/"]),
    definition(OF_ONE, "One's", "CustomRole", [RG]),
  ],
};

function definition(name: string, roleName: string, kind: string, assignableScopes: string[]) {
  const type = "Microsoft.Authorization/roleDefinitions";
  const permissions = [{ actions: ["*/read"], notActions: [] }];
  return {
    id: `${SUB}/providers/${type}/${name}`,
    name,
    type,
    properties: { roleName, type: kind, permissions, assignableScopes },
  };
}

let routes: readonly Route[];
beforeEach(() => {
  routes = authorizationRoutes(partsOf(estate, () => new Date(NOW)));
});

const pathOf = (name: string, scope = RG) => `${scope}/${AUTHORIZATION}/roleAssignments/${name}`;
const grant = (more: Record<string, unknown> = {}) => ({
  properties: {
    roleDefinitionId: `${SUB}/${AUTHORIZATION}/roleDefinitions/${READER}`,
    principalId: EVE.objectId,
    ...more,
  },
});
const put = (body: unknown, name = NAME, scope = RG) =>
  askRoutes(routes, "PUT", pathOf(name, scope), body, { oid: ALICE.objectId, tid: "t" });
const assigned = async (id: string) => {
  const filter = encodeURIComponent(`assignedTo('${id}')`);
  const path = `${SUB}/${AUTHORIZATION}/roleAssignments?$filter=${filter}`;
  return namesIn(await askRoutes(routes, "GET", path));
};

describe("making a role assignment", () => {
  it("gives the role at once, and the answer tells what ARM adds", async () => {
    const made = await put(grant({ description: "for a test" }));

    expect(made).toEqual({
      status: 201,
      body: {
        id: pathOf(NAME),
        name: NAME,
        type: "Microsoft.Authorization/roleAssignments",
        properties: {
          ...grant().properties,
          description: "for a test",
          principalType: "User",
          scope: RG,
          createdOn: NOW,
          updatedOn: NOW,
          createdBy: ALICE.objectId,
          updatedBy: ALICE.objectId,
        },
      },
    });
    expect((await askRoutes(routes, "GET", pathOf(NAME))).body).toEqual(made.body);
    expect(await assigned(EVE.objectId)).toEqual([NAME]);
  });

  it("to a group gives it to its members", async () => {
    const { body } = await put(grant({ principalId: GROUP }));
    expect(body.properties.principalType).toBe("Group");
    expect(await assigned(ALICE.objectId)).toEqual([NAME]);
  });

  it("again says the same, with another condition if wanted", async () => {
    await put(grant());
    const again = await put(grant({ condition: "x", conditionVersion: "2.0" }));
    expect(again).toMatchObject({ status: 200, body: { properties: { condition: "x" } } });
    expect(await assigned(EVE.objectId)).toEqual([NAME]);
  });

  it("takes the caller's word for a principal that is not there yet if its type is given", async () => {
    expect((await put(grant({ principalId: NOBODY, principalType: "User" }))).status).toBe(201);
  });

  it.each([
    {
      case: "no role",
      body: grant({ roleDefinitionId: undefined }),
      code: "InvalidRequestContent",
    },
    { case: "no object id", body: grant({ principalId: "eve" }), code: "InvalidRequestContent" },
    {
      case: "an unknown role",
      body: grant({ roleDefinitionId: `/x/${NOBODY}` }),
      status: 404,
      code: "RoleDefinitionDoesNotExist",
    },
    {
      case: "an unknown principal",
      body: grant({ principalId: NOBODY }),
      code: "PrincipalNotFound",
    },
    {
      case: "another type than the principal's",
      body: grant({ principalType: "Group" }),
      code: "UnmatchedPrincipalType",
    },
    {
      case: "a name that is no GUID",
      body: grant(),
      name: "mine",
      code: "InvalidRoleAssignmentId",
    },
    {
      case: "a role of another place",
      body: grant({ roleDefinitionId: `/x/${OF_ONE}` }),
      scope: SUB,
      code: "RoleDefinitionScopeNotAssignable",
    },
  ])("is refused with $case", async ({ body, name, scope, code, status = 400 }) => {
    expect(await put(body, name, scope)).toMatchObject({ status, body: { error: { code } } });
  });

  it("is refused under a name that stands for another, and under a second name", async () => {
    await put(grant());
    expect(await put(grant({ principalId: ALICE.objectId }))).toMatchObject({
      status: 400,
      body: { error: { code: "RoleAssignmentUpdateNotPermitted" } },
    });
    expect(await put(grant(), NAME_2)).toMatchObject({
      status: 409,
      body: { error: { code: "RoleAssignmentExists" } },
    });
  });
});

describe("removing a role assignment", () => {
  it("answers with what it was, and with nothing when it is gone", async () => {
    const { body } = await put(grant());
    expect(await askRoutes(routes, "DELETE", pathOf(NAME.toUpperCase()))).toEqual({
      status: 200,
      body,
    });
    expect(await askRoutes(routes, "DELETE", pathOf(NAME))).toMatchObject({ status: 204 });
    expect(await assigned(EVE.objectId)).toEqual([]);
  });
});

describe("a custom role", () => {
  const roles = `${SUB}/${AUTHORIZATION}/roleDefinitions`;
  const role = (roleName: string) => ({
    properties: { roleName, permissions: [{ actions: ["a/b"] }], assignableScopes: [SUB] },
  });
  const putRole = (name: string, roleName: string) =>
    askRoutes(routes, "PUT", `${roles}/${name}`, role(roleName));

  it("is made, changed and removed", async () => {
    expect(await putRole(NAME, "Opener")).toMatchObject({
      status: 201,
      body: { id: `${roles}/${NAME}`, properties: { type: "CustomRole", roleName: "Opener" } },
    });
    await putRole(NAME, "Closer");
    const filter = encodeURIComponent("type eq 'CustomRole'");
    expect(namesIn(await askRoutes(routes, "GET", `${roles}?$filter=${filter}`))).toEqual([NAME]);
    expect(await askRoutes(routes, "DELETE", `${roles}/${NAME}`)).toMatchObject({
      status: 200,
      body: { properties: { roleName: "Closer" } },
    });
    expect((await askRoutes(routes, "DELETE", `${roles}/${NAME}`)).status).toBe(204);
  });

  it("cannot be removed while somebody has it", async () => {
    await put(grant({ roleDefinitionId: `/x/${OF_ONE}` }));
    expect(await askRoutes(routes, "DELETE", `${roles}/${OF_ONE}`)).toMatchObject({
      status: 400,
      body: { error: { code: "RoleDefinitionHasAssignments" } },
    });
  });

  it.each([
    { case: "a built-in role's GUID", name: READER, roleName: "Mine", status: 403 },
    { case: "a name that is taken", name: NAME, roleName: "one's", status: 409 },
    { case: "no GUID", name: "opener", roleName: "Opener", status: 400 },
    { case: "no name", name: NAME, roleName: "", status: 400 },
  ])("is refused with $case", async ({ name, roleName, status }) => {
    expect((await putRole(name, roleName)).status).toBe(status);
  });
});
