import { jsonObject } from "../../answers.ts";
import type { Behaviour } from "../../estate.ts";
import { readRoutes, resourceId, text, type View } from "../../read-routes.ts";
import type { Held, Resources } from "../../resources.ts";
import type { Parameters, Route } from "../../router.ts";
import { checkIfMatch } from "../if-match.ts";
import { putHeaders } from "../operation-links.ts";
import { networkType } from "../references.ts";
import { reachOfIpGroup } from "./users.ts";
import { firewallPolicyView, firewallView, ipGroupView } from "./views.ts";
import { wholeFirewall } from "./whole-firewall.ts";
import { wholeIpGroup } from "./whole-ip-group.ts";
import type { FirewallWrite, FirewallWrites } from "./writes.ts";

/** What the routes of firewalls and all that belongs to them share. */
export interface FirewallOptions {
  readonly resources: Resources;
  readonly writes: FirewallWrites;
  readonly ifMatch: Behaviour["firewallIfMatch"];
  readonly pageSize: number;
  readonly retryAfterSeconds: number;
}

/** Firewalls and IP groups: read and replace as a whole. Firewall policies: read only. */
export function firewallRoutes(options: FirewallOptions): readonly Route[] {
  const { resources, pageSize } = options;
  const ipGroup: View = (held) => ipGroupView(held, resources);
  const policy: View = (held) => firewallPolicyView(held, resources);
  const reads = (type: string, view: View) => readRoutes({ resources, type, pageSize, view });
  return [
    ...reads(networkType.firewall, firewallView),
    ...reads(networkType.firewallPolicy, policy),
    ...reads(networkType.ipGroup, ipGroup),
    putRoute(options, networkType.firewall, firewallView, ({ id, before, body }) => ({
      name: "PutAzureFirewallOperation",
      reach: [],
      asked: () => ({ goal: wholeFirewall(id, before?.resource, body, resources) }),
    })),
    putRoute(options, networkType.ipGroup, ipGroup, ({ id, before, body }) => ({
      name: "PutIpGroupsOperation",
      reach: reachOfIpGroup(resources, id),
      asked: () => ({ goal: wholeIpGroup(id, before?.resource, body) }),
      failure: {
        code: "IpGroupsUpdateFailed",
        message: `Put on IpGroups ${id.slice(id.lastIndexOf("/") + 1)} Failed.`,
        details: [],
      },
    })),
  ];
}

interface Put {
  readonly id: string;
  readonly before: Held | undefined;
  readonly body: Record<string, unknown>;
}

function putRoute(
  options: FirewallOptions,
  type: string,
  view: View,
  write: (put: Put) => Omit<FirewallWrite, "id" | "fate">,
): Route {
  const { resources, writes } = options;
  return {
    method: "PUT",
    path: `/subscriptions/{subscriptionId}/resourceGroups/{group}/providers/${type}/{name}`,
    needsArmToken: true,
    handle(request, parameters) {
      const id = resourceId(type, parameters);
      const before = resources.get(id);
      if (options.ifMatch === "honoured") checkIfMatch(request, before, id);
      const put = write({ id, before, body: jsonObject(request) });
      const { held, operation } = writes.accept({ ...put, id, fate: request.fate });
      return {
        status: before === undefined ? 201 : 200,
        headers: putHeaders(request, operation, place(options, parameters, held)),
        body: view(held, request),
      };
    },
  };
}

function place(options: FirewallOptions, parameters: Parameters, { resource }: Held) {
  return {
    subscriptionId: text(parameters, "subscriptionId"),
    location: resource.location ?? "",
    retryAfterSeconds: options.retryAfterSeconds,
  };
}
