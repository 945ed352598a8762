import type { AccessRules } from "./access-rules.ts";

/** One difference between two versions of the rules: JSON texts, absent where there was or is nothing. */
export interface AccessRulesChange {
  /** Such as `approval.approvalsNeeded`, `approval.autoApproval[0].hours.from`, `approval.approvers.groups[{object id}]`. */
  readonly path: string;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

/** How many differences the audit tells one by one. */
const mostChanges = 200;

/**
 * The difference between two versions of a policy's rules, path by path in the order of paths; empty when both say the same.
 * People and groups are known by their ids, so that their order is none; one more than can be told counts the rest.
 */
export function accessRulesChanges(
  before: AccessRules | undefined,
  after: AccessRules | undefined,
): readonly AccessRulesChange[] {
  const [old, now] = [valuesByPath(before), valuesByPath(after)];
  const changes = [...new Set([...old.keys(), ...now.keys()])]
    .filter((path) => old.get(path) !== now.get(path))
    .toSorted()
    .map((path) => ({ path, ...given("before", old.get(path)), ...given("after", now.get(path)) }));
  const rest = changes.length - mostChanges;
  return rest <= 0
    ? changes
    : [...changes.slice(0, mostChanges), { path: `${rest} more`, after: String(rest) }];
}

function given<K extends string>(
  key: K,
  text: string | undefined,
): { readonly [key in K]?: string } {
  return text === undefined ? {} : ({ [key]: text } as { readonly [key in K]: string });
}

/** Every single value with the path that leads to it. */
function valuesByPath(rules: AccessRules | undefined): ReadonlyMap<string, string> {
  return new Map(valuesOf(rules, ""));
}

function valuesOf(value: unknown, path: string): readonly (readonly [string, string])[] {
  if (value === undefined) {
    return [];
  }
  if (Array.isArray(value)) {
    return value.flatMap((entry: unknown, index) => entriesOf(entry, index, path));
  }
  if (typeof value !== "object" || value === null) {
    return [[path, JSON.stringify(value)]];
  }
  return Object.entries(value).flatMap(([name, inner]) =>
    valuesOf(inner, path === "" ? name : `${path}.${name}`),
  );
}

/** People and groups by their ids and whole, days by their names, everything else by its position. */
function entriesOf(
  entry: unknown,
  index: number,
  path: string,
): readonly (readonly [string, string])[] {
  if (typeof entry === "string") {
    return [[`${path}[${entry}]`, JSON.stringify(entry)]];
  }
  const { tenantId, objectId, name } = Object(entry) as Readonly<Record<string, unknown>>;
  if (typeof objectId !== "string") {
    return valuesOf(entry, `${path}[${index}]`);
  }
  const key = typeof tenantId === "string" ? `${tenantId}/${objectId}` : objectId;
  return [[`${path}[${key}]`, JSON.stringify({ tenantId, objectId, name })]];
}
