import { describe, expect, it } from "@jest/globals";
import type { ArmResource, Estate } from "../../../../local/cloud/estate.ts";
import { ALICE, EVE, SMALL_ESTATE, SUBSCRIPTION } from "../entra/estate.ts";
import { askRoutes, namesIn } from "./ask-routes.ts";
import { routesOf } from "./routes-of.ts";

const SUB = `/subscriptions/${SUBSCRIPTION}`;
const RG = `${SUB}/resourceGroups/one`;
const VM = `${RG}/providers/Microsoft.Compute/virtualMachines/web`;
const EVERYONE = "00000000-0000-0000-0000-000000000000";

const [INNER, OUTER, RING] = [1, 2, 3].map((n) => `0000000${n}-0000-4000-8000-000000000009`) as [
  string,
  string,
  string,
];
const ROBOT = "0000000a-0000-4000-8000-00000000000a";

/** Alice and a robot are in `inner`, which is in `outer`, which is in `ring`, which is in `inner` again. */
const estate: Estate = {
  ...SMALL_ESTATE,
  applications: [
    { name: "robot", displayName: "Robot", clientId: ROBOT, objectId: ROBOT, about: "a robot" },
  ],
  groups: [
    { objectId: INNER, displayName: "inner", members: [ALICE.objectId, ROBOT, RING] },
    { objectId: OUTER, displayName: "outer", members: [INNER] },
    { objectId: RING, displayName: "ring", members: [OUTER] },
  ],
  managementGroups: [{ name: "all", displayName: "All", subscriptions: [SUBSCRIPTION] }],
  roleAssignments: [
    role("direct", RG, ALICE.objectId),
    role("of-inner", RG, INNER.toUpperCase()),
    role("of-outer", "/providers/Microsoft.Management/managementGroups/all", OUTER),
    role("elsewhere", "/providers/Microsoft.Management/managementGroups/other", OUTER),
    role("eves", SUB, EVE.objectId),
  ],
  denyAssignments: [
    deny("root", "/", [EVERYONE]),
    deny("of-outer", SUB, [OUTER]),
    deny("alices", RG, [EVE.objectId, ALICE.objectId]),
    deny("vm", VM, [EVE.objectId], [ALICE.objectId]),
    deny("elsewhere", `${SUB}/resourceGroups/two`, [ALICE.objectId]),
  ],
};

function role(name: string, scope: string, principalId: string): ArmResource {
  const type = "Microsoft.Authorization/roleAssignments";
  return {
    id: `${scope}/providers/${type}/${name}`,
    name,
    type,
    properties: { scope, principalId },
  };
}

function deny(
  name: string,
  scope: string,
  principals: readonly string[],
  excluded: readonly string[] = [],
): ArmResource {
  const type = "Microsoft.Authorization/denyAssignments";
  const users = (ids: readonly string[]) => ids.map((id) => ({ id, type: "User" }));
  return {
    id: `${scope === "/" ? "" : scope}/providers/${type}/${name}`,
    name,
    type,
    properties: {
      denyAssignmentName: `Deny ${name}`,
      scope,
      principals: users(principals),
      excludePrincipals: users(excluded),
      permissions: [{ actions: ["*"], notActions: [] }],
    },
  };
}

const routes = routesOf(estate);
const list = async (type: string, scope: string, filter = "") =>
  namesIn(
    await askRoutes(
      routes,
      "GET",
      `${scope}/providers/Microsoft.Authorization/${type}?$filter=${encodeURIComponent(filter)}`,
    ),
  );

describe("role assignments of groups", () => {
  it.each([
    { who: "a person", id: ALICE.objectId, names: ["direct", "of-inner", "of-outer"] },
    { who: "an application", id: ROBOT, names: ["of-inner", "of-outer"] },
    { who: "somebody outside", id: EVE.objectId, names: ["eves"] },
  ])("reach $who through groups in groups, even where these go in circles", async (given) => {
    const filter = `atScope() and assignedTo('${given.id}')`;
    expect(await list("roleAssignments", VM, filter)).toEqual(given.names);
  });

  it("are not somebody's own", async () => {
    expect(await list("roleAssignments", VM, `principalId eq '${ALICE.objectId}'`)).toEqual([
      "direct",
    ]);
  });
});

describe("deny assignments", () => {
  it.each([
    { filter: "", scope: RG, names: ["root", "of-outer", "alices", "vm"] },
    { filter: "atScope()", scope: RG, names: ["root", "of-outer", "alices"] },
    { filter: "atScope()", scope: VM, names: ["root", "of-outer", "alices", "vm"] },
    { filter: `assignedTo('${ALICE.objectId}')`, scope: RG, names: ["of-outer", "alices"] },
    { filter: `principalId eq '${ALICE.objectId}'`, scope: RG, names: ["alices"] },
    { filter: `principalId eq '${EVE.objectId}'`, scope: RG, names: ["alices", "vm"] },
    { filter: "denyAssignmentName eq 'Deny vm'", scope: SUB, names: ["vm"] },
  ])("at $scope are narrowed by the filter '$filter'", async ({ filter, scope, names }) => {
    expect(await list("denyAssignments", scope, filter)).toEqual(names);
  });

  it("are found one by one, and refused for a filter that would be ignored", async () => {
    const path = `${VM}/providers/Microsoft.Authorization/denyAssignments`;
    expect((await askRoutes(routes, "GET", `${path}/VM`)).body).toMatchObject({ name: "vm" });
    expect(await askRoutes(routes, "GET", `${path}/root`)).toMatchObject({
      status: 404,
      body: { error: { code: "DenyAssignmentNotFound" } },
    });
    const filter = encodeURIComponent("gdprExportPrincipalId eq 'x'");
    expect((await askRoutes(routes, "GET", `${path}?$filter=${filter}`)).status).toBe(400);
  });
});

describe("a deny assignment made for a test", () => {
  const body = {
    properties: {
      scope: RG,
      permissions: [{ actions: ["Microsoft.Security/*"] }],
      principals: [{ id: EVERYONE, type: "SystemDefined" }],
    },
  };

  it("comes into force, takes another's place and goes again", async () => {
    const own = routesOf({ ...estate, denyAssignments: [] });
    const path = "/local/deny-assignments/freeze";
    const at = async (scope: string) =>
      namesIn(
        await askRoutes(own, "GET", `${scope}/providers/Microsoft.Authorization/denyAssignments`),
      );

    expect((await askRoutes(own, "PUT", path, body)).status).toBe(201);
    expect(await at(VM)).toEqual(["freeze"]);
    const elsewhere = { properties: { ...body.properties, scope: `${SUB}/resourceGroups/two` } };
    expect((await askRoutes(own, "PUT", path, elsewhere)).status).toBe(200);
    expect(await at(VM)).toEqual([]);
    expect(await at(SUB)).toEqual(["freeze"]);
    expect((await askRoutes(own, "DELETE", path)).status).toBe(204);
    expect((await askRoutes(own, "DELETE", path)).status).toBe(204);
    expect(await at(SUB)).toEqual([]);
  });

  it("is refused without a scope, a permission or a principal", async () => {
    const bad = { properties: { permissions: [], principals: [] } };
    const { status, body: answer } = await askRoutes(
      routes,
      "PUT",
      "/local/deny-assignments/x",
      bad,
    );
    expect(status).toBe(400);
    expect(answer.error.message).toMatch(/scope[\s\S]*permissions[\s\S]*principals/);
  });
});
