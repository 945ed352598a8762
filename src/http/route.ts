import type { HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import type { Requestor } from "../access/request.ts";
import type { Operation } from "../activity/fact.ts";
import { BadContinuation } from "../activity/query.ts";
import type { Caller } from "../caller/caller.ts";
import type { Log } from "../log.ts";
import { subscriptionOf } from "../policy/resource-id.ts";
import type { ActivityStore, Clock, Ids, TokenVerifier, Workflows } from "../ports.ts";
import { type Outcome, ok, refused } from "../reasons.ts";
import { callerAddress } from "./caller-address.ts";
import { policyAddress } from "./policy-address.ts";
import { type Answer, problem, problemOf } from "./problem.ts";

/** One call of a known caller, as handlers see it. */
export interface Call {
  readonly requestId: string;
  readonly caller: Caller;
  readonly callerAddress?: string | undefined;
  readonly url: URL;
  /** Route parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** A header of the call; nothing when it is not there. */
  header(name: string): string | undefined;
  /** The JSON body, or why it is none. */
  body(): Promise<Outcome<unknown>>;
  readonly workflows: Workflows;
}

export type Handler = (call: Call) => Promise<Answer>;
export type Method = "GET" | "PUT" | "POST" | "DELETE" | "PATCH" | "HEAD" | "OPTIONS";

/** One address of the API with what it answers to. Everything not listed is 405, in ARM's words. */
export interface Route {
  readonly methods: Partial<Record<Method, Handler>>;
  /** Under which operation refusals are audited; absent for reads. */
  readonly operation?: ((method: string) => Operation | undefined) | undefined;
}

export interface RoutePorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly tokens: TokenVerifier;
  readonly activity: ActivityStore;
  readonly trustedProxyHops: number;
  workflows(context: InvocationContext): Workflows;
}

/** ARM's own limit for request bodies. */
export const largestBody = 4 * 1_024 * 1_024;

/**
 * Turns a route into what the Functions runtime calls: token, method, handler, audit of refusals, answer. No caller gets
 * past the first step without a proven identity; no fault gets out with more than a request id.
 */
export function createRoute(
  ports: RoutePorts,
): (
  route: Route,
) => (request: HttpRequest, context: InvocationContext) => Promise<HttpResponseInit> {
  return (route) => async (request, context) => {
    const startedAt = ports.clock.now().getTime();
    const requestId = ports.ids.next();
    const answer = await orProblem(ports, requestId, () =>
      answerKnownCaller(ports, route, request, context, requestId),
    );
    ports.log.requestAnswered({
      requestId,
      method: request.method,
      route: new URL(request.url).pathname,
      status: answer.status,
      durationMs: ports.clock.now().getTime() - startedAt,
    });
    return response(answer, requestId);
  };
}

/** As {@link createRoute}, for what everybody may know: no token is asked for. */
export function createOpenRoute(
  ports: RoutePorts,
  handler: () => Promise<Answer>,
): () => Promise<HttpResponseInit> {
  return async () => {
    const requestId = ports.ids.next();
    return response(await orProblem(ports, requestId, handler), requestId);
  };
}

/** The answer; for a fault that nobody handled one that tells the caller a request id and the log the rest. */
async function orProblem(
  ports: RoutePorts,
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
    return faultAnswer(error instanceof Error ? error.name : "", requestId);
  }
}

/** What a caller is told of a fault: never its text, always where the operator finds it. */
function faultAnswer(name: string, requestId: string): Answer {
  if (name === "BodyTooLarge") {
    const message = "The policy or request is too large to be stored, even compressed. Split it.";
    return problemOf("RequestContentTooLarge", message, "body");
  }
  const found = `the operator finds it in the log by request id ${requestId}.`;
  return outages.includes(name)
    ? problemOf(
        "ServiceUnavailable",
        `Something this service needs did not answer. Try again in a moment; ${found}`,
      )
    : problemOf("InternalError", `An unforeseen fault; ${found}`);
}

async function answerKnownCaller(
  ports: RoutePorts,
  route: Route,
  request: HttpRequest,
  context: InvocationContext,
  requestId: string,
): Promise<Answer> {
  const verified = await ports.tokens.verify(request.headers.get("authorization") ?? undefined);
  if (verified.outcome === "refused") {
    return problem(verified, { headers: { "www-authenticate": 'Bearer error="invalid_token"' } });
  }
  const handler = route.methods[request.method as Method];
  const call: Call = {
    requestId,
    caller: verified.value,
    callerAddress: callerAddress(request.headers.get("x-forwarded-for"), ports.trustedProxyHops),
    url: new URL(request.url),
    params: request.params,
    header: (name) => request.headers.get(name) ?? undefined,
    body: once(() => readBody(request)),
    // Made only when a handler asks: functions that start nothing have no durable client.
    get workflows() {
      return ports.workflows(context);
    },
  };
  const answer = handler === undefined ? wrongMethod(route, request) : await handler(call);
  await auditRefusal(ports, route, request, call, answer);
  return answer;
}

function wrongMethod(route: Route, request: HttpRequest): Answer {
  const allow = Object.keys(route.methods).join(", ");
  const refusal = refused({
    code: "MethodNotAllowed",
    message: `This address answers to ${allow === "" ? "nothing" : allow}, not to ${request.method}.`,
    target: "method",
  });
  return problem(refusal, { headers: { allow } });
}

/** A body can be read only once; whoever asks again gets what the first was told. */
function once<T>(read: () => Promise<T>): () => Promise<T> {
  let told: Promise<T> | undefined;
  return () => {
    told ??= read();
    return told;
  };
}

async function readBody(request: HttpRequest): Promise<Outcome<unknown>> {
  const tooLarge = refused({
    code: "RequestContentTooLarge",
    message: `The body may hold ${largestBody} bytes at most. Split the policy or the request.`,
    target: "body",
  });
  if (Number(request.headers.get("content-length") ?? 0) > largestBody) {
    return tooLarge;
  }
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > largestBody) {
    return tooLarge;
  }
  try {
    return ok(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown);
  } catch {
    return refused({
      code: "InvalidRequestContent",
      message: "The body is not JSON; expected a JSON object in UTF-8.",
      target: "body",
    });
  }
}

/** Every refusal of a known caller is a fact: of each VM it names, or else of the subscription. */
async function auditRefusal(
  ports: RoutePorts,
  route: Route,
  request: HttpRequest,
  call: Call,
  answer: Answer,
): Promise<void> {
  const operation = route.operation?.(request.method);
  // NB. The parameters as the handler saw them, not the path as it was written: no spelling hides a refusal.
  const subscriptionId = call.params["subscriptionId"] ?? subscriptionOf(answer.about?.policyId ?? "");
  if (answer.refusal === undefined || operation === undefined || subscriptionId === undefined) {
    return;
  }
  const address = policyAddress(call.params);
  const policyId = answer.about?.policyId ?? (address.outcome === "ok" ? address.value.id : undefined);
  // NB. Only VMs of the subscription the call went to: nobody writes into the audit of a stranger's VM.
  const inSubscription = (vmId: string) => subscriptionOf(vmId) === subscriptionId.toLowerCase();
  const named = answer.vmIds?.filter(inSubscription) ?? [];
  const vmIds: readonly (string | undefined)[] = named.length > 0 ? named : [undefined];
  const at = ports.clock.now().toISOString();
  const { reasons } = answer.refusal;
  await ports.activity.record(
    vmIds.map((vmId, index) => ({
      id: `${call.requestId}.refused.${index}`,
      at,
      operation,
      outcome: "refused",
      subscriptionId,
      policyId,
      vmId,
      requestId: answer.about?.requestId,
      actor: requestorOf(call.caller),
      reasons: reasons.slice(0, auditedReasons),
    })),
  );
}

/** A fact holds so many reasons of a refusal; the caller is told all of them. */
const auditedReasons = 10;

export function requestorOf(caller: Caller): Requestor {
  const { tenantId, objectId, name, kind } = caller;
  return { tenantId, objectId, name, kind };
}

/** Faults of Azure, storage or sign-in keys that pass by themselves; the adapters and their SDKs throw these. */
const outages: readonly string[] = [
  "ArmError",
  "AuthenticationError",
  "CredentialUnavailableError",
  "JWKSTimeout",
  "RestError",
];

function response(answer: Answer, requestId: string): HttpResponseInit {
  return {
    status: answer.status,
    ...(answer.body === undefined ? {} : { body: JSON.stringify(answer.body) }),
    headers: {
      ...(answer.body === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
      "cache-control": "no-store",
      "strict-transport-security": "max-age=31536000; includeSubDomains",
      "x-content-type-options": "nosniff",
      "x-ms-request-id": requestId,
      ...answer.headers,
    },
  };
}
