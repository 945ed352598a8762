import { describe, expect, it } from "@jest/globals";
import type { SecurityRule } from "../../src/rules/nsg.ts";
import { planGate } from "../../src/rules/nsg-plan.ts";
import { planOverdue } from "../../src/rules/overdue.ts";
import {
  aDesiredDeny,
  aDesiredWindow,
  afterNoon,
  aGroup,
  anOwner,
  aRule,
  noon,
} from "../support/builders.ts";
import { applyChanges } from "./support/apply-changes.ts";

const window = aDesiredWindow();
const intent = { denies: [aDesiredDeny()], windows: [window] };
const { rules } = applyChanges(aGroup(), planGate(aGroup(), intent, noon, anOwner).changes);
const [deny, allow] = rules as readonly [SecurityRule, SecurityRule];
const later = (seconds: number) => new Date(afterNoon(seconds));

describe("the plan for a gate that storage knows nothing of", () => {
  it("takes away an allow rule of ours from the end on that its description tells", () => {
    expect(planOverdue(aGroup(deny, allow), later(3_599), anOwner).changes).toEqual([]);
    expect(planOverdue(aGroup(deny, allow), later(3_600), anOwner)).toEqual({
      changes: [{ kind: "delete", name: allow.name }],
      results: {},
      findings: [],
      cleaned: [],
      expired: [],
    });
  });

  it.each([
    "",
    "edited",
    deny.description,
    allow.description.replace("2030-01-31", "2030-99-99"),
    allow.description.replace("window", "Window"),
  ])("takes away an allow rule that tells no end, and says so: '%s'", (description) => {
    const { changes, findings } = planOverdue(aGroup({ ...allow, description }), noon, anOwner);

    expect(changes).toEqual([{ kind: "delete", name: allow.name }]);
    expect(findings).toMatchObject([{ code: "RuleOverdue", target: allow.name }]);
  });

  it("takes away a deny rule of ours that somebody made an allow rule", () => {
    expect(planOverdue(aGroup({ ...deny, access: "Allow" }), noon, anOwner).changes).toEqual([
      { kind: "delete", name: deny.name },
    ]);
  });

  it.each<[string, SecurityRule]>([
    ["deny rules of ours", deny],
    ["an allow rule of ours that somebody made a deny rule", { ...allow, access: "Deny" }],
    ["rules of another deployment", { ...allow, name: allow.name.replace(anOwner.tag, "ffffff") }],
    ["customer rules that tell an end like ours", aRule({ description: allow.description })],
    ["an outbound rule", { ...allow, direction: "Outbound" }],
  ])("leaves %s alone", (_case, rule) => {
    expect(planOverdue(aGroup(rule), later(1e6), anOwner).changes).toEqual([]);
  });
});
