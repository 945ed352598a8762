import { parameter } from "./guards.ts";
import { CloudError, type CloudRequest, type CloudResponse } from "./router.ts";

/** One page of a list with an absolute https `nextLink` while there are more; `$top` asks for smaller pages. */
export function page<Item>(
  request: CloudRequest,
  items: readonly Item[],
  pageSize: number,
  view: (item: Item) => unknown,
): CloudResponse {
  const top = Number(parameter(request.query, "$top"));
  const size = Number.isInteger(top) && top > 0 ? Math.min(top, pageSize) : pageSize;
  const start = startOf(parameter(request.query, "$skiptoken"));
  const value = items.slice(start, start + size).map(view);
  const end = start + size;
  if (end >= items.length) return { status: 200, body: { value } };

  const query = new URLSearchParams(
    [...request.query].filter(([name]) => name.toLowerCase() !== "$skiptoken"),
  );
  query.append("$skiptoken", Buffer.from(String(end)).toString("base64url"));
  return { status: 200, body: { value, nextLink: `${request.origin}${request.path}?${query}` } };
}

function startOf(token: string | undefined): number {
  if (token === undefined) return 0;
  const start = Number(Buffer.from(token, "base64url").toString("utf8"));
  if (Number.isInteger(start) && start >= 0) return start;
  throw new CloudError(400, "InvalidSkipToken", `The skip token '${token}' is invalid.`);
}

/** The body as a JSON object, or ARM's 400. */
export function jsonObject(request: CloudRequest): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(request.body.toString("utf8"));
  } catch {
    throw invalidContent("The request content was invalid and could not be deserialized.");
  }
  if (!isObject(value)) throw invalidContent("The request content must be a JSON object.");
  return value;
}

function invalidContent(message: string): CloudError {
  return new CloudError(400, "InvalidRequestContent", message);
}

/** A refusal as it goes over the wire. */
export function refusal({ status, code, message, details, headers }: CloudError): CloudResponse {
  return { status, headers, body: { error: { code, message, details } } };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** ARM's 404 of a resource in a group that exists. */
export function resourceNotFound(type: string, group: string, name: string): CloudError {
  return new CloudError(
    404,
    "ResourceNotFound",
    `The Resource '${type}/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );
}

/** ARM's 404 for a child whose parent is absent. */
export function parentNotFound(act: string, childType: string, parent: string): CloudError {
  return new CloudError(
    404,
    "ParentResourceNotFound",
    `Failed to perform '${act}' on resource(s) of type '${childType}', because the parent resource '${parent}' could not be found.`,
  );
}

/** The network provider's 404 of a child whose parent exists. */
export function childNotFound(id: string): CloudError {
  return new CloudError(404, "NotFound", `Resource ${id} not found.`);
}
