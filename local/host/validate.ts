import type { Binding, RegisteredFunction } from "./app.ts";
import { routeOf } from "./http.ts";
import type { RouteTemplate } from "./routes.ts";
import { scheduleOf } from "./timers.ts";

/** As azure-functions-host checks names; "host" is reserved. */
const FUNCTION_NAME = /^(?!host$)[a-z][a-z0-9_-]{0,127}$/i;
const authLevels = ["anonymous", "function", "admin"];
const durableTriggers = ["orchestrationTrigger", "activityTrigger"];

export interface ValidationContext {
  readonly routePrefix: string;
  readonly settings: Readonly<Record<string, string | undefined>>;
  /** HTTP functions that say nothing about authLevel; the registration itself cannot tell (see explicit-auth-level.ts). */
  readonly withoutAuthLevel: ReadonlySet<string>;
  /** False when the host runs without a durable engine. */
  readonly hasDurable: boolean;
}

/** An app that Azure would refuse, in whole or in part; `problems` lists every reason. */
export class InvalidAppError extends Error {
  override readonly name = "InvalidAppError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The app cannot run:\n${problems.map((problem) => `- ${problem}`).join("\n")}`);
    this.problems = problems;
  }
}

/** Every problem that can be seen without running a function; empty when all is well. */
export function findProblems(
  functions: ReadonlyMap<string, RegisteredFunction>,
  context: ValidationContext,
): string[] {
  const all = [...functions.values()];
  return [
    ...all.flatMap((registered) =>
      [
        ...nameProblems(registered),
        ...bindingProblems(registered, context),
        ...triggerProblems(registered, context),
      ].map((problem) => `${registered.name}: ${problem}`),
    ),
    ...sameNames(all),
    ...sameRoutes(all, context),
  ];
}

function nameProblems({ name }: RegisteredFunction): string[] {
  if (FUNCTION_NAME.test(name)) return [];
  return [
    "the name must start with a letter and have up to 128 of A-Z a-z 0-9 _ -, and not be host.",
  ];
}

function triggerProblems(registered: RegisteredFunction, context: ValidationContext): string[] {
  const { type } = registered.trigger;
  if (type === "httpTrigger") return httpProblems(registered, context);
  if (type === "timerTrigger") {
    return problemOf(() => scheduleOf(registered, context.settings));
  }
  return [];
}

function httpProblems(registered: RegisteredFunction, context: ValidationContext): string[] {
  const { name } = registered;
  const { route, authLevel: level } = registered.trigger;
  const problems = problemOf(() => routeOf(registered, context.routePrefix));
  // The platform refuses whatever starts so, "administration" too, with any prefix (azure-functions-host, ValidateFunction).
  if (/^\/*admin/i.test(String(route ?? name))) {
    problems.push(`the route "${route}" conflicts with one or more built in routes.`);
  }
  if (context.withoutAuthLevel.has(name) || level === undefined) {
    problems.push('authLevel is not set; write it out, also when it is "anonymous".');
  } else if (!authLevels.includes(String(level).toLowerCase())) {
    problems.push(`authLevel "${level}" is none of ${authLevels.join(", ")}.`);
  }
  return problems;
}

function bindingProblems(
  { trigger, bindings }: RegisteredFunction,
  { hasDurable }: ValidationContext,
): string[] {
  return bindings.flatMap((binding) => {
    if (!isSupported(binding, trigger)) {
      return [`the local host has no ${binding.direction} binding of type ${binding.type}.`];
    }
    const needsDurable = durableTriggers.includes(binding.type) || binding.type === "durableClient";
    return needsDurable && !hasDurable ? [`${binding.type} needs a durable engine.`] : [];
  });
}

function isSupported(binding: Binding, trigger: Binding): boolean {
  if (binding === trigger) {
    return ["httpTrigger", "timerTrigger", ...durableTriggers].includes(binding.type);
  }
  if (binding.direction === "in") return binding.type === "durableClient";
  return binding.direction === "out" && binding.type === "http" && trigger.type === "httpTrigger";
}

/** Azure's names ignore case. */
function sameNames(all: readonly RegisteredFunction[]): string[] {
  return clashes(all, ({ name }, other) => name.toLowerCase() === other.name.toLowerCase()).map(
    ([one, other]) => `${one.name} and ${other.name}: the names differ by case only.`,
  );
}

function sameRoutes(all: readonly RegisteredFunction[], context: ValidationContext): string[] {
  const routes = all
    .filter(({ trigger }) => trigger.type === "httpTrigger")
    .flatMap((registered) => {
      try {
        return [routeOf(registered, context.routePrefix)];
      } catch {
        return []; // told as a problem of that function already
      }
    });
  return clashes(
    routes,
    (one, other) =>
      shapeOf(one.template) === shapeOf(other.template) && overlap(one.methods, other.methods),
  ).map(
    ([one, other]) =>
      `${one.functionName} and ${other.functionName}: both answer the route "${one.template.text}".`,
  );
}

/** Two templates of one shape match the same paths: names of parameters do not count, constraints do. */
function shapeOf({ text }: RouteTemplate): string {
  return text.toLowerCase().replace(/\{(\**)[^:=?{}]*/g, "{$1");
}

function overlap(left: readonly string[], right: readonly string[]): boolean {
  if (left.length === 0 || right.length === 0) return true;
  return left.some((method) => right.includes(method));
}

function clashes<T>(items: readonly T[], clash: (one: T, other: T) => boolean): [T, T][] {
  return items.flatMap((one, index) =>
    items
      .slice(index + 1)
      .filter((other) => clash(one, other))
      .map((other): [T, T] => [one, other]),
  );
}

function problemOf(check: () => unknown): string[] {
  try {
    check();
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
