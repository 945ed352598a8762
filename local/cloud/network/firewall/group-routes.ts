import { childNotFound, jsonObject, page, parentNotFound } from "../../answers.ts";
import type { OperationError } from "../../operations.ts";
import { resourceId, text } from "../../read-routes.ts";
import { type Held, type Resources, sameText } from "../../resources.ts";
import type { CloudRequest, CloudResponse, Parameters, Route } from "../../router.ts";
import { checkIfMatch } from "../if-match.ts";
import { deleteHeaders, putHeaders } from "../operation-links.ts";
import { networkType } from "../references.ts";
import type { FirewallOptions } from "./routes.ts";
import { groupsOfPolicy, reachOfPolicy } from "./users.ts";
import { bareEtag, ruleCollectionGroupView } from "./views.ts";
import { wholeGroup } from "./whole-group.ts";
import { inState } from "./writes.ts";

const listPath = `/subscriptions/{subscriptionId}/resourceGroups/{group}/providers/${networkType.firewallPolicy}/{name}/ruleCollectionGroups`;
const path = `${listPath}/{child}`;

/** Rule collection groups of firewall policies: list, read, replace, delete. */
export function ruleCollectionGroupRoutes(options: FirewallOptions): readonly Route[] {
  const { resources, writes } = options;
  const write = (policy: Held) => ({
    reach: reachOfPolicy(resources, policy.resource.id),
    failure: updateFailed(policy, resources),
  });
  return [
    ...readGroupRoutes(options),
    {
      method: "PUT",
      path,
      needsArmToken: true,
      handle(request, parameters): CloudResponse {
        const policy = policyOf(resources, parameters, "write");
        const id = `${policy.resource.id}/ruleCollectionGroups/${text(parameters, "child")}`;
        const before = resources.get(id);
        checkEtag(options, request, before, id);
        const body = jsonObject(request);
        const { held, operation } = writes.accept({
          ...write(policy),
          name: "PutFirewallPolicyRuleCollectionGroupOperation",
          id,
          asked: () => wholeGroup(id, before?.resource, body, resources),
          fate: request.fate,
        });
        return {
          status: before === undefined ? 201 : 200,
          headers: putHeaders(request, operation, place(options, parameters, policy)),
          body: ruleCollectionGroupView(held),
        };
      },
    },
    {
      method: "DELETE",
      path,
      needsArmToken: true,
      handle(request, parameters): CloudResponse {
        const policy = resources.get(resourceId(networkType.firewallPolicy, parameters));
        const before = policy && findGroup(resources, policy, text(parameters, "child"));
        if (policy === undefined || before === undefined) return { status: 204 };
        const { id } = before.resource;
        checkEtag(options, request, before, id);
        const { operation } = writes.accept({
          ...write(policy),
          name: "DeleteFirewallPolicyRuleCollectionGroupOperation",
          id,
          asked: () => ({ goal: inState(before.resource, "Deleting") }),
          fate: request.fate,
        });
        return {
          status: 202,
          headers: deleteHeaders(request, operation, place(options, parameters, policy)),
        };
      },
    },
  ];
}

function readGroupRoutes({ resources, pageSize }: FirewallOptions): readonly Route[] {
  return [
    {
      method: "GET",
      path: listPath,
      needsArmToken: true,
      handle(request, parameters) {
        const policy = policyOf(resources, parameters, "read");
        const groups = groupsOfPolicy(resources, policy.resource.id);
        return page(request, groups, pageSize, ruleCollectionGroupView);
      },
    },
    {
      method: "GET",
      path,
      needsArmToken: true,
      handle(_request, parameters) {
        const policy = policyOf(resources, parameters, "read");
        const name = text(parameters, "child");
        const group = findGroup(resources, policy, name);
        if (group === undefined) {
          throw childNotFound(`${policy.resource.id}/ruleCollectionGroups/${name}`);
        }
        return {
          status: 200,
          headers: { etag: `"${bareEtag(group.etag)}"` },
          body: ruleCollectionGroupView(group),
        };
      },
    },
  ];
}

function policyOf(resources: Resources, parameters: Parameters, act: "read" | "write"): Held {
  const id = resourceId(networkType.firewallPolicy, parameters);
  const held = resources.get(id);
  if (held !== undefined) return held;
  throw parentNotFound(act, "firewallPolicies/ruleCollectionGroups", id);
}

function findGroup(resources: Resources, policy: Held, name: string): Held | undefined {
  return groupsOfPolicy(resources, policy.resource.id).find(({ resource }) =>
    sameText(resource.name, name),
  );
}

/** The etag is bare in the body and quoted in the header; either may be sent back. */
function checkEtag(
  { ifMatch }: FirewallOptions,
  request: CloudRequest,
  held: Held | undefined,
  id: string,
): void {
  if (ifMatch === "ignored") return;
  const given = request.headers["if-match"];
  const headers = given === undefined ? {} : { "if-match": bareEtag(given) };
  const present = held === undefined ? undefined : { etag: bareEtag(held.etag) };
  checkIfMatch({ ...request, headers }, present, id);
}

/** What a failure says when firewalls use the policy; NB. how it would say that of a policy without any is not known. */
function updateFailed({ resource }: Held, resources: Resources): OperationError | undefined {
  const firewalls = reachOfPolicy(resources, resource.id).filter((id) =>
    sameText(resources.get(id)?.resource.type, networkType.firewall),
  );
  if (firewalls.length === 0) return undefined;
  return {
    code: "FirewallPolicyUpdateFailed",
    message: `Put on Firewall Policy ${resource.name} Failed with ${firewalls.length} faulted referenced firewalls`,
    details: [],
  };
}

function place(options: FirewallOptions, parameters: Parameters, { resource }: Held) {
  return {
    subscriptionId: text(parameters, "subscriptionId"),
    location: resource.location ?? "",
    retryAfterSeconds: options.retryAfterSeconds,
    nfv: true,
  } as const;
}
