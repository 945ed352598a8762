import { isObject } from "../answers.ts";
import { CloudError, type CloudRequest, type CloudResponse } from "../router.ts";

/** What tells one Graph exchange from another: `client-request-id` is the caller's own if it sent one. */
export interface GraphIds {
  readonly "request-id": string;
  readonly "client-request-id": string;
}

/**
 * An answer as Microsoft Graph sends it: its ids among the headers, and refusals as `{ error: { code, message, innerError: {
 * date, request-id, client-request-id } } }` (learn.microsoft.com/graph/errors). Without a body there is only the ids to add.
 */
export function inGraphShape(response: CloudResponse, ids: GraphIds, now: Date): CloudResponse {
  const { body } = response;
  const headers = { ...response.headers, ...ids };
  if (response.status < 400 || !isObject(body) || !isObject(body["error"])) {
    return { ...response, headers };
  }
  const { code, message } = body["error"];
  const innerError = { date: now.toISOString().slice(0, 19), ...ids };
  return { ...response, headers, body: { error: { code, message, innerError } } };
}

/** Graph's 404 of an object that is not in the directory. */
export function objectNotFound(id: string): CloudError {
  return new CloudError(
    404,
    "Request_ResourceNotFound",
    `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
  );
}

/** Graph's 400 of a request that it understands but does not take. */
export function badRequest(message: string): CloudError {
  return new CloudError(400, "Request_BadRequest", message);
}

/** The link that says what an answer is made of. */
export function contextOf({ origin }: CloudRequest, what: string): string {
  return `${origin}/graph/v1.0/$metadata#${what}`;
}

/**
 * The answers of Graph's own troubles, for faults on demand. `TooManyRequests` with `Retry-After` is from public reports
 * (learn.microsoft.com/answers/questions/1138873); the other codes differ with who is in trouble: the status is what matters.
 */
export function graphTrouble(
  status: 409 | 412 | 429 | 500 | 503,
  retryAfterSeconds?: number,
): CloudError {
  const [code, message] = troubles[status];
  const headers: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
  return new CloudError(status, code, message, [], headers);
}

const troubles = {
  409: ["Request_MultipleObjectsWithSameKeyValue", "Another object with the same value exists."],
  412: ["Request_PreconditionFailed", "The precondition is not met."],
  429: ["TooManyRequests", "Too many requests. Please try again later."],
  500: ["InternalServerError", "An error occurred."],
  503: ["ServiceUnavailable", "The service is unavailable. Retry later."],
} as const;
