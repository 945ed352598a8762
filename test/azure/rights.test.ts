import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createRights, type RightsOptions } from "../../src/azure/rights.ts";
import type { Caller } from "../../src/caller/caller.ts";
import { createFixedClock } from "../support/fixed-clock.ts";
import { type ScriptedServer, startScriptedServer } from "../support/scripted-server.ts";
import { createStaticCredential } from "../support/static-credential.ts";

const subscriptionId = "5b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31";
const scope = `/subscriptions/${subscriptionId}`;
const roleId = "1f4d6d20-1a65-5560-a143-a233687c38f9";
const definitionId = `${scope}/providers/Microsoft.Authorization/roleDefinitions/${roleId}`;
const alice: Caller = {
  tenantId: "0c9d6a1f-84b7-4f0e-b3c5-2e6a9d71f840",
  objectId: "2c65348d-7137-5b97-b703-8ec989ced599",
  name: "alice",
  kind: "user",
};

const assignment = (name: string, condition?: string) => ({
  id: `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`,
  name,
  type: "Microsoft.Authorization/roleAssignments",
  properties: {
    roleDefinitionId: definitionId,
    principalId: "99999999-7137-5b97-b703-8ec989ced599",
    principalType: "Group",
    scope,
    ...(condition === undefined ? {} : { condition, conditionVersion: "2.0" }),
  },
});

let server: ScriptedServer;
let seen: number;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());
beforeEach(() => {
  seen = server.requests.length;
});
const requests = () => server.requests.slice(seen);

function someRights(more: Partial<RightsOptions> = {}) {
  const clock = createFixedClock("2026-11-22T12:00:00Z");
  const credential = createStaticCredential("token");
  const rights = createRights({
    credential,
    endpoint: server.url,
    scope: "https://management.azure.com/.default",
    tlsOptions: { ca: server.ca },
    retryDelayMs: 1,
    clock,
    ...more,
  });
  return { rights, clock, credential };
}

describe("a caller's role assignments", () => {
  it("are asked of Azure with groups resolved, page by page, as our own identity", async () => {
    server.answer = ({ path }) => ({
      status: 200,
      body: path.includes("skiptoken")
        ? { value: [assignment("b", "@Resource[x] StringEquals 'y'")] }
        : { value: [assignment("a")], nextLink: `${server.url}${scope}/next?$skiptoken=1` },
    });
    const { rights, credential } = someRights();

    const found = await rights.assignments(alice, subscriptionId);

    expect(found).toEqual([
      { id: assignment("a").id, scope, roleDefinitionId: definitionId, hasCondition: false },
      { id: assignment("b").id, scope, roleDefinitionId: definitionId, hasCondition: true },
    ]);
    expect(requests()[0]?.path).toContain(`$filter=assignedTo('${alice.objectId}')`);
    expect(requests()[0]?.path).not.toContain("atScope");
    expect(credential.scopes[0]).toBe("https://management.azure.com/.default");
  });

  it("are asked once for many requests within a minute, and again after it", async () => {
    server.answer = () => ({ status: 200, body: { value: [assignment("a")] } });
    const { rights, clock } = someRights({ cacheSeconds: 3_600 });

    await Promise.all([
      rights.assignments(alice, subscriptionId),
      rights.assignments(alice, subscriptionId.toUpperCase()),
    ]);
    clock.advance(59_999);
    await rights.assignments(alice, subscriptionId);
    expect(requests()).toHaveLength(1);

    clock.advance(1);
    await rights.assignments(alice, subscriptionId);
    expect(requests()).toHaveLength(2);
  });

  it("are never those of a namesake in another tenant", async () => {
    server.answer = () => ({ status: 200, body: { value: [assignment("a")] } });
    const { rights } = someRights();
    const namesake = { ...alice, tenantId: "11111111-84b7-4f0e-b3c5-2e6a9d71f840" };
    await rights.assignments(alice, subscriptionId);

    server.answer = () => ({ status: 200, body: { value: [] } });

    expect(await rights.assignments(namesake, subscriptionId)).toEqual([]);
    expect(requests()).toHaveLength(2);
  });

  it("are asked again at once after a failure", async () => {
    server.answer = () => ({ status: 403, body: { error: { code: "AuthorizationFailed" } } });
    const { rights } = someRights();
    await expect(rights.assignments(alice, subscriptionId)).rejects.toMatchObject({
      name: "ArmError",
      status: 403,
    });

    server.answer = () => ({ status: 200, body: { value: [] } });

    expect(await rights.assignments(alice, subscriptionId)).toEqual([]);
  });

  it("are not asked for an object id that could change the question", async () => {
    const { rights } = someRights();
    const mallory = { ...alice, objectId: "x') or principalId eq ('y" };

    await expect(rights.assignments(mallory, subscriptionId)).rejects.toThrow();
    expect(requests()).toEqual([]);
  });
});

describe("a role definition", () => {
  it("keeps the condition of a permission, which the SDK's model leaves out", async () => {
    server.answer = () => ({
      status: 200,
      body: {
        id: definitionId,
        properties: {
          permissions: [
            { actions: ["*"], notActions: ["a/b"], condition: "@Resource[x] StringEquals 'y'" },
            { actions: ["*/read"], condition: null },
          ],
        },
      },
    });
    const { rights } = someRights();

    expect(await rights.definition(definitionId, subscriptionId)).toEqual({
      id: definitionId,
      permissions: [
        { actions: ["*"], notActions: ["a/b"], hasCondition: true },
        { actions: ["*/read"], notActions: [], hasCondition: false },
      ],
    });
  });

  it("is known by its GUID, whatever stands before it, and asked for once", async () => {
    server.answer = () => ({ status: 200, body: { id: definitionId, properties: {} } });
    const { rights } = someRights();

    await rights.definition(definitionId, subscriptionId);
    await rights.definition(
      `/providers/Microsoft.Authorization/roleDefinitions/${roleId.toUpperCase()}`,
      subscriptionId,
    );

    expect(requests().map(({ path }) => path.split("?")[0])).toEqual([definitionId]);
  });

  it("that does not exist is nothing", async () => {
    server.answer = () => ({
      status: 404,
      body: { error: { code: "RoleDefinitionDoesNotExist" } },
    });
    const { rights } = someRights();

    expect(await rights.definition(definitionId, subscriptionId)).toBeUndefined();
    expect(await rights.definition("/no/guid", subscriptionId)).toBeUndefined();
  });
});
