import type { HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import { BadContinuation } from "../activity/query.ts";
import type { ActivityStore } from "../activity/store.ts";
import type { Caller } from "../caller/caller.ts";
import { inLogContext, type Log } from "../log.ts";
import type { Clock, Ids, TokenVerifier, Workflows } from "../ports.ts";
import { type Outcome, type Refusal, refused } from "../reasons.ts";
import { auditRefusal } from "./audit-refusal.ts";
import { lazyBody } from "./body.ts";
import { callFault } from "./call-limits.ts";
import { callerAddress } from "./caller-address.ts";
import { claimedBy } from "./claimed.ts";
import { type EasyAuth, easyAuthCaller } from "./easy-auth.ts";
import { faultAnswer } from "./fault-answer.ts";
import { type Answer, problem, problemOf } from "./problem.ts";
import { type Admission, callKind, type RateLimits } from "./rate-limits.ts";
import type { RefusalPlaces } from "./refusal-places.ts";
import { correlationId, respond } from "./respond.ts";
import type { Call, Method, Route } from "./route.ts";
import type { SignInProblems } from "./sign-in-problems.ts";

/** What every address needs, those that ask for no token too. */
export interface OpenDoorPorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly rateLimits: RateLimits;
  readonly trustedProxyHops: number;
}

export interface FrontDoorPorts extends OpenDoorPorts {
  readonly tokens: TokenVerifier;
  /** Present only where the platform has vouched for its headers. */
  readonly easyAuth?: EasyAuth | undefined;
  readonly activity: ActivityStore;
  readonly signIns: SignInProblems;
  readonly refusalPlaces: RefusalPlaces;
  workflows(context: InvocationContext): Workflows;
}

type HttpHandler = (request: HttpRequest, context: InvocationContext) => Promise<HttpResponseInit>;

/**
 * Turns a route into what the Functions runtime calls: size, identity, rate, method, handler, audit of refusals, answer. No caller
 * gets past the second step without a proven identity; no fault gets out with more than a request id.
 */
export function createRoute(ports: FrontDoorPorts): (route: Route) => HttpHandler {
  return (route) => (request, context) =>
    answered(ports, request, (requestId) =>
      answerKnownCaller(ports, route, request, context, requestId),
    );
}

/** As {@link createRoute}, for what everybody may know, such as health: no token is asked for, and calls are not counted. */
export function createOpenRoute(
  ports: OpenDoorPorts,
  handler: () => Promise<Answer>,
): (request: HttpRequest) => Promise<HttpResponseInit> {
  return (request) => answered(ports, request, handler, { logsSuccess: false });
}

/** What every address that is none answers: 404, with and without a token alike, counted as a stranger's call. */
export function createNothingHere(
  ports: OpenDoorPorts,
): (request: HttpRequest) => Promise<HttpResponseInit> {
  const nothing =
    "Nothing exists at this address. Requests are at /api/requests, facts at /api/activity, policies at …/jitNetworkAccessPolicies.";
  return (request) =>
    answered(
      ports,
      request,
      async () =>
        throttledStranger(ports, request) ?? problemOf("ResourceNotFound", nothing, "path"),
    );
}

/** What every call gets: an id for its answer and its log lines, bounds, and an answer whatever happens. */
function answered(
  ports: OpenDoorPorts,
  request: HttpRequest,
  answer: (requestId: string) => Promise<Answer>,
  // Whoever watches over health asks every few seconds.
  { logsSuccess = true } = {},
): Promise<HttpResponseInit> {
  const requestId = ports.ids.next();
  return inLogContext({ requestId, correlationId: correlationId(request) }, async () => {
    const startedAt = ports.clock.now().getTime();
    const told = await orProblem(ports, requestId, async () => {
      const fault = callFault(request);
      return fault === undefined ? await answer(requestId) : problem(fault);
    });
    if (logsSuccess || told.status >= 400) {
      ports.log.requestAnswered({
        requestId,
        method: request.method,
        route: new URL(request.url).pathname.slice(0, longestLoggedPath),
        status: told.status,
        durationMs: ports.clock.now().getTime() - startedAt,
      });
    }
    return respond(told, requestId, request);
  });
}

const longestLoggedPath = 1_000;

/** The answer; for a fault that nobody handled one that tells the caller a request id and the log the rest. */
async function orProblem(
  ports: OpenDoorPorts,
  requestId: string,
  answer: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof BadContinuation) {
      const message = "'$skiptoken' is not one of ours; follow the nextLink of an answer as it is.";
      return problemOf("InvalidQuery", message, "$skiptoken");
    }
    ports.log.unforeseen({ requestId, error });
    return faultAnswer(error, requestId);
  }
}

async function answerKnownCaller(
  ports: FrontDoorPorts,
  route: Route,
  request: HttpRequest,
  context: InvocationContext,
  requestId: string,
): Promise<Answer> {
  const known = await identify(ports, request);
  if (known.outcome === "refused") {
    // NB. Counted by address, and only after the identity: whoever shares an address with a prober still gets in.
    return throttledStranger(ports, request) ?? turnedAway(ports, request, known, requestId);
  }
  const call: Call = {
    requestId,
    caller: known.value,
    callerAddress: addressOf(ports, request),
    correlationId: correlationId(request),
    url: new URL(request.url),
    params: request.params,
    header: (name) => request.headers.get(name) ?? undefined,
    ...lazyBody(request),
    // Made only when a handler asks: functions that start nothing have no durable client.
    get workflows() {
      return ports.workflows(context);
    },
  };
  return answerCall(ports, route, request.method, call);
}

/** NB. A bearer token, when one is sent, is what counts, good or bad. */
async function identify(ports: FrontDoorPorts, request: HttpRequest): Promise<Outcome<Caller>> {
  const authorization = request.headers.get("authorization") ?? undefined;
  const signedIn =
    authorization === undefined && ports.easyAuth !== undefined
      ? easyAuthCaller(request, ports.easyAuth)
      : undefined;
  return signedIn ?? (await ports.tokens.verify(authorization));
}

/** The answer to who proved no identity; the audit is told. */
async function turnedAway(
  ports: FrontDoorPorts,
  request: HttpRequest,
  refusal: Refusal,
  callId: string,
): Promise<Answer> {
  const origin = {
    address: addressOf(ports, request),
    callId,
    correlationId: correlationId(request),
  };
  const { reasons } = refusal;
  await ports.signIns.tell(
    { origin, reasons, claimed: claimedBy(request, ports.easyAuth) },
    callId,
  );
  const answer = problem(refusal);
  return answer.status === 401
    ? { ...answer, headers: { "www-authenticate": 'Bearer error="invalid_token"' } }
    : answer;
}

async function answerCall(
  ports: FrontDoorPorts,
  route: Route,
  method: string,
  call: Call,
): Promise<Answer> {
  const { caller } = call;
  const kind = callKind(method);
  const admission = ports.rateLimits.admitCaller(caller, kind);
  const left = admission.isAdmitted ? admission.remaining : 0;
  const told = { [`x-ms-ratelimit-remaining-subscription-${kind}`]: String(left) };
  const { tenantId, objectId } = caller;
  const throttled = tooMany(ports, admission, { tenantId, objectId });
  if (throttled !== undefined) {
    return { ...throttled, headers: { ...told, ...throttled.headers } };
  }
  const handler = route.methods[method as Method];
  const answer = handler === undefined ? wrongMethod(route, method) : await handler(call);
  const facts = await auditRefusal(ports, route.operation?.(method), call, answer);
  // NB. One call may be refused at a hundred VMs. Each fact costs as much as a call, so nobody fills the audit faster than they may write.
  ports.rateLimits.charge(caller, kind, Math.max(0, facts - 1));
  return { ...answer, headers: { ...told, ...answer.headers } };
}

function wrongMethod(route: Route, method: string): Answer {
  const allow = Object.keys(route.methods).join(", ");
  const refusal = refused({
    code: "MethodNotAllowed",
    message: `This address answers to ${allow === "" ? "nothing" : allow}, not to ${method}.`,
    target: "method",
  });
  return problem(refusal, { headers: { allow } });
}

function addressOf({ trustedProxyHops }: OpenDoorPorts, { headers }: HttpRequest) {
  return callerAddress(headers.get("x-forwarded-for"), trustedProxyHops);
}

function throttledStranger(ports: OpenDoorPorts, request: HttpRequest): Answer | undefined {
  const address = addressOf(ports, request);
  const admission = ports.rateLimits.admitStranger(address, callKind(request.method));
  return tooMany(ports, admission, { address });
}

/**
 * 429, when the call is one too many. NB. Not audited, or asking often enough would fill the audit; the log has a line of each such answer, and a warning
 * when it begins.
 */
function tooMany(
  { log }: OpenDoorPorts,
  admission: Admission,
  who: Parameters<Log["callsThrottled"]>[0],
): Answer | undefined {
  if (admission.isAdmitted) {
    return undefined;
  }
  const { retryAfterSeconds, isFirst } = admission;
  if (isFirst) {
    log.callsThrottled(who);
  }
  const message = `Too many calls. Try again in ${retryAfterSeconds} seconds.`;
  const answer = problemOf("TooManyRequests", message);
  return { ...answer, headers: { "retry-after": String(retryAfterSeconds) } };
}
