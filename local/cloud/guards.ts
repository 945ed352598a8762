import type { Resources } from "./resources.ts";
import { sameText } from "./resources.ts";
import { CloudError, type CloudRequest } from "./router.ts";

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What ARM checks of every request before a resource provider sees it, in ARM's order and words. */
export function guardArmRequest(
  request: CloudRequest,
  segments: readonly string[],
  cloud: { readonly subscriptionId: string; readonly resources: Resources },
): void {
  if ((parameter(request.query, "api-version") ?? "") === "") {
    throw new CloudError(
      400,
      "MissingApiVersionParameter",
      "The api-version query parameter (?api-version=) is required for all requests.",
    );
  }
  const [root, subscription, second, group] = segments;
  if (!sameText(root, "subscriptions") || subscription === undefined) return;
  guardSubscription(subscription, cloud.subscriptionId);
  if (sameText(second, "resourceGroups") && group !== undefined) {
    if (!cloud.resources.hasGroup(group)) throw groupNotFound(group);
  }
}

function guardSubscription(asked: string, ours: string): void {
  if (!guid.test(asked)) {
    throw new CloudError(
      400,
      "InvalidSubscriptionId",
      `The provided subscription identifier '${asked}' is malformed or invalid.`,
    );
  }
  if (!sameText(asked, ours)) {
    throw new CloudError(
      404,
      "SubscriptionNotFound",
      `The subscription '${asked}' could not be found.`,
    );
  }
}

function groupNotFound(group: string): CloudError {
  return new CloudError(
    404,
    "ResourceGroupNotFound",
    `Resource group '${group}' could not be found.`,
  );
}

/** A query parameter by name without case: SDK generations differ in `$expand`, `%24expand`, `api-version`. */
export function parameter(query: URLSearchParams, name: string): string | undefined {
  for (const [key, value] of query) if (sameText(key, name)) return value;
  return undefined;
}

/** The answer to a path that no handler serves, from how far ARM would understand it. */
export function unknownPath(method: string, path: string, known: boolean): CloudError {
  if (known) {
    return new CloudError(
      405,
      "MethodNotAllowed",
      `The http method '${method}' is not supported for '${path}'.`,
    );
  }
  const type = /\/providers\/+([^/]+)\/+([^/]+)/i.exec(path);
  if (type === null) {
    return new CloudError(404, "NotFound", `The request path '${path}' could not be found.`);
  }
  return new CloudError(
    404,
    "InvalidResourceType",
    `The resource type '${type[2]}' could not be found in the namespace '${type[1]}'.`,
  );
}
