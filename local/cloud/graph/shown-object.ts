import type { DirectoryObject } from "../entra/directory.ts";
import { parameter } from "../guards.ts";
import type { CloudRequest } from "../router.ts";
import { badRequest, contextOf } from "./graph-answers.ts";

/**
 * An object with the properties that `$select` names. NB. Without `$select` a user comes without `accountEnabled`, as in Graph
 * (learn.microsoft.com/graph/api/user-get): who forgets to ask for it reads an account that is neither enabled nor disabled.
 */
export function shownObject(
  request: CloudRequest,
  object: DirectoryObject,
  collection: string,
): Record<string, unknown> {
  const all = propertiesOf(object);
  const select = parameter(request.query, "$select");
  const names =
    select === undefined ? usualOf(object) : select.split(",").map((name) => name.trim());
  const shown = names.map((name) => {
    if (Object.hasOwn(all, name)) return [name, all[name]] as const;
    throw badRequest(`Could not find a property named '${name}' on type '${typeOf(object)}'.`);
  });
  const what = select === undefined ? collection : `${collection}(${names.join(",")})`;
  return {
    "@odata.context": contextOf(request, `${what}/$entity`),
    ...Object.fromEntries(shown),
  };
}

function propertiesOf(object: DirectoryObject): Readonly<Record<string, unknown>> {
  const { kind, id, displayName, accountEnabled } = object;
  if (kind === "Group") return { id, displayName, securityEnabled: true };
  if (kind === "ServicePrincipal") {
    return { id, displayName, accountEnabled, appId: object.appId };
  }
  const { userPrincipalName } = object;
  return { id, displayName, userPrincipalName, mail: userPrincipalName, accountEnabled };
}

function usualOf(object: DirectoryObject): readonly string[] {
  const all = Object.keys(propertiesOf(object));
  return object.kind === "User" ? all.filter((name) => name !== "accountEnabled") : all;
}

function typeOf({ kind }: DirectoryObject): string {
  return `microsoft.graph.${kind.charAt(0).toLowerCase()}${kind.slice(1)}`;
}
