import { z } from "zod";
import { circlesOf, reviewersOf } from "../access/circles.ts";
import { isLive, isReviewDue, requestState, windowStates } from "../access/life.ts";
import type { AccessRequest } from "../access/request.ts";
import type { Caller } from "../caller/caller.ts";
import { mapLimited } from "../map-limited.ts";
import { idKey, subscriptionOf } from "../policy/resource-id.ts";
import type { Page, PolicyStore, RequestQuery } from "../ports.ts";
import { type Outcome, ok, refused } from "../reasons.ts";
import { isIn } from "../workflow/approvers.ts";
import { firstSeen } from "./first-seen.ts";
import { listQuery, listTime } from "./list-query.ts";
import { problem } from "./problem.ts";
import { readQueryAs } from "./query-parameters.ts";
import { listAnswer } from "./read-policies.ts";
import type { Call, Handler } from "./route.ts";
import { scopeParameters } from "./scope-parameters.ts";
import { namedRequest, type SeenRequest, type SeePorts, seenBy, seenJson } from "./seen-request.ts";

/** How many requests a page holds. */
const pageSizes = { usual: 50, largest: 200 } as const;
const parallelReads = 8;

const expectedRequestor = "expected 'me' or the object id of a requestor";

const queryShape = listQuery(
  {
    requestor: z.union([z.literal("me"), z.guid(expectedRequestor)], expectedRequestor).optional(),
    ...scopeParameters,
    awaiting: z.literal("me", "expected 'me'").optional(),
    state: z.enum(windowStates, `expected one of: ${windowStates.join(", ")}`).optional(),
    breakGlass: z.enum(["true", "false"], "expected true or false").optional(),
  },
  pageSizes.largest,
);
type Query = z.infer<typeof queryShape>;

/** GET /api/requests/{id}. */
export function getRequest(ports: SeePorts): Handler {
  return async (call) => {
    const seen = await namedRequest(ports, call);
    return "answer" in seen ? seen.answer : { status: 200, body: seenJson(seen) };
  };
}

/**
 * GET /api/requests: my own, or those of a VM, a policy, a subscription or another requestor as far as I may see them, newest
 * first; with `awaiting=me` those that I may answer or review now. A page may hold fewer than it could; follow `nextLink`.
 */
export function listRequests(given: SeePorts): Handler {
  return async (call) => {
    const ports = readingOnce(given);
    const asked = readQuery(call, ports.clock.now());
    if (asked.outcome === "refused") {
      return problem(asked);
    }
    const { query, filter } = asked.value;
    const { items, continuation }: Page<SeenRequest> =
      query === undefined
        ? { items: await seenOf(ports, call.caller, await awaiting(ports, call.caller)) }
        : await firstSeen(
            query.continuation,
            (continuation) => ports.requests.list({ ...query, continuation }),
            (page) => seenOf(ports, call.caller, page),
          );
    const value = items.filter(({ request }) => filter(request)).map(seenJson);
    return listAnswer(call, value, continuation);
  };
}

/** The same ports, for one call: a policy is read once however many requests are of it. */
function readingOnce(ports: SeePorts): SeePorts {
  const known = new Map<string, ReturnType<PolicyStore["get"]>>();
  const get: PolicyStore["get"] = (policyId) => {
    const found = known.get(idKey(policyId)) ?? ports.policies.get(policyId);
    known.set(idKey(policyId), found);
    return found;
  };
  return { ...ports, policies: { ...ports.policies, get } };
}

async function seenOf(
  ports: SeePorts,
  caller: Caller,
  requests: readonly AccessRequest[],
): Promise<readonly SeenRequest[]> {
  const seen = await mapLimited(requests, parallelReads, (one) => seenBy(ports, caller, one));
  return seen.filter((one) => one !== undefined);
}

/** Requests that the caller may answer, and break-glass requests that the caller may review; newest first. */
async function awaiting(ports: SeePorts, caller: Caller): Promise<readonly AccessRequest[]> {
  const live = (await ports.requests.live()).filter(isLive);
  const mine = await mapLimited(live, parallelReads, async (request) => {
    const isPending = requestState(request) === "pending approval";
    const isDue = isReviewDue(request);
    if (!(isPending || isDue)) {
      return false;
    }
    const rules = (await ports.policies.get(request.policyId))?.value.accessRules;
    const circles = [
      ...(isPending ? circlesOf(rules?.approval, request) : []),
      ...(isDue ? reviewersOf(rules) : []),
    ];
    return isIn(circles, caller, request, ports.directory);
  });
  return live
    .filter((_, index) => mine[index])
    .toSorted((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
}

interface Asked {
  /** Nothing: what awaits the caller. */
  readonly query: RequestQuery | undefined;
  readonly filter: (request: AccessRequest) => boolean;
}

function readQuery(call: Call, now: Date): Outcome<Asked> {
  const read = readQueryAs(queryShape, call.url);
  if (read.outcome === "refused") {
    return read;
  }
  const query = read.value;
  const chosen = (["awaiting", "vm", "policyId", "subscriptionId"] as const).filter(
    (name) => query[name] !== undefined,
  );
  if (chosen.length > 1) {
    const message = `Name one of vm, policyId, subscriptionId and awaiting, not ${chosen.join(" and ")}.`;
    return refused({ code: "InvalidQuery", message, target: chosen[1] ?? "" });
  }
  const { top, $skiptoken: continuation } = query;
  const time = listTime(query, now);
  if (time.outcome === "refused") {
    return time;
  }
  return ok({
    filter: filterOf(query, call.caller),
    query:
      query.awaiting === undefined
        ? {
            of: ofQuery(query, call.caller),
            ...time.value,
            top: top ?? pageSizes.usual,
            continuation,
          }
        : undefined,
  });
}

/** The narrowest list that holds what is asked for. */
function ofQuery(
  { vm, policyId, subscriptionId, requestor }: Query,
  caller: Caller,
): RequestQuery["of"] {
  if (vm !== undefined) {
    return { vmId: vm };
  }
  if (policyId !== undefined) {
    return { policyId };
  }
  if (subscriptionId !== undefined) {
    return { subscriptionId };
  }
  const objectId = requestor === undefined || requestor === "me" ? caller.objectId : requestor;
  return { requestor: { tenantId: caller.tenantId, objectId } };
}

function filterOf(query: Query, caller: Caller): (request: AccessRequest) => boolean {
  const objectId = query.requestor === "me" ? caller.objectId : query.requestor;
  return (request) =>
    (query.state === undefined || requestState(request) === query.state) &&
    (query.breakGlass === undefined ||
      (request.isBreakGlass === true) === (query.breakGlass === "true")) &&
    (objectId === undefined ||
      request.requestor.objectId.toLowerCase() === objectId.toLowerCase()) &&
    (query.subscriptionId === undefined ||
      subscriptionOf(request.policyId) === query.subscriptionId.toLowerCase()) &&
    (query.vm === undefined ||
      request.windows.some(({ vmId }) => idKey(vmId) === idKey(query.vm ?? "")));
}
