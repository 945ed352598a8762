import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { refusal } from "./answers.ts";
import type { Faults } from "./faults/faults.ts";
import { type GraphIds, inGraphShape } from "./graph/graph-answers.ts";
import { guardArmRequest, unknownPath } from "./guards.ts";
import { createMatcher, type Match, pathSegments } from "./matching.ts";
import type { LoggedRequest, RequestLog } from "./request-log.ts";
import type { Resources } from "./resources.ts";
import {
  CloudError,
  type CloudRequest,
  type CloudResponse,
  connectionCut,
  type Principal,
  type Route,
} from "./router.ts";
import { kindOf, type Throttle } from "./throttle.ts";

/** ARM refuses longer bodies with 413. */
const mostBodyBytes = 4 * 1024 * 1024;

export interface FrontDoor {
  readonly routes: readonly Route[];
  readonly verifyArmToken: (header: string | undefined) => Promise<Principal>;
  readonly verifyGraphToken: (header: string | undefined) => Promise<Principal>;
  readonly subscriptionId: string;
  readonly resources: Resources;
  readonly throttle: Throttle;
  readonly faults: Pick<Faults, "through">;
  readonly log: RequestLog;
  readonly now: () => Date;
  /** Added to every read. */
  readonly readMs: number;
  /** Settles when what a write changed would survive a kill; awaited before its answer is sent. */
  readonly saved: () => Promise<void>;
}

/** Answers one request: token, ARM's own checks, throttling, fault, handler, headers, log. Never rejects. */
export function createFrontDoor(
  door: FrontDoor,
): (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void> {
  const matcher = createMatcher(door.routes);

  return async (incoming, outgoing) => {
    const startedAt = door.now();
    const found: Found = { service: serviceOf(incoming.url), headers: {} };
    const answered = await answer(incoming, found).catch(errorResponse);
    const { service } = found;
    if (service !== undefined)
      door.log.add(logEntry(incoming, answered, found, startedAt, door.now()));
    const isGraph = service === "graph" && answered !== connectionCut;
    const response = isGraph ? inGraphShape(answered, graphIds(incoming), startedAt) : answered;
    send(outgoing, response, service === "arm" ? armHeaders(incoming, found) : {});
  };

  async function answer(incoming: IncomingMessage, found: Found): Promise<CloudResponse> {
    const request = await readRequest(incoming);
    found.body = request.body;
    const match = matcher.match(request.method, request.path);
    if (match !== undefined) found.service = serviceOfRoute(match.route);
    const url = incoming.url ?? "/";
    if (found.service === "arm") return await answerArm(request, url, match, found);
    if (found.service === "graph") return await answerGraph(request, url, match, found);
    const response = await handle(request, match);
    if (request.method !== "GET") await door.saved();
    return response;
  }

  async function answerArm(
    request: CloudRequest,
    url: string,
    match: Match | undefined,
    found: Found,
  ) {
    const principal = await door.verifyArmToken(request.headers.authorization);
    found.principal = principal.oid;
    guardArmRequest(request, pathSegments(request.path), door);
    const kind = kindOf(request.method);
    const left = door.throttle.take(kind, door.subscriptionId, principal.oid);
    found.headers[`x-ms-ratelimit-remaining-subscription-${kind}`] = String(left);
    return await answerThroughFaults({ ...request, principal }, url, match);
  }

  /** NB. Graph's throttling limits are far from what one small service needs; they are not counted here. */
  async function answerGraph(
    request: CloudRequest,
    url: string,
    match: Match | undefined,
    found: Found,
  ) {
    const principal = await door.verifyGraphToken(request.headers.authorization);
    found.principal = principal.oid;
    return await answerThroughFaults({ ...request, principal }, url, match);
  }

  async function answerThroughFaults(
    verified: CloudRequest,
    url: string,
    match: Match | undefined,
  ): Promise<CloudResponse> {
    const response = await door.faults.through(verified, url, (fate) =>
      handle(fate === undefined ? verified : { ...verified, fate }, match),
    );
    if (kindOf(verified.method) === "reads") await pause(door.readMs);
    else await door.saved();
    return response;
  }

  function handle(
    request: CloudRequest,
    match: Match | undefined,
  ): Promise<CloudResponse> | CloudResponse {
    if (match !== undefined) return match.route.handle(request, match.parameters);
    throw unknownPath(request.method, request.path, matcher.knows(request.path));
  }
}

/** The services whose requests are logged, can be struck by faults and are answered in a shape of their own. */
type Service = "arm" | "graph" | undefined;

/** By the path alone: also a request that nobody serves is answered in the shape of whom it was meant for. */
function serviceOf(url = "/"): Service {
  if (/^\/+(subscriptions|providers)\b/i.test(url)) return "arm";
  return /^\/+graph\b/i.test(url) ? "graph" : undefined;
}

function serviceOfRoute({ needsArmToken, needsGraphToken }: Route): Service {
  if (needsArmToken) return "arm";
  return needsGraphToken ? "graph" : undefined;
}

/** What is found out about a request on its way, for the log and the headers. */
interface Found {
  service: Service;
  principal?: string;
  body?: Buffer;
  readonly headers: Record<string, string>;
}

function logEntry(
  incoming: IncomingMessage,
  response: CloudResponse,
  { body, principal }: Found,
  startedAt: Date,
  endedAt: Date,
): LoggedRequest {
  return {
    time: startedAt.toISOString(),
    method: incoming.method ?? "GET",
    path: incoming.url ?? "/",
    status: response.status,
    ...(body === undefined || body.length === 0 ? {} : { body: bodyForLog(body) }),
    durationMs: endedAt.getTime() - startedAt.getTime(),
    ...(principal === undefined ? {} : { principal }),
  };
}

function graphIds({ headers }: IncomingMessage): GraphIds {
  const requestId = randomUUID();
  const client = headers["client-request-id"];
  return {
    "request-id": requestId,
    "client-request-id": typeof client === "string" ? client : requestId,
  };
}

async function readRequest(incoming: IncomingMessage): Promise<CloudRequest> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    // The rest is read and dropped: closing early would hide the answer from the client.
    if (length <= mostBodyBytes) chunks.push(chunk);
  }
  if (length > mostBodyBytes) {
    throw new CloudError(
      413,
      "RequestContentTooLarge",
      `The request content size exceeds the maximum size of ${mostBodyBytes / 1024 / 1024} MB.`,
    );
  }
  const [path = "/", search = ""] = splitOnce(incoming.url ?? "/", "?");
  return {
    method: incoming.method ?? "GET",
    origin: `https://${incoming.headers.host ?? "localhost"}`,
    path,
    query: new URLSearchParams(search),
    headers: incoming.headers,
    body: Buffer.concat(chunks),
  };
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function bodyForLog(body: Buffer): unknown {
  const text = body.toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function errorResponse(error: unknown): CloudResponse {
  if (error instanceof CloudError) return refusal(error);
  process.stderr.write(`cloud: ${error instanceof Error ? error.stack : String(error)}\n`);
  const message = "The server encountered an unexpected failure.";
  return { status: 500, body: { error: { code: "InternalServerError", message, details: [] } } };
}

function armHeaders(incoming: IncomingMessage, found: Found): Record<string, string> {
  const requestId = randomUUID();
  const asked = incoming.headers["x-ms-correlation-request-id"];
  const client = incoming.headers["x-ms-client-request-id"];
  return {
    ...found.headers,
    "cache-control": "no-cache",
    "x-ms-request-id": requestId,
    "x-ms-arm-service-request-id": randomUUID(),
    "x-ms-correlation-request-id": typeof asked === "string" ? asked : requestId,
    "x-ms-routing-request-id": `LOCAL:${new Date().toISOString().replace(/[-:]|\.\d+/g, "")}:${requestId}`,
    ...(typeof client === "string" ? { "x-ms-client-request-id": client } : {}),
  };
}

function send(
  outgoing: ServerResponse,
  response: CloudResponse,
  more: Record<string, string>,
): void {
  if (response === connectionCut) {
    outgoing.destroy();
    return;
  }
  const headers = { ...more, ...response.headers };
  if (response.body === undefined) {
    outgoing.writeHead(response.status, { ...headers, "content-length": "0" }).end();
    return;
  }
  const text = JSON.stringify(response.body);
  outgoing
    .writeHead(response.status, {
      "content-type": "application/json; charset=utf-8",
      ...headers,
      "content-length": String(Buffer.byteLength(text)),
    })
    .end(text);
}

function pause(milliseconds: number): Promise<void> {
  if (milliseconds <= 0) return Promise.resolve();
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
