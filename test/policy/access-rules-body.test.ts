import { readFile } from "node:fs/promises";
import { describe, expect, it } from "@jest/globals";
import type { AccessRules } from "../../src/policy/access-rules.ts";
import { parsePolicy } from "../../src/policy/policy-body.ts";
import { aContext, alice, aVirtualMachine, subscriptionId } from "../support/builders.ts";
import { targets } from "../support/outcomes.ts";

const parse = (accessRules: unknown, context = aContext) =>
  parsePolicy(
    { properties: { virtualMachines: [aVirtualMachine()], accessRules } },
    subscriptionId,
    context,
  );
const rulesOf = (accessRules: unknown) => {
  const outcome = parse(accessRules);
  return outcome.outcome === "ok" ? outcome.value.accessRules : outcome.reasons;
};
const id = (last: number) => `33333333-0000-4000-8000-${String(last).padStart(12, "0")}`;
const many = <T>(count: number, entry: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => entry(index));
const { tenantId } = alice;

const approvers = { people: [id(1), id(2)] };
const approval = (values: object) => ({ approval: { approvers, ...values } });
const auto = (values: object) => approval({ autoApproval: [values] });
const hours = { timeZone: "Europe/Berlin", days: ["Monday"], from: "08:00", to: "18:00" };
const office = (values: object) => auto({ hours: { ...hours, ...values } });

const whole: AccessRules = {
  justification: { required: true, pattern: "\\bINC-\\d{4,}\\b", hint: "An incident's number." },
  sources: { anyAllowed: false, widestIpv4PrefixLength: 24, widestIpv6PrefixLength: 56 },
  approval: {
    approvalsNeeded: 2,
    approvers: {
      people: [{ tenantId: id(9), objectId: id(1), name: "bob@contoso.example" }],
      groups: [{ objectId: id(20), name: "Leads" }],
    },
    answerWithin: "PT30M",
    escalation: {
      approvers: { people: [], groups: [{ objectId: id(21) }] },
      answerWithin: "P1D",
    },
    autoApproval: [
      { groups: [{ objectId: id(22) }] },
      { hours: { ...hours, days: ["Monday", "Friday"], to: "24:00" } },
    ],
  },
  breakGlass: {
    people: [{ tenantId, objectId: id(3) }],
    reviewers: { people: [{ tenantId, objectId: id(4) }], groups: [] },
    reviewWithin: "P7D",
  },
};

describe("the access rules of a policy", () => {
  it("are taken as they are when nothing is left out", () => {
    expect(rulesOf(whole)).toEqual(whole);
  });

  it("may be those of the documentation", async () => {
    const page = await readFile("docs/api.md", "utf8");
    const example = /## Request rules[\s\S]*?```json\n([\s\S]*?)```/.exec(page)?.[1] ?? "";

    expect(rulesOf(JSON.parse(example))).toMatchObject({
      approval: { autoApproval: [{ hours: { timeZone: "Europe/Berlin" } }] },
    });
  });

  it("are understood when they are said in few words", () => {
    const rules = rulesOf({
      justification: {},
      sources: {},
      approval: { approvers: { people: [id(1).toUpperCase(), { objectId: id(2) }] } },
      breakGlass: { people: [id(3)] },
    });

    expect(rules).toEqual({
      justification: { required: true },
      sources: { anyAllowed: true },
      approval: {
        approvalsNeeded: 1,
        approvers: {
          people: [
            { tenantId, objectId: id(1) },
            { tenantId, objectId: id(2) },
          ],
          groups: [],
        },
        answerWithin: "PT4H",
      },
      breakGlass: { people: [{ tenantId, objectId: id(3) }], reviewWithin: "P1D" },
    });
  });

  it.each<[string, unknown, unknown]>([
    ["left out", undefined, undefined],
    ["null", null, null],
    ["an object that says nothing", {}, null],
    [
      "an object whose members are null",
      { justification: null, sources: null, approval: null, breakGlass: null },
      null,
    ],
  ])("may be %s", (_case, given, expected) => {
    expect(rulesOf(given)).toEqual(expected);
  });

  it("say nothing of an auto-approval whose list is empty", () => {
    expect(rulesOf(approval({ autoApproval: [] }))).not.toHaveProperty("approval.autoApproval");
  });

  it("list the days of the week in their order, each once", () => {
    expect(rulesOf(office({ days: ["Friday", "Monday", "Friday"] }))).toMatchObject({
      approval: { autoApproval: [{ hours: { days: ["Monday", "Friday"] } }] },
    });
  });

  it.each<[string, unknown, string]>([
    ["text", "strict", ""],
    ["a list", [], ""],
    ["a misspelt rule", { justifications: {} }, ".justifications"],
    ["a rule of other letter case", { Sources: {} }, ".Sources"],
    ["a rule by the name of a prototype", JSON.parse('{"__proto__":{"sources":{}}}'), ".__proto__"],
    ["a misspelt member", { sources: { anyallowed: false } }, ".sources.anyallowed"],
    [
      "a misspelt member of a person",
      { approval: { approvers: { people: [{ objectId: id(1), tennantId: id(2) }] } } },
      ".approval.approvers.people[0].tennantId",
    ],
    ["a misspelt member of hours", office({ zone: "UTC" }), ".approval.autoApproval[0].hours.zone"],
    ["a requirement as text", { justification: { required: "no" } }, ".justification.required"],
    ["an empty pattern", { justification: { pattern: "" } }, ".justification.pattern"],
    ["a pattern that is none", { justification: { pattern: "(INC" } }, ".justification.pattern"],
    [
      "a pattern that looks back",
      { justification: { pattern: "(a)\\1" } },
      ".justification.pattern",
    ],
    [
      "a pattern that looks ahead",
      { justification: { pattern: "a(?=b)" } },
      ".justification.pattern",
    ],
    [
      "a pattern of too many steps",
      { justification: { pattern: ".{600}.{600}" } },
      ".justification.pattern",
    ],
    ["a long pattern", { justification: { pattern: "x".repeat(201) } }, ".justification.pattern"],
    ["a long hint", { justification: { hint: "x".repeat(301) } }, ".justification.hint"],
    ["/33", { sources: { widestIpv4PrefixLength: 33 } }, ".sources.widestIpv4PrefixLength"],
    ["/-1", { sources: { widestIpv6PrefixLength: -1 } }, ".sources.widestIpv6PrefixLength"],
    [
      "/24 as text",
      { sources: { widestIpv4PrefixLength: "24" } },
      ".sources.widestIpv4PrefixLength",
    ],
    ["no approvers", { approval: {} }, ".approval.approvers"],
    ["an empty circle", { approval: { approvers: {} } }, ".approval.approvers"],
    ["zero approvals", approval({ approvalsNeeded: 0 }), ".approval.approvalsNeeded"],
    ["six approvals", approval({ approvalsNeeded: 6 }), ".approval.approvalsNeeded"],
    ["more approvals than people", approval({ approvalsNeeded: 3 }), ".approval.approvalsNeeded"],
    [
      "more approvals than people in both circles",
      approval({
        approvalsNeeded: 4,
        escalation: { approvers: { people: [id(2), id(3)] } },
      }),
      ".approval.approvalsNeeded",
    ],
    ["a person by name", { breakGlass: { people: ["bob"] } }, ".breakGlass.people[0]"],
    ["a person as a number", { breakGlass: { people: [7] } }, ".breakGlass.people[0]"],
    [
      "a person of no tenant",
      { breakGlass: { people: [{ objectId: id(1), tenantId: "contoso" }] } },
      ".breakGlass.people[0].tenantId",
    ],
    [
      "a person listed twice",
      approval({ approvers: { people: [id(1), { objectId: id(1), tenantId }] } }),
      ".approval.approvers.people[1]",
    ],
    [
      "51 people",
      approval({ approvers: { people: many(51, (index) => id(index)) } }),
      ".approval.approvers.people",
    ],
    [
      "21 groups",
      approval({ approvers: { groups: many(21, (index) => id(index)) } }),
      ".approval.approvers.groups",
    ],
    ["an answer within seconds", approval({ answerWithin: "PT59S" }), ".approval.answerWithin"],
    ["an answer within months", approval({ answerWithin: "P1M" }), ".approval.answerWithin"],
    [
      "an answer within more than a week",
      approval({ answerWithin: "P7DT1S" }),
      ".approval.answerWithin",
    ],
    [
      "an escalation to nobody",
      approval({ escalation: { approvers: { people: [], groups: [] } } }),
      ".approval.escalation.approvers",
    ],
    ["an auto-approval of everybody", auto({}), ".approval.autoApproval[0]"],
    ["an auto-approval of no group", auto({ groups: [] }), ".approval.autoApproval[0].groups"],
    ["hours of no day", office({ days: [] }), ".approval.autoApproval[0].hours.days"],
    [
      "hours of a day that is none",
      office({ days: ["Mon"] }),
      ".approval.autoApproval[0].hours.days[0]",
    ],
    [
      "hours of no zone",
      office({ timeZone: "Mars/Base" }),
      ".approval.autoApproval[0].hours.timeZone",
    ],
    [
      "hours of an offset",
      office({ timeZone: "+01:00" }),
      ".approval.autoApproval[0].hours.timeZone",
    ],
    [
      "hours over midnight",
      office({ from: "22:00", to: "06:00" }),
      ".approval.autoApproval[0].hours.to",
    ],
    [
      "hours of no length",
      office({ from: "08:00", to: "08:00" }),
      ".approval.autoApproval[0].hours.to",
    ],
    ["hours from 08:60", office({ from: "08:60" }), ".approval.autoApproval[0].hours.from"],
    ["hours to 25:00", office({ to: "25:00" }), ".approval.autoApproval[0].hours.to"],
    [
      "eleven auto-approvals",
      approval({ autoApproval: many(11, () => ({ hours })) }),
      ".approval.autoApproval",
    ],
    ["break-glass for nobody", { breakGlass: { people: [] } }, ".breakGlass.people"],
    [
      "break-glass for a group",
      { breakGlass: { people: [id(1)], groups: [id(2)] } },
      ".breakGlass.groups",
    ],
    [
      "break-glass that nobody reviews",
      { breakGlass: { people: [id(1)] } },
      ".breakGlass.reviewers",
    ],
    [
      "a review after months",
      { breakGlass: { people: [id(1)], reviewers: approvers, reviewWithin: "P31D" } },
      ".breakGlass.reviewWithin",
    ],
  ])("with %s are refused, naming the field", (_case, given, path) => {
    expect(targets(parse(given))).toEqual([`InvalidPolicy properties.accessRules${path}`]);
  });

  it("may need as many approvals as people are in both circles, or in a group", () => {
    const escalation = { approvers: { people: [id(2), id(3)] } };
    const inGroup = { approvers: { groups: [id(4)] }, approvalsNeeded: 5 };

    expect(targets(parse(approval({ approvalsNeeded: 3, escalation })))).toEqual(["ok"]);
    expect(targets(parse(approval(inGroup)))).toEqual(["ok"]);
  });

  it("with a misspelt member say which are known", () => {
    expect(parse({ sources: { any: false } })).toMatchObject({
      reasons: [
        {
          message: expect.stringMatching(
            /^'properties\.accessRules\.sources\.any' is false: .*expected anyAllowed, widestIpv4/,
          ),
        },
      ],
    });
  });

  it("are refused together with what else is wrong with the policy", () => {
    const outcome = parsePolicy(
      { properties: { virtualMachines: [], accessRules: { a: 1, b: 2 } } },
      subscriptionId,
      aContext,
    );

    expect(targets(outcome)).toEqual([
      "InvalidPolicy properties.virtualMachines",
      "InvalidPolicy properties.accessRules.a",
      "InvalidPolicy properties.accessRules.b",
    ]);
  });

  it("may list no groups where groups cannot be looked up", () => {
    const outcome = parse(
      { ...whole, breakGlass: undefined },
      { ...aContext, groupsUsable: false },
    );

    const approvalPath = "InvalidPolicy properties.accessRules.approval";
    expect(targets(outcome)).toEqual([
      `${approvalPath}.approvers.groups`,
      `${approvalPath}.escalation.approvers.groups`,
      `${approvalPath}.autoApproval[0].groups`,
    ]);
    expect(targets(parse(approval({}), { ...aContext, groupsUsable: false }))).toEqual(["ok"]);
  });

  const deep = (depth: number) => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);

  it.each<[string, unknown]>([
    ["a very long text", { justification: { pattern: "x".repeat(1_000_000) } }],
    ["a very long name of a member", { ["x".repeat(1_000_000)]: 1 }],
    ["a long list", { approval: { approvers: { people: many(1_000_000, () => null) } } }],
    ["many members", Object.fromEntries(many(100_000, (index) => [index, null]))],
    ["a million lists in each other", deep(1_000_000)],
  ])("are refused at once when they hold %s", (_case, given) => {
    const before = process.cpuUsage();

    const outcome = parse(given);

    const { user, system } = process.cpuUsage(before);
    expect(targets(outcome)).toEqual(["InvalidPolicy properties.accessRules"]);
    expect((user + system) / 1_000).toBeLessThan(200);
  });
});
