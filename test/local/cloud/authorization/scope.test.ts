import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { isAtOrAbove } from "../../../../local/cloud/authorization/scope.ts";

const segments = fc.array(fc.constantFrom("a", "b", "ab", "subscriptions", "providers"), {
  maxLength: 6,
});
const idOf = (parts: readonly string[]): string => `/${parts.join("/")}`;

describe("an assignment's scope", () => {
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
