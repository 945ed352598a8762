import { describe, expect, it } from "@jest/globals";
import { coversKey } from "../../src/caller/scope.ts";
import { idKey } from "../../src/policy/resource-id.ts";

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
    expect(coversKey(idKey(scope), idKey(asked))).toBe(expected);
  });
});
