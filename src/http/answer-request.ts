import { z } from "zod";
import { afterTime, answered, reviewed } from "../access/approval.ts";
import { circlesOf, namesOf, reviewersOf } from "../access/circles.ts";
import { longestJustification } from "../access/initiate.ts";
import { isOnItsWay } from "../access/life.ts";
import {
  type AccessRequest,
  type Decision,
  isSamePerson,
  requestedVms,
} from "../access/request.ts";
import { askedFacts } from "../activity/asked-facts.ts";
import type { ActivityStore } from "../activity/store.ts";
import { missingRights } from "../caller/permissions.ts";
import { toWritePolicy } from "../caller/requirements.ts";
import { closed } from "../policy/circle-body.ts";
import { subscriptionOf } from "../policy/resource-id.ts";
import type { GateStore, Ids } from "../ports.ts";
import { type Outcome, ok, type Reason, reasonsFrom, refused, refusedFor } from "../reasons.ts";
import { isIn } from "../workflow/approvers.ts";
import { disabled } from "../workflow/decide-again.ts";
import { tellDecisions } from "../workflow/decisions.ts";
import { type Answer, problem } from "./problem.ts";
import { type Call, type Handler, originOf, requestorOf } from "./route.ts";
import { namedRequest, type SeenRequest, type SeePorts, seenJson } from "./seen-request.ts";

export interface AnswerPorts extends SeePorts {
  readonly ids: Ids;
  readonly activity: ActivityStore;
  readonly gates: GateStore;
}

/** POST /api/requests/{id}/approve: agrees to a request that waits; with the last answer it needs, it is opened. */
export const approveRequest = (ports: AnswerPorts): Handler => answerRequest(ports, "approve");

/** POST /api/requests/{id}/deny: refuses a request that waits. One "no" is enough. */
export const denyRequest = (ports: AnswerPorts): Handler => answerRequest(ports, "deny");

function answerRequest(ports: AnswerPorts, kind: "approve" | "deny"): Handler {
  return async (call) => {
    const read = await readCommented(ports, call);
    if ("answer" in read) {
      return read.answer;
    }
    const { seen, comment } = read;
    const approval = seen.rules?.approval;
    const now = ports.clock.now();
    // NB. As the time has left it: the second circle may answer from the moment on when the first was too late.
    const request = afterTime(seen.request, approval, now);
    const circles = circlesOf(approval, request);
    if (
      !(isOwn(call, request) || (await isIn(circles, call.caller, request, ports.directory, fresh)))
    ) {
      return refusal(request, notAmong("answer this request", namesOf(circles)));
    }
    if (!(await ports.directory.isEnabled(call.caller, fresh))) {
      return refusal(request, disabled(call.caller));
    }
    const answer = decisionOf(ports, call, kind, comment);
    const needed = Math.max(approval?.approvalsNeeded ?? 1, 1);
    const decided = await decideOn(
      ports,
      request,
      (current) => afterTime(current, approval, now),
      (current) => answered(current, answer, needed),
    );
    return "answer" in decided ? decided.answer : goOn(ports, call, seen, decided.request);
  };
}

/** POST /api/requests/{id}/review: a break-glass request was looked at, by a reviewer, an approver or who may configure. */
export function reviewRequest(ports: AnswerPorts): Handler {
  return async (call) => {
    const read = await readCommented(ports, call);
    if ("answer" in read) {
      return read.answer;
    }
    const { seen, comment } = read;
    const { request, rules } = seen;
    const isAllowed =
      isOwn(call, request) ||
      (await mayConfigure(ports, call, request)) ||
      (await isIn(reviewersOf(rules), call.caller, request, ports.directory, fresh));
    if (!isAllowed) {
      return refusal(request, notAmong("review this request", namesOf(reviewersOf(rules))));
    }
    if (!(await ports.directory.isEnabled(call.caller, fresh))) {
      return refusal(request, disabled(call.caller));
    }
    const decision = decisionOf(ports, call, "review", comment);
    const decided = await decideOn(
      ports,
      request,
      (current) => current,
      (current) => reviewed(current, decision),
    );
    return "answer" in decided ? decided.answer : goOn(ports, call, seen, decided.request);
  };
}

/** Whether it is the caller's own request: the pure decision then tells why that cannot be. */
const isOwn = ({ caller }: Call, { requestor }: AccessRequest): boolean =>
  isSamePerson(caller, requestor);

/** Who answers is asked about anew: what was so a minute ago is no permission. */
const fresh = { fresh: true } as const;

/** Whether the caller may configure the policy of a request. */
export async function mayConfigure(
  { rights }: Pick<SeePorts, "rights">,
  { caller }: Call,
  { policyId }: AccessRequest,
): Promise<boolean> {
  const held = await rights.of(caller, subscriptionOf(policyId) ?? "");
  return missingRights(held, toWritePolicy(policyId), caller.name).length === 0;
}

export function notAmong(act: string, names: readonly string[]): Reason {
  const who = names.length === 0 ? "nobody" : names.slice(0, 10).join(", ");
  const message = `You are not among those who may ${act}. The policy names: ${who}.`;
  return { code: "NotAnApprover", message };
}

/** A refusal that the audit finds at the request. */
export function refusal(request: AccessRequest, ...reasons: readonly Reason[]): Answer {
  return withAbout(request, problem(refused(...reasons)));
}

export function withAbout(request: AccessRequest, answer: Answer): Answer {
  const { id: requestId, policyId } = request;
  return { ...answer, vmIds: requestedVms(request), about: { requestId, policyId } };
}

export function decisionOf<K extends Decision["kind"]>(
  ports: Pick<AnswerPorts, "ids" | "clock">,
  call: Call,
  kind: K,
  comment: string | undefined,
) {
  return {
    id: ports.ids.next(),
    kind,
    by: requestorOf(call.caller),
    origin: originOf(call),
    at: ports.clock.now().toISOString(),
    ...(comment === undefined ? {} : { comment }),
  };
}

const commented = closed({
  comment: z
    .string("expected text")
    .max(longestJustification, "expected at most 2,000 characters")
    .nullish(),
});

/** The request that is named and what is said to it, for a caller who may see it; an empty body says nothing. */
export async function readCommented(
  ports: SeePorts,
  call: Call,
): Promise<
  { readonly seen: SeenRequest; readonly comment: string | undefined } | { readonly answer: Answer }
> {
  const seen = await namedRequest(ports, call);
  if ("answer" in seen) {
    return seen;
  }
  const body = await call.bodyOr({});
  const comment = body.outcome === "refused" ? body : parseComment(body.value);
  return comment.outcome === "refused"
    ? { answer: withAbout(seen.request, problem(comment)) }
    : { seen, comment: comment.value };
}

function parseComment(body: unknown): Outcome<string | undefined> {
  const parsed = commented.safeParse(body, { reportInput: true });
  return parsed.success
    ? ok(parsed.data.comment ?? undefined)
    : refusedFor(reasonsFrom(parsed.error, "InvalidRequestContent"));
}

/**
 * Applies a decision to what is stored at that moment; of two at once each is decided upon what the other left. Where it is
 * refused, what the time has changed meanwhile is kept all the same.
 */
async function decideOn(
  ports: AnswerPorts,
  request: AccessRequest,
  move: (current: AccessRequest) => AccessRequest,
  decide: (moved: AccessRequest) => Outcome<AccessRequest>,
): Promise<{ readonly request: AccessRequest } | { readonly answer: Answer }> {
  let outcome: Outcome<AccessRequest> = ok(request);
  await ports.requests.change(request.id, (current) => {
    const moved = move(current);
    outcome = decide(moved);
    return outcome.outcome === "ok" ? outcome.value : moved;
  });
  return outcome.outcome === "ok"
    ? { request: outcome.value }
    : { answer: withAbout(request, problem(outcome)) };
}

/** Tells the audit, starts what may be opened now, and answers how the request stands. */
async function goOn(
  ports: AnswerPorts,
  call: Call,
  seen: SeenRequest,
  request: AccessRequest,
): Promise<Answer> {
  await tellDecisions(ports, request);
  if (request.windows.some(isOnItsWay)) {
    // NB. Whoever asked for it may have died before that was told: nothing is opened that left no trace.
    await ports.activity.record(askedFacts(request, seen.rules?.approval));
    await call.workflows.startRequest(request.id, { vmCount: requestedVms(request).length });
  }
  return { status: 200, body: seenJson({ ...seen, request }) };
}
