import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { guidPattern } from "../policy/resource-id.ts";
import type { Answer } from "./problem.ts";

/** NB. On every answer: what this service says is data for the caller alone, never a page, a frame or a script of somebody's. */
const guards = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000; includeSubDomains",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

/** The answer as the Functions runtime sends it, with the ids by which it can be found again. */
export function respond(
  { status, body, raw, headers }: Answer,
  requestId: string,
  request: HttpRequest,
): HttpResponseInit {
  const clientRequestId = idIn(request, "x-ms-client-request-id");
  const isWanted = request.headers.get("x-ms-return-client-request-id")?.toLowerCase() === "true";
  const sent = raw === undefined ? jsonOf(body) : { body: raw.bytes, type: raw.contentType };
  return {
    status,
    ...(sent === undefined ? {} : { body: sent.body }),
    headers: {
      ...(sent === undefined ? {} : { "content-type": sent.type }),
      ...guards,
      "x-ms-request-id": requestId,
      "x-ms-correlation-request-id": correlationId(request) ?? requestId,
      ...(isWanted && clientRequestId !== undefined
        ? { "x-ms-client-request-id": clientRequestId }
        : {}),
      ...headers,
    },
  };
}

function jsonOf(body: unknown) {
  return body === undefined
    ? undefined
    : { body: JSON.stringify(body), type: "application/json; charset=utf-8" };
}

/** The id by which the caller finds several calls together, when it sent one. */
export function correlationId(request: HttpRequest): string | undefined {
  return idIn(request, "x-ms-correlation-request-id");
}

/** NB. Only a GUID is taken from a header: it goes into answers and log lines. */
function idIn({ headers }: HttpRequest, name: string): string | undefined {
  const id = headers.get(name) ?? "";
  return guidPattern.test(id) ? id : undefined;
}
