import { untold } from "../access/life.ts";
import type { AccessRequest, Decision } from "../access/request.ts";
import type { Fact, Operation } from "../activity/fact.ts";
import type { ActivityStore } from "../activity/store.ts";
import type { RequestStore } from "../ports.ts";
import { windowFact } from "./facts.ts";

const operations: Readonly<Record<Decision["kind"], Operation>> = {
  approve: "access.approve",
  deny: "access.deny",
  expire: "access.expire",
  escalate: "access.escalate",
  revoke: "access.revoke",
  review: "access.review",
};

/** The facts of a decision, one for each window it is about. */
function decisionFacts(request: AccessRequest, decision: Decision): readonly Fact[] {
  return request.windows.map((window) =>
    windowFact(request, window, {
      operation: operations[decision.kind],
      outcome: "done",
      at: new Date(decision.at),
      step: decision.id,
      by: decision.by,
      comment: decision.comment,
      awaits: decision.awaits && {
        approvals: request.approval?.needed ?? 1,
        ...decision.awaits,
      },
    }),
  );
}

/**
 * Records the facts of every decision that may not have been told yet, and notes that they are. A decision is stored with what
 * follows from it, and its request counts as live until this is done: whoever dies in between loses no fact. Safe to run twice.
 */
export async function tellDecisions(
  ports: { readonly requests: RequestStore; readonly activity: ActivityStore },
  request: AccessRequest,
): Promise<void> {
  const decisions = untold(request);
  if (decisions.length === 0) {
    return;
  }
  await ports.activity.record(decisions.flatMap((decision) => decisionFacts(request, decision)));
  const ids = new Set(decisions.map(({ id }) => id));
  await ports.requests.change(request.id, (current) => ({
    ...current,
    decisions: current.decisions?.map((decision) =>
      ids.has(decision.id) ? { ...decision, isTold: true } : decision,
    ),
  }));
}
