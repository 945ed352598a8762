/** One difference between before and after: JSON texts, absent where there was or is nothing. */
export interface Change {
  /** Such as `approval.approvalsNeeded`, `approval.approvers.groups[{object id}]`, `ports[22]`. */
  readonly path: string;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

/** How many differences the audit tells one by one. */
export const mostChanges = 200;

/** The differences between two sets of values by path, in the order of paths. */
export function changesBetween(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly Change[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => before.get(path) !== after.get(path))
    .toSorted()
    .map((path) => ({
      path,
      ...given("before", before.get(path)),
      ...given("after", after.get(path)),
    }));
}

/** The first ones; one more than can be told counts the rest. */
export function firstChanges(changes: readonly Change[], most = mostChanges): readonly Change[] {
  const rest = changes.length - most;
  return rest <= 0
    ? changes
    : [...changes.slice(0, most), { path: `${rest} more`, after: String(rest) }];
}

function given<K extends string>(
  key: K,
  text: string | undefined,
): { readonly [key in K]?: string } {
  return text === undefined ? {} : ({ [key]: text } as { readonly [key in K]: string });
}
