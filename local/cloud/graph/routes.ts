import { z } from "zod";
import { jsonObject } from "../answers.ts";
import type { Directory, DirectoryKind, DirectoryObject } from "../entra/directory.ts";
import { text } from "../read-routes.ts";
import { sameText } from "../resources.ts";
import type { CloudRequest, Route } from "../router.ts";
import { badRequest, contextOf, objectNotFound } from "./graph-answers.ts";
import { requireMemberships, requireRead, requireWrite } from "./permissions.ts";
import { shownObject } from "./shown-object.ts";

/** directoryobject-checkmembergroups: "up to a maximum of 20 groups per request". */
const MOST_GROUPS = 20;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const COLLECTIONS = [
  { path: "users", kind: "User" },
  { path: "servicePrincipals", kind: "ServicePrincipal" },
  { path: "groups", kind: "Group" },
] as const satisfies readonly { path: string; kind: DirectoryKind }[];

/**
 * The part of Microsoft Graph that tells who somebody is today: accounts and memberships, and what changes them. Facts are those
 * of learn.microsoft.com/graph/api; an object of another kind or tenant is as absent as one that never was. NB. Graph is
 * eventually consistent; here a change is seen at once, and the fault `stale-read` shows the former state.
 */
export function graphRoutes(directory: Directory): readonly Route[] {
  return [
    ...COLLECTIONS.flatMap(({ path, kind }) => [
      route("GET", `${path}/{id}`, (request, { id = "" }) => {
        const object = required(directory, id, kind);
        requireRead(request, kind, object.id);
        return { status: 200, body: shownObject(request, object, path) };
      }),
      checkMemberGroups(directory, path, kind),
    ]),
    checkMemberGroups(directory, "directoryObjects"),
    accountEnabled(directory, "users", "User"),
    accountEnabled(directory, "servicePrincipals", "ServicePrincipal"),
    ...memberRoutes(directory),
  ];
}

function route(method: string, path: string, handle: Route["handle"]): Route {
  return {
    method,
    path: `/graph/v1.0/${path}`,
    needsArmToken: false,
    needsGraphToken: true,
    handle,
  };
}

/** A user may be named by the user principal name too; any other object by its id only. */
function required(directory: Directory, id: string, kind?: DirectoryKind): DirectoryObject {
  const isId = GUID.test(id);
  if (!isId && kind !== "User") throw badRequest(`Invalid object identifier '${id}'.`);
  const found = isId ? directory.find(id) : directory.findUser(id);
  if (found === undefined || (kind !== undefined && found.kind !== kind)) throw objectNotFound(id);
  return found;
}

/**
 * Of the groups asked about, those that hold the object, however deep. One bad id fails the whole request; a group that does
 * not exist holds nobody (that Graph leaves it out in silence is unverified).
 */
function checkMemberGroups(directory: Directory, path: string, kind?: DirectoryKind): Route {
  return route("POST", `${path}/{id}/checkMemberGroups`, (request, { id = "" }) => {
    const object = required(directory, id, kind);
    requireMemberships(request, object.kind);
    const asked = groupIds(jsonObject(request)["groupIds"]);
    const holding = directory.groupsOf(object.id);
    const value = asked.filter((group) => holding.has(group.toLowerCase()));
    return {
      status: 200,
      body: { "@odata.context": contextOf(request, "Collection(Edm.String)"), value },
    };
  });
}

function groupIds(given: unknown): readonly string[] {
  const parsed = z.array(z.string()).safeParse(given);
  if (!parsed.success) throw badRequest("The value of 'groupIds' must be a collection of strings.");
  if (parsed.data.length > MOST_GROUPS) {
    throw badRequest(
      `The number of values in 'groupIds' is ${parsed.data.length}; at most ${MOST_GROUPS} are supported.`,
    );
  }
  const bad = parsed.data.find((id) => !GUID.test(id));
  if (bad !== undefined) throw badRequest(`Invalid object identifier '${bad}'.`);
  return parsed.data;
}

/** `PATCH` of one member only: user-update, serviceprincipal-update. */
function accountEnabled(directory: Directory, path: string, kind: DirectoryKind): Route {
  return route("PATCH", `${path}/{id}`, (request, { id = "" }) => {
    const object = required(directory, id, kind);
    requireWrite(request, kind);
    const parsed = z.strictObject({ accountEnabled: z.boolean() }).safeParse(jsonObject(request));
    if (!parsed.success) throw badRequest("Only 'accountEnabled', true or false, can be changed.");
    directory.put({ ...object, ...parsed.data });
    return { status: 204 };
  });
}

/** group-post-members and group-delete-members. */
function memberRoutes(directory: Directory): readonly Route[] {
  return [
    route("POST", "groups/{id}/members/$ref", (request, { id = "" }) => {
      const group = required(directory, id, "Group");
      requireWrite(request, "Group");
      const member = required(directory, referencedId(request));
      if (group.members.some((each) => sameText(each, member.id))) {
        throw badRequest(
          "One or more added object references already exist for the following modified properties: 'members'.",
        );
      }
      directory.put({ ...group, members: [...group.members, member.id] });
      return { status: 204 };
    }),
    route("DELETE", "groups/{id}/members/{member}/$ref", (request, parameters) => {
      const group = required(directory, text(parameters, "id"), "Group");
      requireWrite(request, "Group");
      const member = text(parameters, "member");
      const members = group.members.filter((each) => !sameText(each, member));
      // Graph names the group here, not the member (microsoft-graph-docs#18714).
      if (members.length === group.members.length) throw objectNotFound(group.id);
      directory.put({ ...group, members });
      return { status: 204 };
    }),
  ];
}

/** The last segment of `@odata.id`, whatever host and collection stand before it. */
function referencedId(request: CloudRequest): string {
  const link = jsonObject(request)["@odata.id"];
  const id = typeof link === "string" ? link.split("/").at(-1) : undefined;
  if (id === undefined || !GUID.test(id)) {
    throw badRequest("The value of '@odata.id' must be a link to a directory object.");
  }
  return id;
}
