import { page, resourceNotFound } from "./answers.ts";
import type { Held, Resources } from "./resources.ts";
import { CloudError, type CloudRequest, type Parameters, type Route } from "./router.ts";

/** How one held resource looks in an answer: computed members added, read-only ones filled in. */
export type View = (held: Held, request: CloudRequest) => unknown;

interface Options {
  readonly resources: Resources;
  /** Namespace and type, `Microsoft.Compute/virtualMachines`. */
  readonly type: string;
  readonly pageSize: number;
  readonly view: View;
}

/** The three reads every ARM type has: one, those of a resource group, those of the subscription. */
export function readRoutes({ resources, type, pageSize, view }: Options): readonly Route[] {
  const group = `/subscriptions/{subscriptionId}/resourceGroups/{group}/providers/${type}`;
  return [
    {
      method: "GET",
      path: `/subscriptions/{subscriptionId}/providers/${type}`,
      needsArmToken: true,
      handle: (request) =>
        page(request, resources.list(type), pageSize, (held) => view(held, request)),
    },
    {
      method: "GET",
      path: group,
      needsArmToken: true,
      handle: (request, parameters) =>
        page(request, resources.list(type, parameters["group"]), pageSize, (held) =>
          view(held, request),
        ),
    },
    {
      method: "GET",
      path: `${group}/{name}`,
      needsArmToken: true,
      handle(request, parameters) {
        const held = resources.get(resourceId(type, parameters));
        if (held === undefined) {
          throw resourceNotFound(type, text(parameters, "group"), text(parameters, "name"));
        }
        return { status: 200, headers: { etag: held.etag }, body: view(held, request) };
      },
    },
  ];
}

/** The id a matched path stands for, in the caller's spelling; `{name}` is the resource. */
export function resourceId(type: string, parameters: Parameters): string {
  return `/subscriptions/${text(parameters, "subscriptionId")}/resourceGroups/${text(parameters, "group")}/providers/${type}/${text(parameters, "name")}`;
}

/** A parameter the route's path is known to have. */
export function text(parameters: Parameters, name: string): string {
  const value = parameters[name];
  if (value === undefined) throw new CloudError(500, "InternalServerError", `No '${name}'.`);
  return value;
}
