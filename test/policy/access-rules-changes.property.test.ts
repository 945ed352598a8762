import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  type AccessRules,
  type AutoApproval,
  type PeopleAndGroups,
  weekdays,
} from "../../src/policy/access-rules.ts";
import { accessRulesChanges } from "../../src/policy/access-rules-changes.ts";
import type { Change } from "../../src/policy/changes.ts";
import { propertyRuns } from "../support/property-runs.ts";

const options = { requiredKeys: [] };
const names = fc.constantFrom(undefined, "bob", 'a "name"');
const people = fc.uniqueArray(
  fc.record({
    tenantId: fc.constantFrom("t1", "t2"),
    objectId: fc.constantFrom("a", "b"),
    name: names,
  }),
  { selector: ({ tenantId, objectId }) => `${tenantId}/${objectId}` },
);
const groups = fc.uniqueArray(
  fc.record({ objectId: fc.constantFrom("a", "g", "h"), name: names }),
  { selector: ({ objectId }) => objectId },
);
const circle: fc.Arbitrary<PeopleAndGroups> = fc.record({ people, groups });
const durations = fc.constantFrom("PT1H", "PT60M");
const auto: fc.Arbitrary<AutoApproval> = fc
  .record(
    {
      groups: groups.filter((list) => list.length > 0),
      hours: fc.record({
        timeZone: fc.constantFrom("UTC", "Europe/Berlin"),
        days: fc.subarray([...weekdays], { minLength: 1 }),
        from: fc.constantFrom("08:00", "09:00"),
        to: fc.constantFrom("18:00", "24:00"),
      }),
    },
    options,
  )
  .filter((each) => each.groups !== undefined || each.hours !== undefined);

/** Rules as a PUT leaves them: nothing in them is empty but lists of people and groups. */
const accessRules: fc.Arbitrary<AccessRules | undefined> = fc.option(
  fc
    .record(
      {
        justification: fc.record(
          { required: fc.boolean(), pattern: fc.constantFrom("a", "b"), hint: fc.constant("c") },
          { requiredKeys: ["required"] },
        ),
        sources: fc.record(
          { anyAllowed: fc.boolean(), widestIpv4PrefixLength: fc.constantFrom(8, 24) },
          { requiredKeys: ["anyAllowed"] },
        ),
        approval: fc.record(
          {
            approvalsNeeded: fc.constantFrom(1, 2),
            approvers: circle,
            answerWithin: durations,
            escalation: fc.record({ approvers: circle, answerWithin: durations }),
            autoApproval: fc.array(auto, { minLength: 1, maxLength: 3 }),
          },
          { requiredKeys: ["approvalsNeeded", "approvers", "answerWithin"] },
        ),
        breakGlass: fc.record(
          { people, reviewers: circle, reviewWithin: durations },
          { requiredKeys: ["people", "reviewWithin"] },
        ),
      },
      options,
    )
    .filter((rules) => Object.keys(rules).length > 0),
  { nil: undefined },
);

/** A deep copy in another order of everything whose order means nothing, for a comparison of its own. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    const entries = value.map(ordered);
    const isSet = entries.every(
      (entry) => typeof entry !== "object" || "objectId" in Object(entry),
    );
    return isSet
      ? entries.toSorted((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1))
      : entries;
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([, inner]) => inner !== undefined)
          .map(([name, inner]) => [name, ordered(inner)])
          .toSorted(([left], [right]) => (String(left) < String(right) ? -1 : 1)),
      )
    : value;
}

/** Applies differences to the differences from nothing, which are the rules themselves. */
function apply(changes: readonly Change[], to: readonly Change[]): ReadonlyMap<string, string> {
  const values = new Map(to.map(({ path, after = "" }) => [path, after]));
  for (const { path, before, after } of changes) {
    expect(values.get(path)).toBe(before);
    if (after === undefined) {
      values.delete(path);
    } else {
      values.set(path, after);
    }
  }
  return values;
}

describe("the difference between two versions of access rules", () => {
  it("is empty exactly when both say the same", () => {
    const similar = fc.oneof(
      fc.tuple(accessRules, accessRules),
      accessRules.map((rules) => [rules, structuredClone(rules)] as const),
    );

    fc.assert(
      fc.property(similar, ([before, after]) => {
        const isSame = JSON.stringify(ordered(before)) === JSON.stringify(ordered(after));

        expect(accessRulesChanges(before, after).length === 0).toBe(isSame);
      }),
      propertyRuns,
    );
  });

  it("does not mind the order of people, groups and members", () => {
    fc.assert(
      fc.property(accessRules, (rules) => {
        const again = ordered(rules) as AccessRules | undefined;
        const backwards = JSON.parse(JSON.stringify({ rules: again }), (_, value) =>
          Array.isArray(value) && "objectId" in Object(value[0]) ? value.toReversed() : value,
        ).rules;

        expect(accessRulesChanges(rules, backwards)).toEqual([]);
      }),
      propertyRuns,
    );
  });

  it("leads from the one to the other, and back with before and after exchanged", () => {
    fc.assert(
      fc.property(accessRules, accessRules, (before, after) => {
        const changes = accessRulesChanges(before, after);
        const back = changes.map((change) => ({
          path: change.path,
          ...("after" in change ? { before: change.after } : {}),
          ...("before" in change ? { after: change.before } : {}),
        }));
        const whole = accessRulesChanges(undefined, after);

        expect(apply(changes, accessRulesChanges(undefined, before))).toEqual(apply(whole, []));
        expect(accessRulesChanges(after, before)).toEqual(back);
      }),
      propertyRuns,
    );
  });

  it("tells values as JSON and people by their ids", () => {
    const bob = { tenantId: "t1", objectId: "b", name: "bob" };
    const before: AccessRules = {
      sources: { anyAllowed: true },
      breakGlass: { people: [bob], reviewWithin: "P1D" },
    };
    const after: AccessRules = {
      sources: { anyAllowed: false, widestIpv4PrefixLength: 24 },
      breakGlass: { people: [{ ...bob, objectId: "c", name: undefined }], reviewWithin: "P1D" },
    };

    expect(accessRulesChanges(before, after)).toEqual([
      {
        path: "breakGlass.people[t1/b]",
        before: '{"tenantId":"t1","objectId":"b","name":"bob"}',
      },
      { path: "breakGlass.people[t1/c]", after: '{"tenantId":"t1","objectId":"c"}' },
      { path: "sources.anyAllowed", before: "true", after: "false" },
      { path: "sources.widestIpv4PrefixLength", after: "24" },
    ]);
  });

  it("counts what is more than two hundred", () => {
    const list = Array.from({ length: 250 }, (_, index) => ({ objectId: `g${index}` }));
    const after: AccessRules = {
      approval: {
        approvalsNeeded: 1,
        approvers: { people: [], groups: list },
        answerWithin: "PT1H",
      },
    };

    const changes = accessRulesChanges(undefined, after);

    expect(changes).toHaveLength(201);
    expect(changes.at(-1)).toEqual({ path: "52 more", after: "52" });
  });
});
