import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createScopeCheck } from "../../../../local/cloud/authorization/scope.ts";

const segments = fc.array(fc.constantFrom("a", "b", "ab", "subscriptions", "providers"), {
  maxLength: 6,
});
const idOf = (parts: readonly string[]): string => `/${parts.join("/")}`;

const tenantId = "11111111-1111-4111-8111-111111111111";
const groupId = (name: string): string =>
  `/providers/Microsoft.Management/managementGroups/${name}`;

describe("an assignment's scope", () => {
  const isAtOrAbove = createScopeCheck({ tenantId });

  it.each([
    {
      outer: "/subscriptions/A/resourceGroups/rg",
      inner: "/subscriptions/a/resourcegroups/RG/providers/x/y/z",
      covers: true,
    },
    {
      outer: "/subscriptions/a/resourceGroups/rg",
      inner: "/subscriptions/a/resourceGroups/rg2",
      covers: false,
    },
    { outer: "/subscriptions/a/resourceGroups/rg", inner: "/subscriptions/a", covers: false },
    {
      outer: "/providers/Microsoft.Management/managementGroups/m",
      inner: "/subscriptions/a",
      covers: true,
    },
    {
      outer: "/subscriptions/a",
      inner: "/providers/Microsoft.Management/managementGroups/m",
      covers: false,
    },
    {
      outer: "/providers/Microsoft.Management/managementGroups/m",
      inner: "/providers/Microsoft.Management/managementGroups/n",
      covers: false,
    },
  ])("$outer is inherited at $inner: $covers", ({ outer, inner, covers }) => {
    expect(isAtOrAbove(outer, inner)).toBe(covers);
  });

  it("covers exactly what its whole segments begin, however it is written", () => {
    fc.assert(
      fc.property(segments, segments, fc.boolean(), (outer, inner, loud) => {
        const written = loud ? `${idOf(outer).toUpperCase()}//` : idOf(outer);
        const begins = outer.every((segment, index) => segment === inner[index]);
        expect(isAtOrAbove(written, idOf(inner))).toBe(begins);
      }),
    );
  });
});

describe("the tree of management groups", () => {
  const isAtOrAbove = createScopeCheck({
    tenantId,
    managementGroups: [
      { name: "company", displayName: "Company" },
      { name: "Shop", displayName: "Shop", parent: "COMPANY", subscriptions: ["aaa"] },
      { name: "lab", displayName: "Lab", parent: "company", subscriptions: ["bbb"] },
    ],
  });
  const vm = "/subscriptions/AAA/resourceGroups/rg/providers/x/y/z";

  it.each([
    { outer: groupId("shop"), inner: vm, covers: true },
    { outer: groupId("Company"), inner: vm, covers: true },
    { outer: groupId("lab"), inner: vm, covers: false },
    { outer: groupId("company"), inner: groupId("shop"), covers: true },
    { outer: groupId("shop"), inner: groupId("company"), covers: false },
    { outer: groupId("shop"), inner: groupId("lab"), covers: false },
    { outer: groupId("company"), inner: "/subscriptions/ccc", covers: false },
    { outer: groupId("nowhere"), inner: vm, covers: false },
    { outer: groupId(tenantId), inner: vm, covers: true },
    { outer: groupId(tenantId), inner: groupId("lab"), covers: true },
    { outer: groupId(tenantId), inner: "/subscriptions/ccc", covers: true },
    { outer: "/", inner: groupId("shop"), covers: true },
    { outer: groupId("shop"), inner: "/", covers: false },
  ])("has $inner below $outer: $covers", ({ outer, inner, covers }) => {
    expect(isAtOrAbove(outer, inner)).toBe(covers);
  });
});
