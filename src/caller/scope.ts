const managementGroups = "/providers/microsoft.management/managementgroups/";

/**
 * Whether what is assigned at one scope holds at the other too: equal, or above it by whole path segments. Both in the form of
 * `idKey`.
 */
export function coversKey(above: string, below: string): boolean {
  // A management group's id is no prefix of what it holds: Azure lists such an assignment only where it is inherited.
  const isInherited = above === "/" || above.startsWith(managementGroups);
  return isInherited || below === above || below.startsWith(`${above}/`);
}
