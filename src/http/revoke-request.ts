import { revoked } from "../access/approval.ts";
import { isOver } from "../access/life.ts";
import {
  type AccessRequest,
  type Decision,
  isSamePerson,
  requestedVms,
} from "../access/request.ts";
import { circlesOf, isIn, reviewersOf } from "../workflow/approvers.ts";
import { tellDecisions } from "../workflow/decisions.ts";
import { mapLimited } from "../workflow/serial.ts";
import {
  type AnswerPorts,
  decisionOf,
  mayConfigure,
  notAmong,
  readCommented,
  refusal,
} from "./answer-request.ts";
import type { Call, Handler } from "./route.ts";
import { type SeenRequest, seenJson } from "./seen-request.ts";

/**
 * POST /api/requests/{id}/revoke: ends a request before its time, by the requestor, an approver or who may configure its policy.
 * What it was extended or moved to ends with it. Answers 202: the rules are gone when its state says closed. Ending what is over
 * is no fault.
 */
export function revokeRequest(ports: AnswerPorts): Handler {
  return async (call) => {
    const read = await readCommented(ports, call);
    if ("answer" in read) {
      return read.answer;
    }
    const { seen, comment } = read;
    if (!(await mayRevoke(ports, call, seen))) {
      return refusal(
        seen.request,
        notAmong("end this request", [
          seen.request.requestor.name,
          "its approvers",
          "whoever may configure its policy",
        ]),
      );
    }
    const decision = decisionOf(ports, call, "revoke", comment);
    // NB. Its own end first: what takes its place from now on finds it ended, and what did so before is found here.
    const first = await endRequest(ports, call, seen.request, decision);
    const [, ...later] = await lineOf(ports, first);
    await mapLimited(later, 4, (request) => endRequest(ports, call, request, decision));
    return { status: 202, body: seenJson({ ...seen, request: first }) };
  };
}

async function mayRevoke(ports: AnswerPorts, call: Call, seen: SeenRequest): Promise<boolean> {
  const { request, rules } = seen;
  const circles = [...circlesOf(rules?.approval, request), ...reviewersOf(rules)];
  return (
    isSamePerson(call.caller, request.requestor) ||
    (await mayConfigure(ports, call, request)) ||
    (await isIn(circles, call.caller, request, ports.directory))
  );
}

/** How many extensions of a request are followed. */
const longestLine = 100;

/** The request and those that followed it, as far as they are the same person's. */
async function lineOf(
  { requests }: AnswerPorts,
  request: AccessRequest,
): Promise<readonly AccessRequest[]> {
  const line = [request];
  for (const one of line) {
    const next = await Promise.all((one.followedBy ?? []).map((id) => requests.get(id)));
    const known = new Set(line.map(({ id }) => id));
    line.push(
      ...next
        .filter((other) => other !== undefined)
        .filter((other) => !known.has(other.id) && isSamePerson(other.requestor, request.requestor))
        .slice(0, longestLine - line.length),
    );
  }
  return line;
}

/** Stores that the request is to end, tells it, and wakes whoever looks after its windows. Safe to run twice. */
export async function endRequest(
  ports: Pick<AnswerPorts, "requests" | "activity">,
  call: Call,
  request: AccessRequest,
  decision: Decision,
): Promise<AccessRequest> {
  const changed = await ports.requests.change(
    request.id,
    (current) => revoked(current, decision) ?? current,
  );
  const stored = changed ?? request;
  await tellDecisions(ports, stored);
  if (!stored.windows.every(isOver)) {
    // Only to bring the next look forward: what is to end is in storage, and the sweep finds it there too.
    const vms = requestedVms(stored).map((_, index) => call.workflows.endWindows(stored.id, index));
    await Promise.all(vms);
  }
  return stored;
}
