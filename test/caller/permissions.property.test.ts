import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { matchesAction } from "../../src/caller/action-pattern.ts";
import type { DenyAssignment } from "../../src/caller/deny.ts";
import { createJudge, type Requirement } from "../../src/caller/permissions.ts";
import { coversKey } from "../../src/caller/scope.ts";
import { idKey } from "../../src/policy/resource-id.ts";
import { propertyRuns } from "../support/property-runs.ts";
import { aDeny, aPermission, type GivenAssignment, rightsOf } from "../support/rights-builders.ts";

const scope = fc.constantFrom(
  "/",
  "/providers/Microsoft.Management/managementGroups/mg",
  "/subscriptions/a",
  "/subscriptions/a/",
  "/SUBSCRIPTIONS/A/resourceGroups/rg",
  "/subscriptions/a/resourceGroups/rg/vm1",
  "/subscriptions/a/resourceGroups/rg/vm2",
  "/subscriptions/a/resourceGroups/rg2",
  "/subscriptions/b",
);
const action = fc.constantFrom("a/read", "a/x/read", "a/write", "b/read");
const pattern = fc.constantFrom("*", "*/read", "a/*", "a/*/read", "A/READ", "b/read", "c");
const permission = fc
  .record({
    actions: fc.array(pattern, { maxLength: 2 }),
    notActions: fc.array(pattern, { maxLength: 1 }),
    hasCondition: fc.boolean(),
  })
  .map(aPermission);
const permissions = fc.array(permission, { maxLength: 2 });
const assignment: fc.Arbitrary<GivenAssignment> = fc.record(
  { scope, permissions, hasCondition: fc.boolean() },
  { requiredKeys: ["scope", "hasCondition"] },
);
const deny = fc
  .record({ scope, permissions, doNotApplyToChildScopes: fc.boolean() })
  .map((values) => aDeny(values));
const requirement: fc.Arbitrary<Requirement> = fc.record({
  action,
  scopes: fc
    .tuple(scope, fc.array(scope, { maxLength: 1 }))
    .map(([first, rest]) => [first, ...rest]),
});
const assignments = fc.array(assignment, { maxLength: 4 });
const denies = fc.array(deny, { maxLength: 2 });

const isGranted = (
  given: readonly GivenAssignment[],
  denied: readonly DenyAssignment[],
  need: Requirement,
) => createJudge(rightsOf(given, denied))(need).outcome === "granted";

/** Azure's documented order, one scope and one action after the other, without any preparation. */
function byTheBook(
  given: readonly GivenAssignment[],
  denied: readonly DenyAssignment[],
  { action: wanted, scopes }: Requirement,
): boolean {
  const bare = (text: string) => text.toLowerCase().replace(/\/$/, "");
  const speaksOf = (one: { actions: readonly string[]; notActions: readonly string[] }) =>
    one.actions.some((each) => matchesAction(each, wanted)) &&
    !one.notActions.some((each) => matchesAction(each, wanted));
  const isDenied = scopes.some((asked) =>
    denied.some(
      (one) =>
        (one.doNotApplyToChildScopes
          ? bare(one.scope) === bare(asked)
          : coversKey(idKey(one.scope), idKey(asked))) && one.permissions.some(speaksOf),
    ),
  );
  const isAssigned = scopes.some((asked) =>
    given.some(
      (one) =>
        one.hasCondition !== true &&
        coversKey(idKey(one.scope), idKey(asked)) &&
        (one.permissions ?? []).some((each) => {
          const whole = aPermission(each);
          return !whole.hasCondition && speaksOf(whole);
        }),
    ),
  );
  return isAssigned && !isDenied;
}

describe("the judgement of rights", () => {
  it("is that of Azure's documented order, whatever is assigned and denied", () => {
    fc.assert(
      fc.property(assignments, denies, requirement, (given, denied, need) => {
        expect(isGranted(given, denied, need)).toBe(byTheBook(given, denied, need));
      }),
      propertyRuns,
    );
  });

  it("never grants more for a deny assignment, nor less for a role assignment", () => {
    fc.assert(
      fc.property(
        fc.tuple(assignments, assignment),
        fc.tuple(denies, deny),
        requirement,
        ([given, more], [denied, another], need) => {
          const before = isGranted(given, denied, need);

          expect(isGranted(given, [...denied, another], need) && !before).toBe(false);
          expect(before && !isGranted([...given, more], denied, need)).toBe(false);
        },
      ),
      propertyRuns,
    );
  });

  it("does not hang on how scopes are written", () => {
    const written = (text: string) =>
      `/${text.toUpperCase().split("/").filter(Boolean).join("//")}/`;
    fc.assert(
      fc.property(assignments, denies, requirement, (given, denied, need) => {
        const others = given.map((one) => ({ ...one, scope: written(one.scope) }));
        const otherDenies = denied.map((one) => ({ ...one, scope: written(one.scope) }));
        const [first, ...rest] = need.scopes;
        const otherNeed = { ...need, scopes: [written(first), ...rest.map(written)] } as const;

        expect(isGranted(others, otherDenies, otherNeed)).toBe(isGranted(given, denied, need));
      }),
      propertyRuns,
    );
  });
});
