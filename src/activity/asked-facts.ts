import { circlesOf, namesOf } from "../access/circles.ts";
import { requestState } from "../access/life.ts";
import type { AccessRequest } from "../access/request.ts";
import type { ApprovalRules } from "../policy/access-rules.ts";
import type { Fact, Operation } from "./fact.ts";
import { windowFact } from "./window-facts.ts";

const following = {
  extension: "access.extend",
  rebind: "access.rebind",
} as const satisfies Record<string, Operation>;

/**
 * That a request was asked for, and by whom its answer is awaited: of each window once, however often it is told. NB. Whoever
 * stored the request may have died before this was recorded, so whoever goes on with it tells it again.
 */
export function askedFacts(
  request: AccessRequest,
  rules: ApprovalRules | undefined,
): readonly Fact[] {
  const { approval, follows, origin, requestor: by } = request;
  const awaits =
    approval?.answerBy === undefined || requestState(request) !== "pending approval"
      ? undefined
      : {
          approvals: approval.needed,
          answerBy: approval.answerBy,
          approvers: namesOf(circlesOf(rules, request)),
        };
  const operation = follows === undefined ? "access.initiate" : following[follows.as];
  const at = new Date(request.createdAt);
  return request.windows.map((window) =>
    windowFact(request, window, {
      operation,
      outcome: "asked",
      at,
      by,
      origin,
      awaits,
      approvedByRule: approval?.automatic,
    }),
  );
}
