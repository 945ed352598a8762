import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { RightsOptions } from "../../src/azure/rights.ts";
import { grantingAssignment } from "../support/rights-builders.ts";
import {
  alice,
  assignment,
  bob,
  deny,
  otherTenantId,
  type ScriptedRights,
  scope,
  secondRoleId,
  startScriptedRights,
  subscriptionId,
  tenantId,
} from "../support/scripted-rights.ts";

let azure: ScriptedRights;
beforeAll(async () => {
  azure = await startScriptedRights();
});
afterAll(() => azure.server.close());
beforeEach(() => azure.reset());

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
    azure.known = { assignments: answer, denies: answer, definitions: answer, tenant: answer };
    const { rights, logged } = azure.rights();

    const found = await rights.of(alice, subscriptionId);
    await rights.of(alice, subscriptionId);

    expect(found).toEqual({ assignments: [], definitions: new Map(), denies: [] });
    expect(azure.paths()).toHaveLength(1);
    expect(logged).toEqual([]);
  });

  it.each(["denies", "definitions"] as const)(
    "grants nothing while its %s may not be read, and the operator is told",
    async (part) => {
      azure.known = {
        ...azure.known,
        assignments: [assignment("a"), assignment("b", secondRoleId)],
      };
      azure.known[part] = forbidden;
      const { rights, logged } = azure.rights();

      const found = await rights.of(alice, subscriptionId);

      expect(found.assignments).toEqual([]);
      expect(logged.join()).toContain("rights.unreadable");
    },
  );

  it("grants nothing by a role that may not be read, and the operator is told once", async () => {
    azure.known.definitions = forbidden;
    const { rights, logged } = azure.rights();

    const found = await rights.of(alice, subscriptionId);
    await rights.of(alice, subscriptionId);

    expect(grantingAssignment(found, "a/write", scope)).toBeUndefined();
    expect(logged).toHaveLength(1);
  });

  it("is never taken for one where Azure does not answer", async () => {
    azure.known.assignments = { status: 500, body: {} };
    const { rights } = azure.rights();

    await expect(rights.of(alice, subscriptionId)).rejects.toMatchObject({
      name: "ArmError",
      status: 500,
    });
    azure.known.assignments = [assignment("a")];

    expect((await rights.of(alice, subscriptionId)).assignments).toHaveLength(1);
  });

  it("may belong to another tenant than the caller, where several are accepted", async () => {
    const { rights, clock } = azure.rights({ tenantIds: [tenantId, otherTenantId] });

    const own = await rights.of(alice, subscriptionId);
    const foreign = await rights.of({ ...alice, tenantId: otherTenantId }, subscriptionId);
    clock.advance(3_600_000);
    await rights.of(alice, subscriptionId);

    expect([own.assignments.length, foreign.assignments.length]).toEqual([1, 0]);
    expect(azure.asked().filter((each) => each === subscriptionId)).toHaveLength(1);
  });

  it("may be ours tomorrow: that nobody sees it is not remembered for long", async () => {
    azure.known.tenant = notFound;
    const { rights } = azure.rights({ tenantIds: [tenantId, otherTenantId] });
    expect((await rights.of(alice, subscriptionId)).assignments).toEqual([]);

    azure.known.tenant = tenantId.toUpperCase();

    expect((await rights.of(alice, subscriptionId)).assignments).toHaveLength(1);
  });
});

describe("deny assignments of groups", () => {
  const group = "77777777-7137-4b97-b703-8ec989ced599";
  const team = { id: group, type: "Group" };
  const everybody = { id: "00000000-0000-0000-0000-000000000000", type: "SystemDefined" };
  const mayWrite = async (directory?: RightsOptions["directory"]) => {
    const { rights } = azure.rights({ directory });
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
    azure.known.denies = [deny([team])];
    expect(await mayWrite(each.from)).toBe(each.denied);

    azure.known.denies = [deny([everybody], [team])];
    expect(await mayWrite(each.from)).toBe(each.excluded);
  });

  it("are the only ones for which the directory is asked", async () => {
    azure.known.denies = [deny([everybody]), deny([{ id: bob.objectId, type: "User" }])];
    const nobody = {
      isEnabled: async () => Promise.reject(new Error("was asked")),
      groupsOf: async () => Promise.reject(new Error("was asked")),
    };

    expect(await mayWrite(nobody)).toBe(false);
  });
});
