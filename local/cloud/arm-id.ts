/** The form in which ARM ids are compared: lower case, one leading slash, no doubled or trailing ones. */
export function idKey(id: string): string {
  return `/${idSegments(id).join("/").toLowerCase()}`;
}

/** The segment after `name` (compared without case): `segmentAfter(id, "resourceGroups")` is the group. */
export function segmentAfter(id: string, name: string): string | undefined {
  const segments = idSegments(id);
  const wanted = name.toLowerCase();
  const at = segments.findIndex((segment) => segment.toLowerCase() === wanted);
  return at < 0 ? undefined : segments[at + 1];
}

function idSegments(id: string): string[] {
  return id.split("/").filter((segment) => segment !== "");
}
