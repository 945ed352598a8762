import { untold } from "../access/life.ts";
import type { AccessRequest } from "../access/request.ts";
import { decisionFacts } from "../activity/decision-facts.ts";
import type { ActivityStore } from "../activity/store.ts";
import type { RequestStore } from "../ports.ts";

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
