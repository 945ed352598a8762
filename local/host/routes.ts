/**
 * Route templates as ASP.NET Core reads them (literals, `{x}`, `{x?}`, `{x=default}`, `{x:constraint}`, `{*rest}`, mixed
 * segments like `{name}.json`) and the choice among several that match.
 */
import { type Constraint, parseConstraint } from "./route-constraints.ts";

/** A template no host would accept; the message says what is wrong with it. */
class RouteTemplateError extends Error {
  override readonly name = "RouteTemplateError";
}

export interface Parameter {
  readonly name: string;
  readonly isOptional: boolean;
  readonly isCatchAll: boolean;
  readonly fallback: string | undefined;
  readonly constraints: readonly Constraint[];
}

type Part = string | Parameter;

interface Segment {
  readonly parts: readonly Part[];
  /** Matches one decoded path segment; its groups are the parameters in order. */
  readonly pattern: RegExp;
  /** ASP.NET Core's RoutePrecedence: 1 literal, 2 constrained or mixed, 3 free, 4 and 5 catch-all. */
  readonly rank: number;
}

export interface RouteTemplate {
  readonly text: string;
  readonly segments: readonly Segment[];
}

export type RouteParameters = Readonly<Record<string, string>>;

/** Refuses with a RouteTemplateError. A leading `/` or `~/` is dropped, as ASP.NET Core does. */
export function parseTemplate(text: string): RouteTemplate {
  const trimmed = text.replace(/^~?\//, "").replace(/\/$/, "");
  const segments = trimmed === "" ? [] : splitSegments(trimmed, text).map((s) => segment(s, text));
  const parameters = segments.flatMap(({ parts }) => parts.filter(isParameter));
  const names = parameters.map(({ name }) => name.toLowerCase());
  if (new Set(names).size < names.length) fail(text, "a parameter appears twice");
  for (const [index, { parts }] of segments.entries()) {
    const isLast = index === segments.length - 1;
    const mustBeLast = parts.some((part) => isParameter(part) && part.isCatchAll);
    if (mustBeLast && (!isLast || parts.length > 1)) fail(text, "a catch-all must come last");
    const isOptional = parts.some((part) => isParameter(part) && part.isOptional);
    if (isOptional && (!isLast || parts.length > 1)) {
      fail(text, "an optional parameter must come last");
    }
  }
  return { text, segments };
}

/** The parameters when `path` (without the prefix, segments split and decoded) fits the template, else undefined. */
export function matchTemplate(
  template: RouteTemplate,
  path: readonly string[],
): RouteParameters | undefined {
  const values: Record<string, string> = {};
  for (const [index, segment] of template.segments.entries()) {
    const [only] = segment.parts;
    if (only !== undefined && isParameter(only) && only.isCatchAll) {
      return bind(only, path.slice(index).join("/") || undefined, values) ? values : undefined;
    }
    if (!bindSegment(segment, path[index], values)) return undefined;
  }
  return path.length > template.segments.length ? undefined : values;
}

/** Sorts more specific templates first: segment by segment, then the shorter one. */
export function comparePrecedence(left: RouteTemplate, right: RouteTemplate): number {
  const length = Math.max(left.segments.length, right.segments.length);
  for (let index = 0; index < length; index++) {
    const difference = (left.segments[index]?.rank ?? 0) - (right.segments[index]?.rank ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Splits an encoded path as the platform's web server does: everything decoded except `%2F`; a trailing slash is
 * ignored.
 */
export function splitPath(path: string): string[] {
  const trimmed = path.replace(/^\//, "").replace(/\/$/, "");
  return trimmed === "" ? [] : trimmed.split("/").map(decodeSegment);
}

function decodeSegment(segment: string): string {
  if (!segment.includes("%")) return segment;
  return segment
    .split(/(%2f)/i)
    .map((part, index) => (index % 2 === 1 ? part : decodeOrKeep(part)))
    .join("");
}

function decodeOrKeep(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function bindSegment(
  { parts, pattern }: Segment,
  text: string | undefined,
  values: Record<string, string>,
): boolean {
  const parameters = parts.filter(isParameter);
  // Past the end of the path only `{x?}` and `{x=default}` may stand.
  if (text === undefined) {
    return (
      parameters.length === parts.length && parameters.every((p) => bind(p, undefined, values))
    );
  }
  const groups = pattern.exec(text)?.slice(1);
  return groups !== undefined && parameters.every((p, index) => bind(p, groups[index], values));
}

function bind(
  parameter: Parameter,
  given: string | undefined,
  values: Record<string, string>,
): boolean {
  const value = given ?? parameter.fallback;
  if (value === undefined) return parameter.isOptional || parameter.isCatchAll;
  values[parameter.name] = value;
  return parameter.constraints.every((constraint) => constraint(value));
}

/** Cuts at slashes outside of braces; `{{` and `}}` (inside a regex) are not braces. */
function splitSegments(text: string, template: string): string[] {
  const segments = text.match(/(?:\{(?:\{\{|\}\}|[^{}])*\}|[^{}/])+/g) ?? [];
  if (segments.join("/") !== text) {
    fail(template, "a segment is empty, or its braces do not pair");
  }
  return segments;
}

function segment(text: string, template: string): Segment {
  const parts: Part[] = [];
  for (const [, inner, literal] of text.matchAll(/\{((?:\{\{|\}\}|[^{}])*)\}|([^{}]+)/g)) {
    if (literal !== undefined) parts.push(literal);
    else parts.push(parameter(inner ?? "", template));
  }
  if (parts.some((part, index) => isParameter(part) && isParameter(parts[index + 1] ?? ""))) {
    fail(template, "two parameters need a literal between them");
  }
  const source = parts
    .map((part) => (isParameter(part) ? groupOf(part) : escapeRegExp(part)))
    .join("");
  return { parts, pattern: new RegExp(`^${source}$`, "is"), rank: rankOf(parts) };
}

function parameter(text: string, template: string): Parameter {
  const [, stars = "", name = "", rest = ""] = /^(\**)([^:=?*]*)(.*)$/s.exec(text) ?? [];
  if (!/^[^/{}]+$/.test(name)) fail(template, `"{${text}}" has no usable parameter name`);
  const [, constraintText = "", fallback, question] =
    /^((?::(?:[^:=?(]+)(?:\(.*\))?)*?)(?:=(.*?))?(\?)?$/s.exec(rest) ??
    fail(template, `"{${text}}" cannot be read`);
  return {
    name,
    isCatchAll: stars !== "",
    isOptional: question !== undefined,
    fallback,
    constraints: splitConstraints(constraintText).map(
      (constraint) =>
        parseConstraint(constraint) ?? fail(template, `the constraint "${constraint}" is unknown`),
    ),
  };
}

/** `:int:regex(a:b)` has two constraints: colons inside of parentheses do not count. */
function splitConstraints(text: string): string[] {
  return [...text.matchAll(/:([^:(]+(?:\(.*?\)(?=:|$))?)/gs)].map(([, constraint]) =>
    (constraint ?? "").replaceAll("{{", "{").replaceAll("}}", "}"),
  );
}

function groupOf(parameter: Parameter): string {
  return parameter.isCatchAll ? "(.*)" : "(.+?)";
}

function rankOf(parts: readonly Part[]): number {
  const [first] = parts;
  if (parts.length > 1 || first === undefined) return 2;
  if (!isParameter(first)) return 1;
  return (first.isCatchAll ? 5 : 3) - (first.constraints.length > 0 ? 1 : 0);
}

function isParameter(part: Part): part is Parameter {
  return typeof part !== "string";
}

function escapeRegExp(literal: string): string {
  return literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function fail(template: string, reason: string): never {
  throw new RouteTemplateError(`Route "${template}": ${reason}.`);
}
