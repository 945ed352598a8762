import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  actions,
  type CallerRights,
  definitionKey,
  grantingAssignment,
  matchesAction,
  mayRead,
  missingRights,
  type Permission,
  type RoleAssignment,
  scopeCovers,
} from "../../src/caller/permissions.ts";
import { propertyRuns } from "../support/property-runs.ts";

const J = "Microsoft.Security/locations/jitNetworkAccessPolicies";
const I = actions.initiate;
const W = "Microsoft.Authorization/roleAssignments/write";

describe("an action pattern of a role", () => {
  it.each<[string, string, boolean]>([
    ["*", I, true],
    ["*/action", I, true],
    ["*/read", I, false],
    ["Microsoft.Security/*", I, true],
    ["microsoft.security/*", I, true],
    [`${J}/*/action`, I, true],
    [`${J}/*/read`, `${J}/read`, false],
    [`${J}*/read`, `${J}/read`, true],
    [
      "Microsoft.Network/*/read",
      "Microsoft.Network/networkSecurityGroups/securityRules/read",
      true,
    ],
    ["Microsoft.Network/*/read", "Microsoft.Network/read", false],
    ["Microsoft.Compute", "Microsoft.Compute/x", false],
    ["Microsoft.Authorization/*/Write", W, true],
    [I.toUpperCase(), I, true],
    [`x${I}`, I, false],
    ["Microsoft.Security/locations.*", I, false],
    ["", I, false],
    ["**", I, true],
  ])("'%s' and the action %s match: %s", (pattern, action, expected) => {
    expect(matchesAction(pattern, action)).toBe(expected);
  });

  it("matches what the same pattern matches as a regular expression", () => {
    const text = fc.array(fc.constantFrom("a", "A", "/", "."), { maxLength: 8 });
    const pattern = fc.array(fc.constantFrom("a", "A", "/", ".", "*"), { maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (glob, action) => {
        const expression = glob.map((each) => (each === "*" ? ".*" : `[${each}]`)).join("");

        expect(matchesAction(glob.join(""), action.join(""))).toBe(
          new RegExp(`^${expression}$`, "i").test(action.join("")),
        );
      }),
      propertyRuns,
    );
  });
});

describe("the scope of an assignment", () => {
  const group = "/subscriptions/a/resourceGroups/rg";

  it.each<[string, string, boolean]>([
    [
      "/subscriptions/A/resourceGroups/rg",
      "/subscriptions/a/resourcegroups/RG/providers/x/y/z",
      true,
    ],
    [group, "/subscriptions/a/resourceGroups/rg2", false],
    [group, group, true],
    [`${group}/`, group, true],
    [group, `${group}/`, true],
    [`/${group}`, group, true],
    [group, "/subscriptions/a", false],
    ["/", group, true],
    ["/providers/Microsoft.Management/managementGroups/mg", group, true],
    ["/subscriptions/b", group, false],
  ])("%s covers %s: %s", (scope, asked, expected) => {
    expect(scopeCovers(scope, asked)).toBe(expected);
  });
});

interface Given {
  readonly scope: string;
  readonly permissions?: readonly Partial<Permission>[];
  readonly hasCondition?: boolean;
}

/** A caller with these assignments, each of a role of its own. */
function rights(...given: readonly Given[]): CallerRights {
  const assignments = given.map(
    ({ scope, hasCondition = false }, index): RoleAssignment => ({
      id: `assignment-${index}`,
      scope,
      // The part before the id differs from the definition's, as it does in Azure.
      roleDefinitionId: `${scope}/providers/Microsoft.Authorization/roleDefinitions/ROLE-${index}`,
      hasCondition,
    }),
  );
  const definitions = given.flatMap(({ permissions }, index) => {
    const id = `/providers/Microsoft.Authorization/roleDefinitions/role-${index}`;
    const definition = {
      id,
      permissions: (permissions ?? []).map((permission) => ({
        actions: [],
        notActions: [],
        hasCondition: false,
        ...permission,
      })),
    };
    return permissions === undefined ? [] : [[definitionKey(id), definition] as const];
  });
  return { assignments, definitions: new Map(definitions) };
}

const asked = "/subscriptions/a/resourceGroups/rg";
const contributor = [{ actions: ["*"], notActions: ["Microsoft.Authorization/*/Write"] }];
const administrator = [{ actions: ["Microsoft.Authorization/*"] }];

describe("a caller's rights", () => {
  it.each<[string, string, CallerRights, string | undefined]>([
    [
      "nothing that notActions leave out",
      W,
      rights({ scope: "/subscriptions/a", permissions: contributor }),
      undefined,
    ],
    [
      "what notActions of one role leave out and another role grants",
      W,
      rights(
        { scope: "/subscriptions/a", permissions: contributor },
        { scope: "/", permissions: administrator },
      ),
      "assignment-1",
    ],
    [
      "what one permission of a role leaves out and another of it grants",
      W,
      rights({ scope: "/subscriptions/a", permissions: [...contributor, ...administrator] }),
      "assignment-0",
    ],
    [
      "what a role above the scope grants",
      I,
      rights({ scope: "/subscriptions/a", permissions: contributor }),
      "assignment-0",
    ],
    [
      "nothing by a role in another subscription",
      I,
      rights({ scope: "/subscriptions/b", permissions: contributor }),
      undefined,
    ],
    [
      "nothing by an assignment with a condition",
      I,
      rights({ scope: "/subscriptions/a", permissions: contributor, hasCondition: true }),
      undefined,
    ],
    [
      "nothing by a permission with a condition",
      I,
      rights({ scope: "/subscriptions/a", permissions: [{ actions: ["*"], hasCondition: true }] }),
      undefined,
    ],
    ["nothing by an unknown role", I, rights({ scope: "/subscriptions/a" }), undefined],
    ["nothing without an assignment", I, rights(), undefined],
  ])("include %s", (_case, action, given, expected) => {
    expect(grantingAssignment(given, action, asked)).toBe(expected);
  });

  it("to read policies come from the action itself, or from the pattern Microsoft documents", () => {
    const readBy = (...patterns: string[]) =>
      mayRead(rights({ scope: asked, permissions: [{ actions: patterns }] }), asked);

    expect(readBy(`${J}/read`)).toBe(true);
    expect(readBy(`${J}/*/read`)).toBe(true);
    expect(readBy("*/read")).toBe(true);
    expect(readBy(`${J}/initiate/action`)).toBe(false);
  });

  it("that are missing are told for every scope that lacks them", () => {
    const given = rights({ scope: `${asked}/vm1`, permissions: contributor });

    expect(missingRights(given, I, [`${asked}/vm1`, `${asked}/vm2`], "alice")).toEqual([
      expect.objectContaining({ code: "AuthorizationFailed", target: `${asked}/vm2` }),
    ]);
  });
});
