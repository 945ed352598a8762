import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { matchesAction } from "../../src/caller/action-pattern.ts";
import { actions } from "../../src/caller/requirements.ts";
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
