import { describe, expect, it } from "@jest/globals";
import {
  type Answer,
  afterTime,
  agreed,
  answered,
  awaitedApproval,
  pendingFor,
  reviewed,
  revoked,
} from "../../src/access/approval.ts";
import { requestState, type WindowState } from "../../src/access/life.ts";
import type { AccessRequest, Decision, Requestor, Window } from "../../src/access/request.ts";
import type { ApprovalRules } from "../../src/policy/access-rules.ts";
import { afterNoon, alice, anAccessRequest, aWindow, noon } from "../support/builders.ts";
import { accepted, codesOf } from "../support/outcomes.ts";

const person = (last: number): Requestor => ({
  ...alice,
  objectId: alice.objectId.replace(/1$/, String(last)),
  name: `person ${last}`,
});
const [bob, carol, dan] = [person(2), person(3), person(4)];
const at = (seconds: number): Date => new Date(afterNoon(seconds));

const rules: ApprovalRules = {
  approvalsNeeded: 1,
  approvers: { people: [bob, carol], groups: [] },
  answerWithin: "PT1H",
};
const escalating: ApprovalRules = {
  ...rules,
  escalation: { approvers: { people: [dan], groups: [] }, answerWithin: "PT30M" },
};
/** Of a request that asks for a length, no end is known. */
const anHour = aWindow({ durationSeconds: 3_600 });

const pending = (values: Partial<AccessRequest> = {}, by: ApprovalRules = rules) => {
  const request = anAccessRequest({ windows: [anHour], ...values });
  return pendingFor(request, awaitedApproval(by, request, noon));
};
const answer = (kind: Answer["kind"], by: Requestor, seconds = 60): Answer => ({
  id: `${kind}-${by.name}-${seconds}`,
  kind,
  by,
  at: afterNoon(seconds),
});
const give = (request: AccessRequest, ...answers: readonly Answer[]): AccessRequest =>
  answers.reduce(
    (current, one) => accepted(answered(current, one, current.approval?.needed ?? 1)),
    request,
  );

describe("a request that needs an approval", () => {
  it("waits with all its windows for as long as the rules say", () => {
    const request = pending({ windows: [anHour, { ...anHour, id: "other", port: 3389 }] });

    expect(request.approval).toEqual({ needed: 1, answerBy: afterNoon(3_600) });
    expect(request.windows.map(({ state }) => state)).toEqual(Array(2).fill("pending approval"));
  });

  it("waits no longer than until the last end that it names, as no answer helps after that", () => {
    const windows = [aWindow({ closesAt: afterNoon(600) }), aWindow({ closesAt: afterNoon(900) })];

    expect(pending({ windows }).approval?.answerBy).toBe(afterNoon(900));
    // An end that counts from when it is open does not come before it is open.
    expect(pending({ windows: [...windows, anHour] }).approval?.answerBy).toBe(afterNoon(3_600));
  });

  it("is approved by the answer that makes them enough", () => {
    const request = pending({}, { ...rules, approvalsNeeded: 2 });

    const one = give(request, answer("approve", bob));
    const two = give(one, answer("approve", carol));

    expect([requestState(one), requestState(two)]).toEqual(["pending approval", "approved"]);
    expect(agreed(two)).toEqual([bob, carol]);
  });

  it("counts whoever agrees twice once, and says yes to both", () => {
    const request = pending({}, { ...rules, approvalsNeeded: 2 });
    const shouting = { ...bob, objectId: bob.objectId.toUpperCase(), name: "Bob" };

    const once = give(request, answer("approve", bob));
    const twice = give(once, answer("approve", shouting, 90));

    expect(twice).toBe(once);
    expect(requestState(twice)).toBe("pending approval");
  });

  it("is over with one denial, whoever agreed before", () => {
    const request = pending({}, { ...rules, approvalsNeeded: 2 });

    const denied = give(request, answer("approve", bob), answer("deny", carol, 90));

    expect(denied.windows).toEqual([{ ...anHour, state: "denied", closedAt: afterNoon(90) }]);
  });

  it("can be denied by somebody who agreed before, as long as it waits", () => {
    const request = pending({}, { ...rules, approvalsNeeded: 2 });

    expect(requestState(give(request, answer("approve", bob), answer("deny", bob, 90)))).toBe(
      "denied",
    );
  });

  it.each<{ case: string; before: readonly Answer[]; late: Answer; code: string }>([
    {
      case: "it was denied",
      before: [answer("deny", bob)],
      late: answer("approve", carol),
      code: "RequestNotPending",
    },
    {
      case: "it was approved",
      before: [answer("approve", bob)],
      late: answer("deny", carol),
      code: "RequestNotPending",
    },
    {
      case: "its time is over",
      before: [],
      late: answer("approve", bob, 3_600),
      code: "RequestNotPending",
    },
    {
      case: "it is one's own",
      before: [],
      late: answer("approve", alice),
      code: "SelfApproval",
    },
    {
      case: "it is one's own, by ids in another letter case",
      before: [],
      late: answer("deny", { ...alice, tenantId: alice.tenantId.toUpperCase(), name: "other" }),
      code: "SelfApproval",
    },
  ])("takes no answer when $case", ({ before, late, code }) => {
    const request = give(pending(), ...before);

    expect(codesOf(answered(request, late, 1))).toEqual([code]);
  });

  it("takes an answer until the very last moment", () => {
    expect(requestState(give(pending(), answer("approve", bob, 3_599)))).toBe("approved");
  });

  it("takes no answer when it never waited for one", () => {
    expect(codesOf(answered(anAccessRequest(), answer("approve", bob), 1))).toEqual([
      "RequestNotPending",
    ]);
  });
});

describe("a request that nobody answers", () => {
  it("is as it was before its time is over", () => {
    const request = pending();

    expect(afterTime(request, rules, at(3_599))).toBe(request);
  });

  it("expires at the end of its time, however much later that is noticed", () => {
    const expired = afterTime(pending(), rules, at(9_000));

    expect(expired.windows).toEqual([
      { ...anHour, state: "expired unanswered", closedAt: afterNoon(3_600) },
    ]);
    expect(expired.decisions).toEqual([
      { id: `${expired.id}-expire`, kind: "expire", at: afterNoon(3_600) },
    ]);
    expect(afterTime(expired, rules, at(9_001))).toBe(expired);
  });

  it("is put to the second circle once, from then on for as long as the rules say", () => {
    const request = pending({}, escalating);

    const escalated = afterTime(request, escalating, at(3_700));
    const still = afterTime(escalated, escalating, at(5_399));
    const expired = afterTime(escalated, escalating, at(5_400));

    expect(escalated.approval).toEqual({
      needed: 1,
      isEscalated: true,
      answerBy: afterNoon(5_400),
    });
    expect(requestState(escalated)).toBe("pending approval");
    expect(still).toBe(escalated);
    expect(requestState(expired)).toBe("expired unanswered");
    expect(expired.decisions?.map(({ kind, at: moment }) => [kind, moment])).toEqual([
      ["escalate", afterNoon(3_600)],
      ["expire", afterNoon(5_400)],
    ]);
  });

  it("keeps the answers that the first circle gave when it is put to the second", () => {
    const request = pending({}, { ...escalating, approvalsNeeded: 2 });
    const half = give(request, answer("approve", bob));

    const escalated = afterTime(half, escalating, at(3_600));

    expect(requestState(give(escalated, answer("approve", dan, 3_700)))).toBe("approved");
  });

  it("expires without a second circle when nobody noticed before that circle's time was over too", () => {
    const expired = afterTime(pending({}, escalating), escalating, at(5_400));

    expect(expired.decisions?.map(({ kind, at: moment }) => [kind, moment])).toEqual([
      ["expire", afterNoon(5_400)],
    ]);
  });

  it("is not put to a second circle when the last end that it names comes first", () => {
    const request = pending({ windows: [aWindow({ closesAt: afterNoon(3_600) })] }, escalating);

    expect(requestState(afterTime(request, escalating, at(3_600)))).toBe("expired unanswered");
  });

  it("expires when its policy has no rules any more", () => {
    expect(requestState(afterTime(pending(), undefined, at(3_600)))).toBe("expired unanswered");
  });
});

describe("a request whose end is asked for", () => {
  const end: Decision = { id: "end", kind: "revoke", by: bob, at: afterNoon(100) };
  const ofState = (state: WindowState): AccessRequest =>
    anAccessRequest({ windows: [aWindow({ state })] });

  it.each<[WindowState, Partial<Window>]>([
    ["pending approval", { state: "closed", closedAt: afterNoon(100), endReason: "UserRequested" }],
    ["approved", { state: "closing", endReason: "UserRequested" }],
    ["opening", { state: "closing", endReason: "UserRequested" }],
    ["open", { state: "closing", endReason: "UserRequested" }],
  ])("while it is %s becomes %j", (state, become) => {
    const ended = revoked(ofState(state), end);

    expect(ended?.windows).toEqual([{ ...aWindow(), ...become }]);
    expect(ended?.decisions).toEqual([end]);
  });

  it.each<WindowState>(["closing", "closed", "failed", "denied", "expired unanswered"])(
    "while it is %s is as it was",
    (state) => {
      expect(revoked(ofState(state), end)).toBeUndefined();
    },
  );

  it("keeps why a window ends that was ending before", () => {
    const reasons = [{ code: "BlockedByCustomerRule", message: "No." }] as const;
    const ending = aWindow({ port: 3389, state: "closing", reasons });
    const over = aWindow({ port: 80, state: "closed", endReason: "Expired" });

    const ended = revoked(anAccessRequest({ windows: [aWindow(), ending, over] }), end);

    expect(ended?.windows.slice(1)).toEqual([ending, over]);
  });

  it("asked for twice ends once", () => {
    const once = revoked(ofState("open"), end);

    expect(once && revoked(once, { ...end, id: "again" })).toBeUndefined();
  });
});

describe("a break-glass request", () => {
  const review = { id: "seen", kind: "review", by: bob, at: afterNoon(7_200) } as const;
  const urgent = anAccessRequest({ isBreakGlass: true, review: { dueAt: afterNoon(86_400) } });

  it("is reviewed once, whoever looks at it later", () => {
    const seen = accepted(reviewed(urgent, review));

    expect(seen.decisions).toEqual([review]);
    expect(reviewed(seen, { ...review, id: "again", by: carol })).toEqual({
      outcome: "ok",
      value: seen,
    });
  });

  it.each([
    { case: "by the one who asked", request: urgent, by: alice, code: "SelfApproval" },
    { case: "when it is none", request: anAccessRequest(), by: bob, code: "NothingToReview" },
  ])("is not reviewed $case", ({ request, by, code }) => {
    expect(codesOf(reviewed(request, { ...review, by }))).toEqual([code]);
  });
});
