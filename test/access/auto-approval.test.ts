import { describe, expect, it } from "@jest/globals";
import {
  autoApprovalOf,
  groupsAsked,
  isListed,
  isWithinHours,
} from "../../src/access/auto-approval.ts";
import type { ApprovalRules, WeeklyHours } from "../../src/policy/access-rules.ts";
import { alice } from "../support/builders.ts";

const office: WeeklyHours = {
  timeZone: "Europe/Berlin",
  days: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"],
  from: "08:00",
  to: "18:00",
};
const at = (text: string) => new Date(text);

describe("hours of the week", () => {
  it.each<[string, Partial<WeeklyHours>, string, boolean]>([
    ["a minute before they begin", {}, "2030-01-14T06:59:59.999Z", false],
    ["as they begin", {}, "2030-01-14T07:00:00.000Z", true],
    ["the moment before they end", {}, "2030-01-14T16:59:59.999Z", true],
    ["as they end", {}, "2030-01-14T17:00:00.000Z", false],
    ["on another day", {}, "2030-01-13T10:00:00.000Z", false],
    ["an hour earlier by UTC in summer", {}, "2030-07-15T06:00:00.000Z", true],
    ["before that in summer", {}, "2030-07-15T05:59:00.000Z", false],
    // In Berlin clocks go from 02:00 to 03:00 at 01:00 UTC on 2030-03-31, a Sunday.
    [
      "just before an hour that is left out",
      { days: ["Sunday"], from: "02:00", to: "03:00" },
      "2030-03-31T00:59:59.000Z",
      false,
    ],
    [
      "just after an hour that is left out",
      { days: ["Sunday"], from: "02:00", to: "03:00" },
      "2030-03-31T01:00:00.000Z",
      false,
    ],
    [
      "after the clocks went forward",
      { days: ["Sunday"], from: "03:00", to: "04:00" },
      "2030-03-31T01:00:00.000Z",
      true,
    ],
    // And back from 03:00 to 02:00 at 01:00 UTC on 2030-10-27, a Sunday: the hour from 02:00 comes twice.
    [
      "in an hour that comes twice, the first time",
      { days: ["Sunday"], from: "02:00", to: "03:00" },
      "2030-10-27T00:30:00.000Z",
      true,
    ],
    [
      "in an hour that comes twice, the second time",
      { days: ["Sunday"], from: "02:00", to: "03:00" },
      "2030-10-27T01:30:00.000Z",
      true,
    ],
    [
      "after both",
      { days: ["Sunday"], from: "02:00", to: "03:00" },
      "2030-10-27T02:00:00.000Z",
      false,
    ],
    [
      "on the day that it is there, not in UTC",
      { timeZone: "Pacific/Auckland", days: ["Tuesday"], from: "00:00", to: "01:00" },
      "2030-01-14T11:30:00.000Z",
      true,
    ],
    [
      "in the first minute of a whole day",
      { timeZone: "UTC", days: ["Monday"], from: "00:00", to: "24:00" },
      "2030-01-14T00:00:00.000Z",
      true,
    ],
    [
      "in the last minute of a whole day",
      { timeZone: "UTC", days: ["Monday"], from: "00:00", to: "24:00" },
      "2030-01-14T23:59:59.999Z",
      true,
    ],
    [
      "in the first minute of the next day",
      { timeZone: "UTC", days: ["Monday"], from: "00:00", to: "24:00" },
      "2030-01-15T00:00:00.000Z",
      false,
    ],
    [
      "by a clock that is half an hour off",
      { timeZone: "Asia/Kolkata", from: "08:00", to: "08:30" },
      "2030-01-14T02:45:00.000Z",
      true,
    ],
    [
      "by the clock of a zone that nobody knows",
      { timeZone: "Mars/Base" },
      "2030-01-14T10:00:00Z",
      false,
    ],
  ])("%s", (_case, hours, now, expected) => {
    expect(isWithinHours({ ...office, ...hours }, at(now))).toBe(expected);
  });
});

const group = (objectId: string) => ({ objectId });
const rules = (values: Partial<ApprovalRules> = {}): ApprovalRules => ({
  approvalsNeeded: 1,
  approvers: { people: [], groups: [group("leads")] },
  answerWithin: "PT4H",
  ...values,
});
const monday = at("2030-01-14T10:00:00Z");
const sunday = at("2030-01-13T10:00:00Z");

describe("auto-approval", () => {
  it.each<[string, ApprovalRules["autoApproval"], readonly string[], Date, number | undefined]>([
    ["is not there without a rule", undefined, ["oncall"], monday, undefined],
    ["is for people of the group", [{ groups: [group("OnCall")] }], ["oncall"], sunday, 0],
    ["is not for others", [{ groups: [group("oncall")] }], ["leads"], monday, undefined],
    ["is for everybody within the hours", [{ hours: office }], [], monday, 0],
    ["is for nobody out of the hours", [{ hours: office }], [], sunday, undefined],
    [
      "is for the group within the hours where both are given",
      [{ groups: [group("oncall")], hours: office }],
      ["oncall"],
      monday,
      0,
    ],
    [
      "is not for the group out of the hours",
      [{ groups: [group("oncall")], hours: office }],
      ["oncall"],
      sunday,
      undefined,
    ],
    [
      "is not for others within the hours",
      [{ groups: [group("oncall")], hours: office }],
      [],
      monday,
      undefined,
    ],
    [
      "is by the first rule that holds",
      [{ groups: [group("none")] }, { hours: office }, { groups: [group("oncall")] }],
      ["oncall"],
      monday,
      1,
    ],
    ["is for nobody by a rule that asks for nothing", [{}], ["oncall"], monday, undefined],
    ["is for nobody by an empty list of groups", [{ groups: [] }], ["oncall"], monday, undefined],
  ])("%s", (_case, autoApproval, groups, now, expected) => {
    expect(autoApprovalOf(rules({ autoApproval }), new Set(groups), now)).toBe(expected);
  });

  it("asks the directory about every group that the rules name, once", () => {
    const asked = groupsAsked(
      rules({
        escalation: {
          approvers: { people: [], groups: [group("chiefs"), group("leads")] },
          answerWithin: "PT4H",
        },
        autoApproval: [{ hours: office }, { groups: [group("OnCall"), group("oncall")] }],
      }),
    );

    expect(asked).toEqual(["leads", "chiefs", "oncall"]);
  });
});

describe("a circle of people and groups", () => {
  const { tenantId, objectId } = alice;
  const elsewhere = { tenantId: "99999999-0000-0000-0000-000000000009", objectId };

  it("holds whom it lists, whatever the case", () => {
    const people = [{ tenantId: tenantId.toUpperCase(), objectId: objectId.toUpperCase() }];

    expect(isListed({ people, groups: [] }, alice, new Set())).toBe(true);
  });

  it("does not hold somebody of another tenant with the same object id", () => {
    expect(isListed({ people: [elsewhere], groups: [] }, alice, new Set())).toBe(false);
  });

  it("holds whom one of its groups holds, and nobody else", () => {
    const circle = { people: [], groups: [group("Leads")] };

    expect(isListed(circle, alice, new Set(["leads"]))).toBe(true);
    expect(isListed(circle, alice, new Set(["others"]))).toBe(false);
    expect(isListed({ people: [], groups: [] }, alice, new Set(["leads"]))).toBe(false);
  });
});
