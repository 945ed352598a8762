import { randomUUID } from "node:crypto";
import { childNotFound, jsonObject, page, parentNotFound } from "../answers.ts";
import { readRoutes, resourceId, text } from "../read-routes.ts";
import { type Held, type Resources, sameText } from "../resources.ts";
import { CloudError, type CloudResponse, type Parameters, type Route } from "../router.ts";
import { defaultRules } from "./default-rules.ts";
import { checkIfMatch } from "./if-match.ts";
import { deleting, findRule, rulesOf, wholeNsg, withoutRule, withRule } from "./nsg.ts";
import { defaultRuleView, nsgView, ruleView } from "./nsg-view.ts";
import type { NsgWrites } from "./nsg-writes.ts";
import { deleteHeaders, putHeaders } from "./operation-links.ts";
import { type Child, networkType, usersOfNsg } from "./references.ts";

interface Options {
  readonly resources: Resources;
  readonly writes: NsgWrites;
  readonly pageSize: number;
  readonly retryAfterSeconds: number;
}

const nsgPath = `/subscriptions/{subscriptionId}/resourceGroups/{group}/providers/${networkType.nsg}/{name}`;
const rulePath = `${nsgPath}/securityRules/{rule}`;

/** Network security groups, whole: read, replace, delete. */
export function nsgRoutes(options: Options): readonly Route[] {
  const { resources, writes, pageSize } = options;
  const view = (held: Held) => nsgView(held, resources);
  return [
    ...readRoutes({ resources, type: networkType.nsg, pageSize, view }),
    {
      method: "PUT",
      path: nsgPath,
      needsArmToken: true,
      handle(request, parameters) {
        const id = resourceId(networkType.nsg, parameters);
        const before = resources.get(id);
        checkIfMatch(request, before, id);
        const body = jsonObject(request);
        const context = { exists: existsIn(resources), newGuid: randomUUID };
        const { held, operation } = writes.accept(
          "PutNetworkSecurityGroupOperation",
          id,
          () => wholeNsg(id, before?.resource, body, context),
          request.fate,
        );
        return {
          status: before === undefined ? 201 : 200,
          headers: putHeaders(request, operation, place(options, parameters, held)),
          body: nsgView(held, resources),
        };
      },
    },
    {
      method: "DELETE",
      path: nsgPath,
      needsArmToken: true,
      handle(request, parameters) {
        const id = resourceId(networkType.nsg, parameters);
        const before = resources.get(id);
        if (before === undefined) return { status: 204 };
        checkIfMatch(request, before, id);
        checkUnused(resources, before.resource.id);
        const { held, operation } = writes.accept(
          "DeleteNetworkSecurityGroupOperation",
          id,
          () => deleting(before.resource),
          request.fate,
        );
        return {
          status: 202,
          headers: deleteHeaders(request, operation, place(options, parameters, held)),
        };
      },
    },
  ];
}

/** Single rules: a PUT or DELETE of one cannot lose the others. If-Match on a rule is not honoured: no source says it is. */
export function securityRuleRoutes(options: Options): readonly Route[] {
  const { resources, writes, pageSize } = options;
  return [
    ...ruleReadRoutes(resources, pageSize),
    {
      method: "PUT",
      path: rulePath,
      needsArmToken: true,
      handle(request, parameters): CloudResponse {
        const nsg = nsgOf(resources, parameters, "write");
        const name = text(parameters, "rule");
        const isNew = findRule(nsg.resource, name) === undefined;
        const body = jsonObject(request);
        const { held, operation } = writes.accept(
          "PutSecurityRuleOperation",
          nsg.resource.id,
          () => withRule(nsg.resource, name, body, existsIn(resources)),
          request.fate,
        );
        const rule = findRule(held.resource, name);
        return {
          status: isNew ? 201 : 200,
          headers: putHeaders(request, operation, place(options, parameters, held)),
          body: rule === undefined ? undefined : ruleView(held.resource.id, rule, held.etag),
        };
      },
    },
    {
      method: "DELETE",
      path: rulePath,
      needsArmToken: true,
      handle(request, parameters): CloudResponse {
        const nsg = resources.get(resourceId(networkType.nsg, parameters));
        const name = text(parameters, "rule");
        if (nsg === undefined || findRule(nsg.resource, name) === undefined) return { status: 204 };
        const { held, operation } = writes.accept(
          "DeleteSecurityRuleOperation",
          nsg.resource.id,
          () => withoutRule(nsg.resource, name),
          request.fate,
        );
        return {
          status: 202,
          headers: deleteHeaders(request, operation, place(options, parameters, held)),
        };
      },
    },
  ];
}

type RuleView = (nsgId: string, rule: Child, etag: string) => unknown;

function ruleReadRoutes(resources: Resources, pageSize: number): readonly Route[] {
  return [
    ...childReads("securityRules", (held) => rulesOf(held.resource), ruleView),
    ...childReads("defaultSecurityRules", () => defaultRules, defaultRuleView),
  ];

  function childReads(
    collection: string,
    rules: (held: Held) => readonly Child[],
    view: RuleView,
  ): Route[] {
    return [
      {
        method: "GET",
        path: `${nsgPath}/${collection}`,
        needsArmToken: true,
        handle(request, parameters) {
          const held = nsgOf(resources, parameters, "read");
          return page(request, rules(held), pageSize, (rule) =>
            view(held.resource.id, rule, held.etag),
          );
        },
      },
      {
        method: "GET",
        path: `${nsgPath}/${collection}/{rule}`,
        needsArmToken: true,
        handle(_request, parameters) {
          const held = nsgOf(resources, parameters, "read");
          const name = text(parameters, "rule");
          const rule = rules(held).find((each) => sameText(each.name, name));
          if (rule === undefined) throw childNotFound(`${held.resource.id}/${collection}/${name}`);
          const body = view(held.resource.id, rule, held.etag);
          return { status: 200, headers: { etag: held.etag }, body };
        },
      },
    ];
  }
}

function nsgOf(resources: Resources, parameters: Parameters, act: "read" | "write"): Held {
  const id = resourceId(networkType.nsg, parameters);
  const held = resources.get(id);
  if (held !== undefined) return held;
  throw parentNotFound(act, "networkSecurityGroups/securityRules", id);
}

function existsIn(resources: Resources): (id: string) => boolean {
  return (id) => resources.get(id) !== undefined;
}

function place(options: Options, parameters: Parameters, { resource }: Held) {
  return {
    subscriptionId: text(parameters, "subscriptionId"),
    location: resource.location ?? "",
    retryAfterSeconds: options.retryAfterSeconds,
  };
}

function checkUnused(resources: Resources, id: string): void {
  const { networkInterfaces, subnets } = usersOfNsg(resources, id);
  const users = [...networkInterfaces, ...subnets].map((user) => user.id);
  if (users.length === 0) return;
  throw new CloudError(
    400,
    "InUseNetworkSecurityGroupCannotBeDeleted",
    `Network security group ${id} cannot be deleted because it is in use by the following resources: ${users.join(", ")}. In order to delete the Network security group, remove the association with the resource(s). To learn how to do this, see aka.ms/deletensg.`,
  );
}
