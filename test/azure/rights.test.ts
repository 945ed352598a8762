import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createRights, type RightsOptions } from "../../src/azure/rights.ts";
import type { Caller } from "../../src/caller/caller.ts";
import { grantingAssignment } from "../../src/caller/permissions.ts";
import { createLog } from "../../src/log.ts";
import { createFixedClock } from "../support/fixed-clock.ts";
import {
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from "../support/scripted-server.ts";
import { createStaticCredential } from "../support/static-credential.ts";

const subscriptionId = "5b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31";
const scope = `/subscriptions/${subscriptionId}`;
const authorization = `${scope}/providers/Microsoft.Authorization`;
const roleId = "1f4d6d20-1a65-5560-a143-a233687c38f9";
const secondRoleId = "2f4d6d20-1a65-5560-a143-a233687c38f9";
const tenantId = "0c9d6a1f-84b7-4f0e-b3c5-2e6a9d71f840";
const otherTenantId = "11111111-84b7-4f0e-b3c5-2e6a9d71f840";
const alice: Caller = {
  tenantId,
  objectId: "2c65348d-7137-5b97-b703-8ec989ced599",
  name: "alice",
  kind: "user",
};
const bob: Caller = { ...alice, objectId: "3c65348d-7137-5b97-b703-8ec989ced599", name: "bob" };

const assignment = (name: string, role = roleId, condition?: string) => ({
  id: `${authorization}/roleAssignments/${name}`,
  properties: {
    roleDefinitionId: `${authorization}/roleDefinitions/${role}`,
    principalId: "99999999-7137-5b97-b703-8ec989ced599",
    principalType: "Group",
    scope,
    ...(condition === undefined ? {} : { condition, conditionVersion: "2.0" }),
  },
});
const definition = (key = roleId, permissions: unknown = [{ actions: ["*"] }]) => ({
  id: `/providers/Microsoft.Authorization/roleDefinitions/${key.toUpperCase()}`,
  name: key,
  properties: { permissions },
});
const deny = (principals: readonly object[], excludePrincipals: readonly object[] = []) => ({
  id: `${authorization}/denyAssignments/d`,
  properties: {
    denyAssignmentName: "stack lock",
    scope,
    permissions: [{ actions: ["*/write"], notActions: [] }],
    principals,
    excludePrincipals,
  },
});

/** What Azure knows; the pages of a list, or an answer for it. */
interface Known {
  assignments: readonly unknown[] | ScriptedAnswer;
  denies: readonly unknown[] | ScriptedAnswer;
  definitions: readonly ReturnType<typeof definition>[] | ScriptedAnswer;
  tenant: string | Exclude<ScriptedAnswer, string>;
}

let server: ScriptedServer;
let seen: number;
let azure: Known;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());
beforeEach(() => {
  seen = server.requests.length;
  azure = {
    assignments: [assignment("a")],
    denies: [],
    definitions: [definition(), definition(secondRoleId)],
    tenant: tenantId,
  };
  server.answer = ({ path }) => answerTo(path);
});
const paths = () => server.requests.slice(seen).map(({ path }) => path);
/** What was asked for, by the last segment of the path, in order of name. */
const asked = () =>
  paths()
    .map((path) => path.split("?")[0]?.split("/").at(-1) ?? "")
    .toSorted();

function answerTo(path: string): ScriptedAnswer {
  const list = (value: readonly unknown[] | ScriptedAnswer): ScriptedAnswer =>
    Array.isArray(value) ? { status: 200, body: { value } } : (value as ScriptedAnswer);
  if (path.includes("/roleAssignments?")) return list(azure.assignments);
  if (path.includes("/denyAssignments?")) return list(azure.denies);
  if (path.includes("/roleDefinitions?")) return list(azure.definitions);
  const key = /\/roleDefinitions\/([^?]+)/.exec(path)?.[1];
  if (key !== undefined) {
    if (!Array.isArray(azure.definitions)) return azure.definitions as ScriptedAnswer;
    const found = azure.definitions.find(({ name }) => name === key);
    return found === undefined ? { status: 404, body: {} } : { status: 200, body: found };
  }
  const { tenant } = azure;
  return typeof tenant === "object"
    ? tenant
    : { status: 200, body: { subscriptionId, tenantId: tenant } };
}

function someRights(more: Partial<RightsOptions> = {}) {
  const clock = createFixedClock("2026-11-22T12:00:00Z");
  const credential = createStaticCredential("token");
  const logged: string[] = [];
  const rights = createRights({
    credential,
    endpoint: server.url,
    scope: "https://management.azure.com/.default",
    tlsOptions: { ca: server.ca },
    retryDelayMs: 1,
    clock,
    log: createLog((_level, line) => logged.push(line)),
    tenantIds: [tenantId],
    ...more,
  });
  return { rights, clock, credential, logged };
}

describe("a caller's rights as Azure tells them", () => {
  it("are role assignments with groups resolved, deny assignments, and the roles", async () => {
    azure.assignments = [assignment("a"), assignment("b", secondRoleId, "@Resource[x] Exists")];
    const { rights, credential } = someRights();

    const found = await rights.of(alice, subscriptionId);

    expect(found.assignments.map(({ id, hasCondition }) => [id, hasCondition])).toEqual([
      [assignment("a").id, false],
      [assignment("b").id, true],
    ]);
    expect([...found.definitions.keys()].toSorted()).toEqual([roleId, secondRoleId]);
    expect(found.denies).toEqual([]);
    const [first = ""] = paths().filter((path) => path.includes("roleAssignments"));
    expect(first).toContain(`$filter=assignedTo('${alice.objectId}')`);
    expect(first).not.toContain("atScope");
    expect(credential.scopes[0]).toBe("https://management.azure.com/.default");
  });

  it("take three calls, with one role or with many, and none while they are young", async () => {
    const { rights } = someRights();

    await rights.of(alice, subscriptionId);
    expect(asked()).toEqual([roleId, "denyAssignments", "roleAssignments"].toSorted());
    await rights.of(alice, subscriptionId);
    expect(paths()).toHaveLength(3);

    azure.assignments = [assignment("a"), assignment("b", secondRoleId)];
    const { rights: others } = someRights();
    seen = server.requests.length;
    await others.of(bob, subscriptionId);
    expect(asked()).toEqual(["denyAssignments", "roleAssignments", "roleDefinitions"]);
  });

  it("of a second caller take one call where the roles are known", async () => {
    const { rights } = someRights();
    await rights.of(alice, subscriptionId);
    seen = server.requests.length;

    await rights.of(bob, subscriptionId);

    expect(asked()).toEqual(["roleAssignments"]);
  });

  it("keep the condition of a permission, which the SDK's model leaves out", async () => {
    azure.definitions = [
      definition(roleId, [
        { actions: ["*"], notActions: ["a/b"], condition: "@Resource[x] StringEquals 'y'" },
        { actions: ["*/read"], condition: null },
      ]),
    ];
    const { rights } = someRights();

    const { definitions } = await rights.of(alice, subscriptionId);

    expect(definitions.get(roleId)?.permissions).toEqual([
      { actions: ["*"], notActions: ["a/b"], hasCondition: true },
      { actions: ["*/read"], notActions: [], hasCondition: false },
    ]);
  });

  it("follow the pages of a list, but never to another host, which would get our token", async () => {
    azure.assignments = {
      status: 200,
      body: { value: [assignment("a")], nextLink: `${server.url}${scope}/more/roleAssignments?p` },
    };
    server.answer = ({ path }) =>
      path.includes("/more/")
        ? { status: 200, body: { value: [assignment("b")] } }
        : answerTo(path);
    const { rights } = someRights();
    expect((await rights.of(alice, subscriptionId)).assignments).toHaveLength(2);

    azure.denies = { status: 200, body: { value: [], nextLink: "https://elsewhere.example/x" } };

    await expect(someRights().rights.of(alice, subscriptionId)).rejects.toMatchObject({
      name: "ArmError",
      code: "InvalidList",
    });
  });

  it("include roles that the subscription's list does not have, and no unknown ones", async () => {
    const lostId = "4f4d6d20-1a65-5560-a143-a233687c38f9";
    azure.assignments = [
      assignment("a"),
      assignment("b", secondRoleId),
      assignment("c", lostId),
      assignment("d", "no-guid"),
    ];
    server.answer = ({ path }) =>
      path.includes("/roleDefinitions?")
        ? { status: 200, body: { value: [definition()] } }
        : answerTo(path);
    const { rights } = someRights();

    const { definitions } = await rights.of(alice, subscriptionId);

    expect([...definitions.keys()].toSorted()).toEqual([roleId, secondRoleId]);
  });

  it("are never those of a namesake in another tenant", async () => {
    const { rights } = someRights();
    await rights.of(alice, subscriptionId);
    azure.assignments = [];

    const found = await rights.of({ ...alice, tenantId: otherTenantId }, subscriptionId);

    expect(found.assignments).toEqual([]);
  });

  it("are not asked for an id that could change the question", async () => {
    const { rights } = someRights();
    const mallory = { ...alice, objectId: "x') or principalId eq ('y" };

    await expect(rights.of(mallory, subscriptionId)).rejects.toThrow();
    await expect(rights.of(alice, "../elsewhere")).rejects.toThrow();
    expect(paths()).toEqual([]);
  });
});

describe("a subscription where there is nothing for the caller", () => {
  const notFound = { status: 404, body: { error: { code: "SubscriptionNotFound", message: "" } } };
  const forbidden = { status: 403, body: { error: { code: "AuthorizationFailed", message: "" } } };

  it.each([
    ["does not exist", notFound],
    ["cannot be seen by this service", forbidden],
    [
      "has an id that Azure refuses",
      { status: 400, body: { error: { code: "InvalidSubscriptionId" } } },
    ],
  ])("grants nothing when it %s, and is not asked for again at once", async (_case, answer) => {
    azure = { assignments: answer, denies: answer, definitions: answer, tenant: answer };
    const { rights, logged } = someRights();

    const found = await rights.of(alice, subscriptionId);
    await rights.of(alice, subscriptionId);

    expect(found).toEqual({ assignments: [], definitions: new Map(), denies: [] });
    expect(paths()).toHaveLength(2);
    expect(logged).toEqual([]);
  });

  it.each(["denies", "definitions"] as const)(
    "grants nothing while its %s may not be read, and the operator is told",
    async (part) => {
      azure = { ...azure, assignments: [assignment("a"), assignment("b", secondRoleId)] };
      azure[part] = forbidden;
      const { rights, logged } = someRights();

      const found = await rights.of(alice, subscriptionId);

      expect(found.assignments).toEqual([]);
      expect(logged.join()).toContain("rights.unreadable");
    },
  );

  it("is never taken for one where Azure does not answer", async () => {
    azure.assignments = { status: 500, body: {} };
    const { rights } = someRights();

    await expect(rights.of(alice, subscriptionId)).rejects.toMatchObject({
      name: "ArmError",
      status: 500,
    });
    azure.assignments = [assignment("a")];

    expect((await rights.of(alice, subscriptionId)).assignments).toHaveLength(1);
  });

  it("may belong to another tenant than the caller, where several are accepted", async () => {
    const { rights, clock } = someRights({ tenantIds: [tenantId, otherTenantId] });

    const own = await rights.of(alice, subscriptionId);
    const foreign = await rights.of({ ...alice, tenantId: otherTenantId }, subscriptionId);
    clock.advance(3_600_000);
    await rights.of(alice, subscriptionId);

    expect([own.assignments.length, foreign.assignments.length]).toEqual([1, 0]);
    expect(asked().filter((each) => each === subscriptionId)).toHaveLength(1);
  });

  it("may be ours tomorrow: that nobody sees it is not remembered for long", async () => {
    azure.tenant = notFound;
    const { rights } = someRights({ tenantIds: [tenantId, otherTenantId] });
    expect((await rights.of(alice, subscriptionId)).assignments).toEqual([]);

    azure.tenant = tenantId.toUpperCase();

    expect((await rights.of(alice, subscriptionId)).assignments).toHaveLength(1);
  });
});

describe("the age of rights", () => {
  it("is a minute at most, counted from the question, whatever the setting says", async () => {
    const { rights, clock } = someRights({ cacheSeconds: 3_600 });

    await Promise.all([
      rights.of(alice, subscriptionId),
      rights.of(alice, subscriptionId.toUpperCase()),
    ]);
    clock.advance(59_999);
    await rights.of(alice, subscriptionId);
    expect(paths()).toHaveLength(3);

    clock.advance(1);
    await rights.of(alice, subscriptionId);
    expect(paths()).toHaveLength(6);
  });

  it("counts while Azure is slow: an answer that took too long is asked for again, and then given up", async () => {
    const { rights, clock } = someRights();
    let slow = 1;
    server.answer = ({ path }) => {
      if (path.includes("roleAssignments") && slow > 0) {
        slow -= 1;
        clock.advance(60_000);
      }
      return answerTo(path);
    };

    expect((await rights.of(alice, subscriptionId)).assignments).toHaveLength(1);
    slow = 10;
    clock.advance(60_000);

    await expect(rights.of(alice, subscriptionId)).rejects.toMatchObject({
      name: "ArmError",
      code: "ETIMEDOUT",
    });
  });

  it("is nothing for whoever asks for fresh ones, and everybody has those from then on", async () => {
    const { rights } = someRights();
    await rights.of(alice, subscriptionId);
    azure.assignments = [];

    const kept = await rights.of(alice, subscriptionId);
    const fresh = await rights.of(alice, subscriptionId, { fresh: true });
    const after = await rights.of(alice, subscriptionId);

    expect([kept, fresh, after].map((each) => each.assignments.length)).toEqual([1, 0, 0]);
  });

  it("lets those who ask for fresh rights at once share one question, but not an older one", async () => {
    const { rights } = someRights();
    const arrived = new Promise<void>((resolve) => {
      server.answer = ({ path }) => {
        resolve();
        return answerTo(path);
      };
    });
    const older = rights.of(alice, subscriptionId);
    await arrived;

    await Promise.all([
      older,
      rights.of(alice, subscriptionId, { fresh: true }),
      rights.of(alice, subscriptionId, { fresh: true }),
    ]);

    expect(asked().filter((each) => each === "roleAssignments")).toHaveLength(2);
  });
});

describe("deny assignments of groups", () => {
  const group = "77777777-7137-4b97-b703-8ec989ced599";
  const team = { id: group, type: "Group" };
  const everybody = { id: "00000000-0000-0000-0000-000000000000", type: "SystemDefined" };
  const mayWrite = async (directory?: RightsOptions["directory"]) => {
    const { rights } = someRights({ directory });
    return (
      grantingAssignment(await rights.of(alice, subscriptionId), "a/write", scope) !== undefined
    );
  };
  const directory = (groups: readonly string[], isEnabled = true) => ({
    isEnabled: async () => isEnabled,
    groupsOf: async () => new Set(groups),
  });
  const silent = {
    isEnabled: async () => true,
    groupsOf: async () => Promise.reject(new Error("no answer")),
  };

  it.each([
    { case: "the group holds the caller", from: directory([group]), denied: false, excluded: true },
    { case: "the group does not", from: directory([]), denied: true, excluded: false },
    { case: "there is no directory", from: undefined, denied: false, excluded: false },
    { case: "the directory does not answer", from: silent, denied: false, excluded: false },
    {
      case: "the directory does not know the caller",
      from: directory([], false),
      denied: false,
      excluded: false,
    },
  ])("apply for certain or in doubt, and except only for certain: $case", async (each) => {
    azure.denies = [deny([team])];
    expect(await mayWrite(each.from)).toBe(each.denied);

    azure.denies = [deny([everybody], [team])];
    expect(await mayWrite(each.from)).toBe(each.excluded);
  });

  it("are the only ones for which the directory is asked", async () => {
    azure.denies = [deny([everybody]), deny([{ id: bob.objectId, type: "User" }])];
    const nobody = {
      isEnabled: async () => Promise.reject(new Error("was asked")),
      groupsOf: async () => Promise.reject(new Error("was asked")),
    };

    expect(await mayWrite(nobody)).toBe(false);
  });
});
