import type { ApprovalRules } from "../policy/access-rules.ts";
import { durationSeconds } from "../policy/duration.ts";
import { type Outcome, ok, type Reason, refused } from "../reasons.ts";
import { circlesOf, namesOf } from "./circles.ts";
import { isOver, moveWindow, requestState } from "./life.ts";
import { type AccessRequest, type Approval, type Decision, isSamePerson } from "./request.ts";

/** An answer of somebody to a request that waits for approvals. */
export type Answer = Decision & {
  readonly kind: "approve" | "deny";
  readonly by: NonNullable<Decision["by"]>;
};

/** The approval that a new request waits for: how many have to agree, and until when they may. */
export function awaitedApproval(
  rules: ApprovalRules,
  request: Pick<AccessRequest, "windows">,
  now: Date,
): Approval {
  return { needed: rules.approvalsNeeded, answerBy: answerBy(rules.answerWithin, request, now) };
}

/** The request with its windows waiting for that approval. */
export function pendingFor(request: AccessRequest, approval: Approval): AccessRequest {
  const windows = request.windows.map((window) => ({
    ...window,
    state: "pending approval" as const,
  }));
  return { ...request, approval, windows };
}

/** No answer helps any more once the last end that was named has passed. */
function answerBy(within: string, { windows }: Pick<AccessRequest, "windows">, from: Date): string {
  const latest = from.getTime() + (durationSeconds(within) ?? 0) * 1_000;
  const ends = windows.map((window) =>
    window.durationSeconds === undefined ? Date.parse(window.closesAt) : Number.POSITIVE_INFINITY,
  );
  return new Date(Math.min(latest, Math.max(...ends))).toISOString();
}

/** Whoever agreed, each once, however often they said so. */
export function agreed({ decisions = [] }: AccessRequest): readonly Answer["by"][] {
  const answers = decisions.flatMap(({ kind, by }) =>
    kind === "approve" && by !== undefined ? [by] : [],
  );
  return answers.filter(
    (one, index) => answers.findIndex((other) => isSamePerson(one, other)) === index,
  );
}

/**
 * The request after an answer, or why it cannot be given. Whether the person is one of those who may answer was decided
 * before. One "no" is enough; the same person agreeing twice counts once and changes nothing.
 */
export function answered(
  request: AccessRequest,
  answer: Answer,
  needed: number,
): Outcome<AccessRequest> {
  const refusal = cannotAnswer(request, answer);
  if (refusal !== undefined) {
    return isRepeated(request, answer) ? ok(request) : refused(refusal);
  }
  if (isRepeated(request, answer)) {
    // The policy may want fewer by now.
    return ok(answer.kind === "approve" ? approvedBy(request, needed) : request);
  }
  const next = { ...request, decisions: [...(request.decisions ?? []), answer] };
  if (answer.kind === "deny") {
    return ok(moveAll(next, "denied", { closedAt: answer.at }));
  }
  return ok(approvedBy(next, needed));
}

function approvedBy(request: AccessRequest, needed: number): AccessRequest {
  return agreed(request).length >= needed ? moveAll(request, "approved", {}) : request;
}

function cannotAnswer(request: AccessRequest, answer: Answer): Reason | undefined {
  if (isSamePerson(request.requestor, answer.by)) {
    const message = "Nobody answers a request of their own. Ask another approver.";
    return { code: "SelfApproval", message, target: request.id };
  }
  const state = requestState(request);
  const { answerBy: until } = request.approval ?? {};
  if (
    state !== "pending approval" ||
    until === undefined ||
    Date.parse(answer.at) >= Date.parse(until)
  ) {
    const now = state === "pending approval" ? "nobody answered it in time" : `it is ${state}`;
    const ending = ["approved", "opening", "open"].includes(state) ? " To end it, revoke it." : "";
    const message = `The request does not wait for an answer: ${now}.${ending}`;
    return { code: "RequestNotPending", message, target: request.id };
  }
  return undefined;
}

function isRepeated({ decisions = [] }: AccessRequest, answer: Answer): boolean {
  return decisions.some(
    ({ kind, by }) => kind === answer.kind && by !== undefined && isSamePerson(by, answer.by),
  );
}

/** The request as the time has left it: put to the second circle, or expired, where nobody answered in time. */
export function afterTime(
  request: AccessRequest,
  rules: ApprovalRules | undefined,
  now: Date,
): AccessRequest {
  const { approval } = request;
  const until = approval?.answerBy;
  if (
    requestState(request) !== "pending approval" ||
    approval === undefined ||
    until === undefined ||
    now.getTime() < Date.parse(until)
  ) {
    return request;
  }
  const escalation = approval.isEscalated === true ? undefined : rules?.escalation;
  const next = escalation && answerBy(escalation.answerWithin, request, new Date(until));
  const isInTime = next !== undefined && Date.parse(next) > now.getTime();
  const decided = (decision: Pick<Decision, "kind" | "at" | "awaits">): AccessRequest => ({
    ...request,
    decisions: [
      ...(request.decisions ?? []),
      { id: `${request.id}-${decision.kind}`, ...decision },
    ],
  });
  if (!isInTime) {
    const at = next ?? until;
    return moveAll(decided({ kind: "expire", at }), "expired unanswered", { closedAt: at });
  }
  const escalated: Approval = { ...approval, isEscalated: true, answerBy: next };
  const approvers = namesOf(circlesOf(rules, { approval: escalated }));
  const asked = decided({ kind: "escalate", at: until, awaits: { answerBy: next, approvers } });
  return { ...asked, approval: escalated };
}

function moveAll(
  request: AccessRequest,
  to: "approved" | "denied" | "expired unanswered",
  facts: { readonly closedAt?: string },
): AccessRequest {
  return { ...request, windows: request.windows.map((window) => moveWindow(window, to, facts)) };
}

/**
 * The request with its end asked for: what waits is over at once, what is on its way or open is to be closed. Nothing when
 * all of it is over already.
 */
export function revoked(request: AccessRequest, decision: Decision): AccessRequest | undefined {
  if (request.windows.every((window) => isOver(window) || window.state === "closing")) {
    return undefined;
  }
  return {
    ...request,
    decisions: [...(request.decisions ?? []), decision],
    windows: request.windows.map((window) => {
      const endReason = "UserRequested" as const;
      return window.state === "pending approval"
        ? moveWindow(window, "closed", { endReason, closedAt: decision.at })
        : moveWindow(window, "closing", { endReason });
    }),
  };
}

/** The request with its review, or why there is nothing to review, or not by this person. */
export function reviewed(
  request: AccessRequest,
  decision: Decision & { readonly by: Answer["by"] },
): Outcome<AccessRequest> {
  const target = request.id;
  if (request.review === undefined) {
    const message = "Only break-glass requests are reviewed; this is none.";
    return refused({ code: "NothingToReview", message, target });
  }
  if (isSamePerson(request.requestor, decision.by)) {
    const message = "Nobody reviews a request of their own.";
    return refused({ code: "SelfApproval", message, target });
  }
  const { decisions = [] } = request;
  return decisions.some(({ kind }) => kind === "review")
    ? ok(request)
    : ok({ ...request, decisions: [...decisions, decision] });
}
