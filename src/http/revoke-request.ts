import { revoked } from "../access/approval.ts";
import { circlesOf, reviewersOf } from "../access/circles.ts";
import { isOver } from "../access/life.ts";
import {
  type AccessRequest,
  type Decision,
  isSamePerson,
  requestedVms,
  type Window,
} from "../access/request.ts";
import { mapLimited } from "../map-limited.ts";
import { isIn } from "../workflow/approvers.ts";
import { tellDecisions } from "../workflow/decisions.ts";
import { takeBack } from "../workflow/take-back.ts";
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
    const first = await endLine(ports, call, seen.request, decision);
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

/**
 * Ends the request and those that followed it, as far as they are the same person's. NB. Each before its followers are looked for:
 * what is to take its place from then on finds it ended, and what was before is found with it.
 */
async function endLine(
  ports: AnswerPorts,
  call: Call,
  request: AccessRequest,
  decision: Decision,
): Promise<AccessRequest> {
  const first = await endRequest(ports, call, request, decision);
  const known = new Set([first.id]);
  let ended: readonly AccessRequest[] = [first];
  while (ended.length > 0 && known.size < longestLine) {
    const ids = [...new Set(ended.flatMap(({ followedBy = [] }) => followedBy))]
      .filter((id) => !known.has(id))
      .slice(0, longestLine - known.size);
    const found = await mapLimited(ids, parallelEnds, (id) => ports.requests.get(id));
    const next = found
      .filter((other) => other !== undefined)
      .filter((other) => isSamePerson(other.requestor, request.requestor));
    for (const id of ids) {
      known.add(id);
    }
    ended = await mapLimited(next, parallelEnds, (other) =>
      endRequest(ports, call, other, decision),
    );
  }
  return first;
}

const parallelEnds = 4;

/**
 * Stores that the request is to end, tells it, wants its windows no longer, and wakes whoever looks after them. Safe to run
 * twice.
 */
export async function endRequest(
  ports: Pick<AnswerPorts, "requests" | "activity" | "gates">,
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
    await Promise.all([
      // NB. At once: what was wanted and is not written yet would else be opened by whoever settles next.
      takeBack(ports, stored.windows.filter(isEnding)),
      // Only to bring the next look forward: what is to end is in storage, and the sweep finds it there too.
      ...requestedVms(stored).map((_, index) => call.workflows.endWindows(stored.id, index)),
    ]);
  }
  return stored;
}

const isEnding = ({ state }: Window): boolean => state === "closing";
