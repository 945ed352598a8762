import type { AccessRules } from "./access-rules.ts";
import { type Change, changesBetween, firstChanges } from "./changes.ts";

/**
 * The difference between two versions of a policy's rules, path by path in the order of paths; empty when both say the same.
 * People and groups are known by their ids, so that their order is none; one more than can be told counts the rest.
 */
export function accessRulesChanges(
  before: AccessRules | undefined,
  after: AccessRules | undefined,
): readonly Change[] {
  return firstChanges(changesBetween(valuesByPath(before), valuesByPath(after)));
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
