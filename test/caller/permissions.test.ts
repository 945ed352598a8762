import { describe, expect, it } from "@jest/globals";
import {
  type CallerRights,
  createJudge,
  missingRights,
  type Requirement,
} from "../../src/caller/permissions.ts";
import { actions } from "../../src/caller/requirements.ts";
import { reasonLimits, refused } from "../../src/reasons.ts";
import { aDeny, aPermission, grantingAssignment, rightsOf } from "../support/rights-builders.ts";

const I = actions.initiate;
const W = "Microsoft.Authorization/roleAssignments/write";
const managementGroup = "/providers/Microsoft.Management/managementGroups/mg";
const subscription = "/subscriptions/a";
const asked = "/subscriptions/a/resourceGroups/rg";
const contributor = [{ actions: ["*"], notActions: ["Microsoft.Authorization/*/Write"] }];
const administrator = [{ actions: ["Microsoft.Authorization/*"] }];
const everything = [{ actions: ["*"] }];

describe("a caller's rights", () => {
  it.each<[string, string, CallerRights, string | undefined]>([
    [
      "nothing that notActions leave out",
      W,
      rightsOf([{ scope: subscription, permissions: contributor }]),
      undefined,
    ],
    [
      "what notActions of one role leave out and another role grants",
      W,
      rightsOf([
        { scope: subscription, permissions: contributor },
        { scope: "/", permissions: administrator },
      ]),
      "assignment-1",
    ],
    [
      "what one permission of a role leaves out and another of it grants",
      W,
      rightsOf([{ scope: subscription, permissions: [...contributor, ...administrator] }]),
      "assignment-0",
    ],
    [
      "what a role above the scope grants",
      I,
      rightsOf([{ scope: subscription, permissions: contributor }]),
      "assignment-0",
    ],
    [
      "what a role at a scope with a trailing slash grants",
      I,
      rightsOf([{ scope: `${asked}/`, permissions: contributor }]),
      "assignment-0",
    ],
    [
      "what a role in a management group grants, of which Azure says that it is inherited",
      I,
      rightsOf([{ scope: managementGroup, permissions: contributor }]),
      "assignment-0",
    ],
    [
      "nothing by a role in another subscription",
      I,
      rightsOf([{ scope: "/subscriptions/b", permissions: contributor }]),
      undefined,
    ],
    [
      "nothing by a role below the scope",
      I,
      rightsOf([{ scope: `${asked}/providers/x/y/z`, permissions: contributor }]),
      undefined,
    ],
    [
      "nothing by an assignment with a condition",
      I,
      rightsOf([{ scope: subscription, permissions: contributor, hasCondition: true }]),
      undefined,
    ],
    [
      "nothing by a permission with a condition",
      I,
      rightsOf([{ scope: subscription, permissions: [{ actions: ["*"], hasCondition: true }] }]),
      undefined,
    ],
    [
      "what the permission without a condition grants, beside one with",
      I,
      rightsOf([
        {
          scope: subscription,
          permissions: [{ actions: ["*"], hasCondition: true }, { actions: [I] }],
        },
      ]),
      "assignment-0",
    ],
    ["nothing by an unknown role", I, rightsOf([{ scope: subscription }]), undefined],
    ["nothing without an assignment", I, rightsOf([]), undefined],
  ])("include %s", (_case, action, given, expected) => {
    expect(grantingAssignment(given, action, asked)).toBe(expected);
  });
});

describe("a deny assignment", () => {
  const owner = [{ scope: subscription, permissions: everything }];

  it.each<[string, Parameters<typeof aDeny>[0], boolean]>([
    ["at the scope itself", { scope: asked }, false],
    ["above the scope", { scope: subscription }, false],
    ["of a management group", { scope: managementGroup }, false],
    ["of the whole tenant", { scope: "/" }, false],
    ["below the scope", { scope: `${asked}/providers/x/y/z` }, true],
    ["at a scope whose name begins alike", { scope: "/subscriptions/a/resourceGroups/r" }, true],
    ["above the scope, but not for child scopes", { doNotApplyToChildScopes: true }, true],
    [
      "of a management group, but not for child scopes",
      { scope: managementGroup, doNotApplyToChildScopes: true },
      true,
    ],
    [
      "at the scope itself, not for child scopes",
      { scope: asked, doNotApplyToChildScopes: true },
      false,
    ],
    [
      "at the scope itself with a trailing slash and other letters, not for child scopes",
      { scope: `${asked.toUpperCase()}/`, doNotApplyToChildScopes: true },
      false,
    ],
    [
      "on other actions",
      { permissions: [aPermission({ actions: ["Microsoft.Security/*/write"] })] },
      true,
    ],
    [
      "on all but this action",
      { permissions: [aPermission({ actions: ["*"], notActions: ["*/action"] })] },
      true,
    ],
    [
      "with a condition, which does not soften it",
      { permissions: [aPermission({ actions: ["*"], hasCondition: true })] },
      false,
    ],
  ])("%s leaves the action allowed: %#", (_case, deny, isAllowed) => {
    const rights = rightsOf(owner, [aDeny(deny)]);

    expect(grantingAssignment(rights, I, asked) !== undefined).toBe(isAllowed);
  });

  it("goes before every role, whatever else grants the action", () => {
    const rights = rightsOf(
      [
        ...owner,
        { scope: "/", permissions: everything },
        { scope: asked, permissions: everything },
      ],
      [aDeny({ scope: "/subscriptions/b" }), aDeny({ id: "the-deny" })],
    );

    expect(createJudge(rights)({ action: I, scopes: [asked] })).toMatchObject({
      outcome: "denied",
      deny: { id: "the-deny" },
    });
  });
});

describe("a requirement that several scopes can meet", () => {
  const vm = `${asked}/providers/Microsoft.Compute/virtualMachines/vm`;
  const policy = "/subscriptions/a/resourceGroups/policies/providers/p";
  const need: Requirement = { action: I, scopes: [vm, policy] };
  const outcome = (rights: CallerRights) => createJudge(rights)(need).outcome;

  it("is met by a role on any of them", () => {
    expect(outcome(rightsOf([{ scope: vm, permissions: everything }]))).toBe("granted");
    expect(outcome(rightsOf([{ scope: policy, permissions: everything }]))).toBe("granted");
    expect(outcome(rightsOf([{ scope: "/subscriptions/b", permissions: everything }]))).toBe(
      "missing",
    );
  });

  it.each([vm, policy])("is not met while a deny assignment stands on one of them: %s", (scope) => {
    const rights = rightsOf([{ scope: subscription, permissions: everything }], [aDeny({ scope })]);

    expect(createJudge(rights)(need)).toMatchObject({ outcome: "denied", scope });
  });

  it("is met by an action that is as good, but not past a deny of either", () => {
    const either: Requirement = { action: "a/read", orAction: "a/x/read", scopes: [vm, policy] };
    const nested = [{ scope: policy, permissions: [{ actions: ["a/*/read"] }] }];
    const reader = [{ scope: policy, permissions: [{ actions: ["*/read"] }] }];
    const deny = (action: string) =>
      aDeny({ scope: vm, permissions: [aPermission({ actions: [action] })] });
    const judged = (given: typeof nested, denied: string) =>
      createJudge(rightsOf(given, [deny(denied)]))(either).outcome;

    expect(createJudge(rightsOf(nested))(either).outcome).toBe("granted");
    expect(judged(nested, "a/*/read")).toBe("missing");
    expect(judged(nested, "a/read")).toBe("denied");
    expect(judged(reader, "a/read")).toBe("denied");
    expect(judged(reader, "a/*/read")).toBe("granted");
  });
});

describe("a refusal for missing rights", () => {
  const needs: readonly Requirement[] = [
    { action: I, scopes: [`${asked}/vm1`, "/the/policy"] },
    { action: I, scopes: [`${asked}/vm2`, "/the/policy"] },
    { action: actions.readMachine, scopes: [`${asked}/vm2`] },
  ];

  it("names every action and scope that is missing, and nothing that is not", () => {
    const rights = rightsOf([{ scope: `${asked}/vm1`, permissions: contributor }]);

    const reasons = missingRights(rights, needs, "alice");

    expect(reasons).toEqual([
      expect.objectContaining({ code: "AuthorizationFailed", target: `${asked}/vm2` }),
      expect.objectContaining({ code: "AuthorizationFailed", target: `${asked}/vm2` }),
    ]);
    expect(reasons[0]?.message).toContain(`'${I}' on '${asked}/vm2' or '/the/policy'`);
    expect(reasons[1]?.message).toContain(`'${actions.readMachine}' on '${asked}/vm2'`);
  });

  it("names the deny assignment that takes a granted action away", () => {
    const id = "/subscriptions/a/providers/Microsoft.Authorization/denyAssignments/1a2b";
    const denies = [aDeny({ id, name: "stack lock", scope: `${asked}/vm2` })];
    const rights = rightsOf([{ scope: asked, permissions: everything }], denies);

    const [reason, ...others] = missingRights(rights, needs.slice(0, 2), "alice");

    expect(reason).toMatchObject({ code: "AuthorizationFailed", target: `${asked}/vm2` });
    expect(reason?.message).toContain("the deny assignment 'stack lock' (1a2b)");
    expect(others).toEqual([]);
  });

  it("says so where only doubt about groups makes a deny assignment count", () => {
    const rights = rightsOf(
      [{ scope: asked, permissions: everything }],
      [aDeny({ isAssumed: true })],
    );

    const [reason] = missingRights(rights, needs.slice(0, 1), "alice");

    expect(reason?.message).toContain("cannot be told");
  });

  it("tells nobody of deny assignments who has no role there anyway", () => {
    const [reason] = missingRights(rightsOf([], [aDeny()]), needs.slice(0, 1), "mallory");

    expect(reason?.message).not.toContain("deny");
  });

  it("stays bounded however many VMs and however long their ids", () => {
    const long = `${asked}/${"x".repeat(1_000)}`;
    const many = Array.from({ length: 1_000 }, (_, index): Requirement => {
      return { action: I, scopes: [`${long}${index}`, long] };
    });

    const { reasons } = refused(...missingRights(rightsOf([]), many, "alice"));

    expect(reasons.length).toBeLessThanOrEqual(reasonLimits.reasons + 1);
    expect(Math.max(...reasons.map(({ message }) => message.length))).toBeLessThanOrEqual(
      reasonLimits.message,
    );
  });
});
