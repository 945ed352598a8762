import { CloudError, type Parameters, type Route } from "./router.ts";

export interface Match {
  readonly route: Route;
  readonly parameters: Parameters;
}

export interface Matcher {
  match(method: string, path: string): Match | undefined;
  /** Whether any method is served at this path: tells 405 from 404. */
  knows(path: string): boolean;
}

interface Compiled {
  readonly route: Route;
  readonly segments: readonly string[];
  /** Index of the segment that stands for any number of segments; -1 when there is none. */
  readonly star: number;
}

/** Finds the route of a path as ARM does: literals without case, doubled slashes as one, segments decoded. */
export function createMatcher(routes: readonly Route[]): Matcher {
  const compiled = routes.map(compile).toSorted(mostLiteralFirst);
  return {
    match(method, path) {
      const segments = pathSegments(path);
      for (const candidate of compiled) {
        if (candidate.route.method !== method) continue;
        const parameters = parametersOf(candidate, segments);
        if (parameters !== undefined) return { route: candidate.route, parameters };
      }
      return undefined;
    },
    knows(path) {
      const segments = pathSegments(path);
      return compiled.some((candidate) => parametersOf(candidate, segments) !== undefined);
    },
  };
}

/** The decoded segments of a path, empty ones left out: SDKs send `//` where a resource has no parent. */
export function pathSegments(path: string): string[] {
  try {
    return path
      .split("/")
      .filter((segment) => segment !== "")
      .map(decodeURIComponent);
  } catch {
    throw new CloudError(400, "InvalidRequestUri", `The path '${path}' cannot be decoded.`);
  }
}

function compile(route: Route): Compiled {
  const segments = route.path.split("/").filter((segment) => segment !== "");
  return { route, segments, star: segments.findIndex((segment) => segment.startsWith("{*")) };
}

/** Exact paths win over patterns, patterns over those that take any number of segments. */
function mostLiteralFirst(left: Compiled, right: Compiled): number {
  const weight = ({ segments, star }: Compiled) =>
    segments.filter((segment) => !segment.startsWith("{")).length - (star < 0 ? 0 : 100);
  return weight(right) - weight(left);
}

function parametersOf(compiled: Compiled, path: readonly string[]): Parameters | undefined {
  const { segments, star } = compiled;
  if (star < 0) {
    return path.length === segments.length ? take(segments, path, {}) : undefined;
  }
  const taken = path.length - (segments.length - 1);
  if (taken < 0) return undefined;
  const rest = path.slice(star, star + taken);
  const others = [...path.slice(0, star), ...path.slice(star + taken)];
  const name = (segments[star] ?? "").slice(2, -1);
  return take(segments.toSpliced(star, 1), others, { [name]: rest.join("/") });
}

function take(
  pattern: readonly string[],
  path: readonly string[],
  parameters: Record<string, string>,
): Parameters | undefined {
  for (const [index, expected] of pattern.entries()) {
    const actual = path[index] ?? "";
    if (expected.startsWith("{")) parameters[expected.slice(1, -1)] = actual;
    else if (expected.toLowerCase() !== actual.toLowerCase()) return undefined;
  }
  return parameters;
}
