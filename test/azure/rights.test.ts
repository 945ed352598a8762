import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import {
  alice,
  assignment,
  bob,
  definition,
  otherTenantId,
  roleId,
  type ScriptedRights,
  scope,
  secondRoleId,
  startScriptedRights,
  subscriptionId,
} from "../support/scripted-rights.ts";

let azure: ScriptedRights;
beforeAll(async () => {
  azure = await startScriptedRights();
});
afterAll(() => azure.server.close());
beforeEach(() => azure.reset());

describe("a caller's rights as Azure tells them", () => {
  it("are role assignments with groups resolved, deny assignments, and the roles", async () => {
    azure.known.assignments = [
      assignment("a"),
      assignment("b", secondRoleId, "@Resource[x] Exists"),
    ];
    const { rights, credential } = azure.rights();

    const found = await rights.of(alice, subscriptionId);

    expect(found.assignments.map(({ id, hasCondition }) => [id, hasCondition])).toEqual([
      [assignment("a").id, false],
      [assignment("b").id, true],
    ]);
    expect([...found.definitions.keys()].toSorted()).toEqual([roleId, secondRoleId]);
    expect(found.denies).toEqual([]);
    const [first = ""] = azure.paths().filter((path) => path.includes("roleAssignments"));
    expect(first).toContain(`$filter=assignedTo('${alice.objectId}')`);
    expect(first).not.toContain("atScope");
    expect(credential.scopes[0]).toBe("https://management.azure.com/.default");
  });

  it("take three calls, with one role or with many, and none while they are young", async () => {
    const { rights } = azure.rights();

    await rights.of(alice, subscriptionId);
    expect(azure.asked()).toEqual([roleId, "denyAssignments", "roleAssignments"].toSorted());
    await rights.of(alice, subscriptionId);
    expect(azure.paths()).toHaveLength(3);

    azure.reset();
    azure.known.assignments = [assignment("a"), assignment("b", secondRoleId)];
    await azure.rights().rights.of(bob, subscriptionId);
    expect(azure.asked()).toEqual(["denyAssignments", "roleAssignments", "roleDefinitions"]);
  });

  it("of a second caller take one call where the roles are known", async () => {
    const { rights } = azure.rights();
    await rights.of(alice, subscriptionId);
    azure.reset();

    await rights.of(bob, subscriptionId);

    expect(azure.asked()).toEqual(["roleAssignments"]);
  });

  it("keep the condition of a permission, which the SDK's model leaves out", async () => {
    azure.known.definitions = [
      definition(roleId, [
        { actions: ["*"], notActions: ["a/b"], condition: "@Resource[x] StringEquals 'y'" },
        { actions: ["*/read"], condition: null },
      ]),
    ];
    const { rights } = azure.rights();

    const { definitions } = await rights.of(alice, subscriptionId);

    expect(definitions.get(roleId)?.permissions).toEqual([
      { actions: ["*"], notActions: ["a/b"], hasCondition: true },
      { actions: ["*/read"], notActions: [], hasCondition: false },
    ]);
  });

  it("follow the pages of a list, but never to another host, which would get our token", async () => {
    azure.known.assignments = {
      status: 200,
      body: {
        value: [assignment("a")],
        nextLink: `${azure.server.url}${scope}/more/roleAssignments?p`,
      },
    };
    azure.server.answer = ({ path }) =>
      path.includes("/more/")
        ? { status: 200, body: { value: [assignment("b")] } }
        : azure.answerTo(path);
    const { rights } = azure.rights();
    expect((await rights.of(alice, subscriptionId)).assignments).toHaveLength(2);

    azure.known.denies = {
      status: 200,
      body: { value: [], nextLink: "https://elsewhere.example/x" },
    };

    await expect(azure.rights().rights.of(alice, subscriptionId)).rejects.toMatchObject({
      name: "ArmError",
      code: "InvalidList",
    });
  });

  it("include roles that the subscription's list does not have, and no unknown ones", async () => {
    const lostId = "4f4d6d20-1a65-5560-a143-a233687c38f9";
    azure.known.assignments = [
      assignment("a"),
      assignment("b", secondRoleId),
      assignment("c", lostId),
      assignment("d", "no-guid"),
    ];
    azure.server.answer = ({ path }) =>
      path.includes("/roleDefinitions?")
        ? { status: 200, body: { value: [definition()] } }
        : azure.answerTo(path);
    const { rights } = azure.rights();

    const { definitions } = await rights.of(alice, subscriptionId);

    expect([...definitions.keys()].toSorted()).toEqual([roleId, secondRoleId]);
  });

  it("are never those of a namesake in another tenant", async () => {
    const { rights } = azure.rights();
    await rights.of(alice, subscriptionId);
    azure.known.assignments = [];

    const found = await rights.of({ ...alice, tenantId: otherTenantId }, subscriptionId);

    expect(found.assignments).toEqual([]);
  });

  it("are not asked for an id that could change the question", async () => {
    const { rights } = azure.rights();
    const mallory = { ...alice, objectId: "x') or principalId eq ('y" };

    await expect(rights.of(mallory, subscriptionId)).rejects.toThrow();
    await expect(rights.of(alice, "../elsewhere")).rejects.toThrow();
    expect(azure.paths()).toEqual([]);
  });
});

describe("the age of rights", () => {
  it("is a minute at most, counted from the question, whatever the setting says", async () => {
    const { rights, clock } = azure.rights({ cacheSeconds: 3_600 });

    await Promise.all([
      rights.of(alice, subscriptionId),
      rights.of(alice, subscriptionId.toUpperCase()),
    ]);
    clock.advance(59_999);
    await rights.of(alice, subscriptionId);
    expect(azure.paths()).toHaveLength(3);

    clock.advance(1);
    await rights.of(alice, subscriptionId);
    expect(azure.paths()).toHaveLength(6);
  });

  it("counts while Azure is slow: an answer that took too long is asked for again, and then given up", async () => {
    const { rights, clock } = azure.rights();
    let slow = 1;
    azure.server.answer = ({ path }) => {
      if (path.includes("roleAssignments") && slow > 0) {
        slow -= 1;
        clock.advance(60_000);
      }
      return azure.answerTo(path);
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
    const { rights } = azure.rights();
    await rights.of(alice, subscriptionId);
    azure.known.assignments = [];

    const kept = await rights.of(alice, subscriptionId);
    const fresh = await rights.of(alice, subscriptionId, { fresh: true });
    const after = await rights.of(alice, subscriptionId);

    expect([kept, fresh, after].map((each) => each.assignments.length)).toEqual([1, 0, 0]);
  });

  it("lets those who ask for fresh rights at once share one question, but not an older one", async () => {
    const { rights } = azure.rights();
    const arrived = new Promise<void>((resolve) => {
      azure.server.answer = ({ path }) => {
        resolve();
        return azure.answerTo(path);
      };
    });
    const older = rights.of(alice, subscriptionId);
    await arrived;

    await Promise.all([
      older,
      rights.of(alice, subscriptionId, { fresh: true }),
      rights.of(alice, subscriptionId, { fresh: true }),
    ]);

    expect(azure.asked().filter((each) => each === "roleAssignments")).toHaveLength(2);
  });
});
