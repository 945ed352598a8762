import type { AccessRequest, Decision } from "../access/request.ts";
import type { Fact, Operation } from "./fact.ts";
import { windowFact } from "./window-facts.ts";

const operations: Readonly<Record<Decision["kind"], Operation>> = {
  approve: "access.approve",
  deny: "access.deny",
  expire: "access.expire",
  escalate: "access.escalate",
  revoke: "access.revoke",
  review: "access.review",
};

/** The facts of a decision, one for each window it is about. */
export function decisionFacts(request: AccessRequest, decision: Decision): readonly Fact[] {
  return request.windows.map((window) =>
    windowFact(request, window, {
      operation: operations[decision.kind],
      outcome: "done",
      at: new Date(decision.at),
      step: decision.id,
      by: decision.by,
      origin: decision.origin,
      comment: decision.comment,
      awaits: decision.awaits && {
        approvals: request.approval?.needed ?? 1,
        ...decision.awaits,
      },
    }),
  );
}
