import { createHash } from "node:crypto";
import { childNotFound } from "../answers.ts";
import { parameter } from "../guards.ts";
import type { Operation, Operations } from "../operations.ts";
import { text } from "../read-routes.ts";
import {
  CloudError,
  type CloudRequest,
  type CloudResponse,
  type Parameters,
  type Route,
} from "../router.ts";

const base = "/subscriptions/{subscriptionId}/providers/Microsoft.Network/locations/{location}";

interface Place {
  readonly subscriptionId: string;
  readonly location: string;
  readonly retryAfterSeconds: number;
  /** True for firewall policies: their operations are at `nfvOperations` (azure-cli recordings). */
  readonly nfv?: true;
}

/** Headers of an accepted PUT: `azure-asyncoperation` and no Location, as in the recordings. */
export function putHeaders(
  request: CloudRequest,
  operation: Operation,
  place: Place,
): Record<string, string> {
  return {
    ...retryAfter(place.retryAfterSeconds),
    "azure-asyncoperation": link(
      request,
      operation,
      place,
      place.nfv ? "nfvOperations" : "operations",
    ),
    "azure-asyncnotification": "Enabled",
  };
}

/** Headers of an accepted DELETE: both ways to poll. */
export function deleteHeaders(
  request: CloudRequest,
  operation: Operation,
  place: Place,
): Record<string, string> {
  return {
    ...putHeaders(request, operation, place),
    location: link(
      request,
      operation,
      place,
      place.nfv ? "nfvOperationResults" : "operationResults",
    ),
  };
}

/** Polling by `azure-asyncoperation` (always 200, the status in the body) and by Location (202 until the end). */
export function operationRoutes(
  operations: Operations,
  retryAfterSeconds: number,
): readonly Route[] {
  return [
    ...pollRoutes("operations", "operationResults"),
    ...pollRoutes("nfvOperations", "nfvOperationResults"),
  ];

  function pollRoutes(statuses: Collection, results: Collection): readonly Route[] {
    return [
      {
        method: "GET",
        path: `${base}/${statuses}/{operationId}`,
        needsArmToken: true,
        handle(request, parameters) {
          const { status, error } = find(operations, request, parameters);
          return {
            status: 200,
            headers: status === "InProgress" ? retryAfter(retryAfterSeconds) : {},
            body: error === undefined ? { status } : { status, error },
          };
        },
      },
      {
        method: "GET",
        path: `${base}/${results}/{operationId}`,
        needsArmToken: true,
        handle(request, parameters): CloudResponse {
          const { status, error } = find(operations, request, parameters);
          if (error !== undefined)
            throw new CloudError(409, error.code, error.message, error.details);
          if (status === "Succeeded") return { status: 204 };
          const here = `${request.origin}${request.path}?${request.query}`;
          return { status: 202, headers: { ...retryAfter(retryAfterSeconds), location: here } };
        },
      },
    ];
  }
}

function retryAfter(seconds: number): Record<string, string> {
  return seconds > 0 ? { "retry-after": String(seconds) } : {};
}

type Collection = "operations" | "operationResults" | "nfvOperations" | "nfvOperationResults";

/**
 * Since 2024 these links are signed and 3 to 4 KB long. Clients must keep them whole, so a rebuilt one is refused here:
 * `h` has to fit the id.
 */
function link(
  { origin, query }: CloudRequest,
  { id, endsAt }: Operation,
  { subscriptionId, location }: Place,
  collection: Collection,
): string {
  const version = parameter(query, "api-version") ?? "";
  const path = base.replace("{subscriptionId}", subscriptionId).replace("{location}", location);
  return `${origin}${path}/${collection}/${id}?api-version=${version}&t=${endsAt}&c=${certificateOf(id)}&s=${digest(`s ${id}`)}&h=${digest(`h ${id}`)}`;
}

/** Stands for the certificate in Azure's links: long and without meaning. */
function certificateOf(id: string): string {
  const parts = Array.from({ length: 70 }, (_, index) => digest(`${index} ${id}`));
  return `MII${parts.join("")}`;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

function find(
  operations: Operations,
  { query, path }: CloudRequest,
  parameters: Parameters,
): Operation {
  const operation = operations.get(text(parameters, "operationId"));
  if (operation === undefined || parameter(query, "h") !== digest(`h ${operation.id}`)) {
    throw childNotFound(path);
  }
  return operation;
}
