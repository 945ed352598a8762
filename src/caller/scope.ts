import { idKey } from "../policy/resource-id.ts";

const managementGroups = "/providers/microsoft.management/managementgroups/";

/** Whether what is assigned at `scope` holds at `target` too: equal, or above it by whole path segments. */
export function scopeCovers(scope: string, target: string): boolean {
  return coversKey(idKey(scope), idKey(target));
}

/** As {@link scopeCovers}, for scopes in the form of `idKey`. */
export function coversKey(above: string, below: string): boolean {
  // A management group's id is no prefix of what it holds: Azure lists such an assignment only where it is inherited.
  const isInherited = above === "/" || above.startsWith(managementGroups);
  return isInherited || below === above || below.startsWith(`${above}/`);
}
