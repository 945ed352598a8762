import { randomUUID } from "node:crypto";
import { segmentAfter } from "../arm-id.ts";
import { graphTrouble } from "../graph/graph-answers.ts";
import { anotherOperation, etagMismatch, lockedByOperation } from "../network/write-refusals.ts";
import { newEtag } from "../resources.ts";
import { CloudError, type CloudRequest } from "../router.ts";
import { kindOf, throttled } from "../throttle.ts";

/** The kinds of fault that are an error answer and nothing else. */
export type RefusalKind = "429" | "429-retry-after" | "409" | "412" | "500" | "503";

/** The answer Azure would give if the trouble were real; the operations and ETags it speaks of are made up. */
export function refusalOf(
  kind: RefusalKind,
  request: CloudRequest,
  retryAfterSeconds = 1,
): CloudError {
  const isGraph = /^\/+graph\//i.test(request.path);
  return isGraph
    ? graphRefusal(kind, retryAfterSeconds)
    : armRefusal(kind, request, retryAfterSeconds);
}

function graphRefusal(kind: RefusalKind, retryAfterSeconds: number): CloudError {
  if (kind === "429-retry-after") return graphTrouble(429, retryAfterSeconds);
  return graphTrouble(Number(kind) as 409 | 412 | 429 | 500 | 503);
}

function armRefusal(
  kind: RefusalKind,
  request: CloudRequest,
  retryAfterSeconds: number,
): CloudError {
  const { path, headers, principal } = request;
  const operation = { name: "PutNetworkSecurityGroupOperation", id: randomUUID() };
  switch (kind) {
    case "429":
      return lockedByOperation(operation, path);
    case "429-retry-after":
      return throttled(
        kindOf(request.method),
        segmentAfter(path, "subscriptions") ?? "",
        principal?.oid ?? "",
        retryAfterSeconds,
      );
    case "409":
      return anotherOperation(operation, path);
    case "412":
      return etagMismatch(headers["if-match"] ?? "", newEtag(), path);
    case "500":
      return new CloudError(500, "InternalServerError", "An error occurred.");
    // NB. The status is what matters: Azure has several codes for it, depending on who is unavailable.
    case "503":
      return new CloudError(503, "ServiceUnavailable", "The service is unavailable. Retry later.");
  }
}
