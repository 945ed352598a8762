import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  type Answer,
  afterTime,
  agreed,
  answered,
  awaitedApproval,
  pendingFor,
  revoked,
} from "../../src/access/approval.ts";
import { isOver, requestState, windowStates } from "../../src/access/life.ts";
import {
  type AccessRequest,
  type Decision,
  isSamePerson,
  type Requestor,
} from "../../src/access/request.ts";
import type { ApprovalRules } from "../../src/policy/access-rules.ts";
import { afterNoon, alice, anAccessRequest, aWindow, noon } from "../support/builders.ts";
import { propertyRuns } from "../support/property-runs.ts";

/** Alice, who asks, and five others. */
const crowd: readonly Requestor[] = [1, 2, 3, 4, 5, 6].map((last) => ({
  ...alice,
  objectId: alice.objectId.replace(/1$/, String(last)),
  name: `person ${last}`,
}));

const rules = fc.record({
  approvalsNeeded: fc.integer({ min: 1, max: 4 }),
  withinMinutes: fc.integer({ min: 1, max: 60 }),
  escalationMinutes: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
});
const windows = fc.array(
  fc.record({
    durationSeconds: fc.option(fc.integer({ min: 60, max: 7_200 }), { nil: undefined }),
    endsAfter: fc.integer({ min: 60, max: 7_200 }),
  }),
  { minLength: 1, maxLength: 3 },
);
/** An answer, or a look at the time; clocks of different processes need not agree, so times come in any order. */
const steps = fc.array(
  fc.record({
    by: fc.constantFrom(...crowd),
    isShouted: fc.boolean(),
    kind: fc.constantFrom("approve" as const, "approve" as const, "deny" as const, "look" as const),
    seconds: fc.integer({ min: 0, max: 8_000 }),
  }),
  { maxLength: 25 },
);
type Step = typeof steps extends fc.Arbitrary<(infer T)[]> ? T : never;

const rulesOf = (drawn: typeof rules extends fc.Arbitrary<infer T> ? T : never): ApprovalRules => ({
  approvalsNeeded: drawn.approvalsNeeded,
  approvers: { people: [], groups: [] },
  answerWithin: `PT${drawn.withinMinutes}M`,
  ...(drawn.escalationMinutes === undefined
    ? {}
    : {
        escalation: {
          approvers: { people: [], groups: [] },
          answerWithin: `PT${drawn.escalationMinutes}M`,
        },
      }),
});

const requestOf = (drawn: typeof windows extends fc.Arbitrary<infer T> ? T : never) =>
  anAccessRequest({
    windows: drawn.map(({ durationSeconds, endsAfter }, index) =>
      aWindow({ port: 22 + index, closesAt: afterNoon(endsAfter), durationSeconds }),
    ),
  });

/** The request after a step, as the front door or the sweep takes it; `isTaken`: an answer that counted for something. */
function take(request: AccessRequest, step: Step, by: ApprovalRules, index: number) {
  const moved = afterTime(request, by, new Date(afterNoon(step.seconds)));
  if (step.kind === "look") {
    return { request: moved, isTaken: false };
  }
  const { objectId } = step.by;
  const answer: Answer = {
    id: `answer-${index}`,
    kind: step.kind,
    by: { ...step.by, objectId: step.isShouted ? objectId.toUpperCase() : objectId },
    at: afterNoon(step.seconds),
  };
  const outcome = answered(moved, answer, by.approvalsNeeded);
  return outcome.outcome === "ok"
    ? { request: outcome.value, isTaken: outcome.value !== moved }
    : { request: moved, isTaken: false };
}

/** What is wrong with a step from one to the other, in words. */
function faultsOf(before: AccessRequest, after: AccessRequest, by: ApprovalRules) {
  const { decisions = [] } = after;
  const known = before.decisions ?? [];
  const people = decisions.flatMap((decision) => decision.by ?? []);
  const state = requestState(after);
  const count = (kind: Decision["kind"]) => decisions.filter((one) => one.kind === kind).length;
  const escalations = by.escalation === undefined ? 0 : 1;
  const claims: Readonly<Record<string, boolean>> = {
    "a decision was forgotten": isDeepStrictEqual(decisions.slice(0, known.length), known),
    "what is over began anew": after === before || !before.windows.every(isOver),
    "its windows differ": new Set(after.windows.map((window) => window.state)).size === 1,
    "the requestor answered": !people.some((person) => isSamePerson(person, alice)),
    "somebody counts twice": agreed(after).length === count("approve"),
    "it was escalated too often": count("escalate") <= escalations,
    "a denial did not end it": count("deny") === (state === "denied" ? 1 : 0),
    "its time did not end it": count("expire") === (state === "expired unanswered" ? 1 : 0),
    "it is approved by too few": state !== "approved" || count("approve") >= by.approvalsNeeded,
    "it waits for too many": state !== "pending approval" || count("approve") < by.approvalsNeeded,
  };
  return Object.keys(claims).filter((fault) => claims[fault] === false);
}

describe("any answers by anybody at any times", () => {
  it("count once for each person, never for the requestor, never too late, and one denial ends it", () => {
    fc.assert(
      fc.property(rules, windows, steps, (drawnRules, drawnWindows, story) => {
        const by = rulesOf(drawnRules);
        const asked = requestOf(drawnWindows);
        let request = pendingFor(asked, awaitedApproval(by, asked, noon));
        for (const [index, step] of story.entries()) {
          const before = request;
          const taken = take(request, step, by, index);
          request = taken.request;

          const inTime = afterNoon(step.seconds) < (request.approval?.answerBy ?? "");
          expect({ request, story, faults: faultsOf(before, request, by) }).toMatchObject({
            faults: [],
          });
          expect(taken.isTaken && !inTime).toBe(false);
        }
      }),
      propertyRuns,
    );
  });

  it("approve as soon as enough others agree in time, and nobody denies", () => {
    fc.assert(
      fc.property(rules, fc.shuffledSubarray([...crowd.slice(1)]), (drawnRules, approvers) => {
        const by = rulesOf(drawnRules);
        const asked = anAccessRequest({ windows: [aWindow({ durationSeconds: 600 })] });
        const request = approvers.reduce(
          (current, person, index) =>
            take(
              current,
              { by: person, isShouted: false, kind: "approve", seconds: index },
              by,
              index,
            ).request,
          pendingFor(asked, awaitedApproval(by, asked, noon)),
        );

        expect(requestState(request)).toBe(
          approvers.length >= by.approvalsNeeded ? "approved" : "pending approval",
        );
      }),
      propertyRuns,
    );
  });
});

describe("asking for the end of any request", () => {
  it("leaves nothing that waits, is on its way or open, and asked twice is asked once", () => {
    const states = fc.array(fc.constantFrom(...windowStates), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(states, (drawn) => {
        const request = anAccessRequest({
          windows: drawn.map((state, index) => aWindow({ state, port: 22 + index })),
        });
        const end = { id: "end", kind: "revoke", by: alice, at: afterNoon(60) } as const;

        const ended = revoked(request, end) ?? request;

        expect(ended.windows.every((window) => isOver(window) || window.state === "closing")).toBe(
          true,
        );
        expect(revoked(ended, { ...end, id: "again" })).toBeUndefined();
        expect(ended.windows.map(({ id }) => id)).toEqual(request.windows.map(({ id }) => id));
      }),
      propertyRuns,
    );
  });
});
