import type { IncomingMessage, ServerResponse } from "node:http";
import { type HttpAnswer, plain, send } from "./answer.ts";
import type { App, HostLog, RegisteredFunction } from "./app.ts";
import { describeError } from "./errors.ts";
import { fromHttpOutput, toHttpInput } from "./http-conversion.ts";
import { type HostKeys, opens } from "./keys.ts";
import { readBody } from "./loopback-server.ts";
import {
  comparePrecedence,
  matchTemplate,
  parseTemplate,
  type RouteParameters,
  type RouteTemplate,
  splitPath,
} from "./routes.ts";

/** One HTTP function with its full template (prefix included); no methods means every method. */
export interface HttpRoute {
  readonly functionName: string;
  readonly bindingName: string;
  readonly template: RouteTemplate;
  readonly methods: readonly string[];
  readonly authLevel: string;
}

export interface HttpFrontOptions {
  readonly app: App;
  readonly routePrefix: string;
  readonly keys: HostKeys;
  readonly requireKeys: boolean;
  readonly log: HostLog;
}

/** The HTTP functions of the app as routes, the most specific first. */
function routesOf(functions: ReadonlyMap<string, RegisteredFunction>, prefix: string): HttpRoute[] {
  return [...functions.values()]
    .filter(({ trigger }) => trigger.type === "httpTrigger")
    .map((registered) => routeOf(registered, prefix))
    .sort((left, right) => comparePrecedence(left.template, right.template));
}

/** Throws a RouteTemplateError when the route cannot be read. */
export function routeOf(registered: RegisteredFunction, prefix: string): HttpRoute {
  const { name: bindingName, route, methods, authLevel } = registered.trigger;
  // An empty route is the function's name; the root itself is the route "/" (azure-functions-host).
  const text = String(route || registered.name).replace(/^~?\//, "");
  return {
    functionName: registered.name,
    bindingName,
    template: parseTemplate(prefix === "" ? text : `${prefix}/${text}`),
    methods: (Array.isArray(methods) ? methods : []).map((method) => String(method).toUpperCase()),
    authLevel: String(authLevel ?? "").toLowerCase(),
  };
}

/** Answers requests with the app's HTTP functions. */
export function createHttpFront(options: HttpFrontOptions) {
  const routes = routesOf(options.app.functions, options.routePrefix);
  return async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const found = findRoute(routes, request.method ?? "GET", url.pathname);
    if (!found) return send(response, plain(404));
    if (options.requireKeys && !isAllowed(found.route, request, url, options.keys)) {
      return send(response, plain(401));
    }
    const body = await readBody(request);
    if (!body) return send(response, plain(413));
    send(response, await answer(options, found, toHttpInput(request, url, found.parameters, body)));
  };
}

interface Found {
  readonly route: HttpRoute;
  readonly parameters: RouteParameters;
}

function findRoute(routes: readonly HttpRoute[], method: string, path: string): Found | undefined {
  const segments = splitPath(path);
  for (const route of routes) {
    // A known route with another method is 404 on the platform, also HEAD on a GET route (azure-functions-host#10098).
    if (route.methods.length > 0 && !route.methods.includes(method)) continue;
    const parameters = matchTemplate(route.template, segments);
    if (parameters) return { route, parameters };
  }
  return undefined;
}

function isAllowed(route: HttpRoute, request: IncomingMessage, url: URL, keys: HostKeys): boolean {
  if (route.authLevel === "anonymous") return true;
  const header = request.headers["x-functions-key"];
  const given = (Array.isArray(header) ? header[0] : header) ?? url.searchParams.get("code");
  const accepted = route.authLevel === "function" ? [keys.master, keys.host] : [keys.master];
  return opens(given ?? undefined, accepted);
}

async function answer(
  { app, log }: HttpFrontOptions,
  { route }: Found,
  data: ReturnType<typeof toHttpInput>,
): Promise<HttpAnswer> {
  const name = route.functionName;
  const startedAt = performance.now();
  try {
    const { returnValue } = await app.invoke(name, {
      inputData: [{ name: route.bindingName, data }],
    });
    const result = fromHttpOutput(returnValue);
    const tookMs = (performance.now() - startedAt).toFixed(1);
    log("debug", `${name}: ${result.status} in ${tookMs} ms`);
    return result;
  } catch (error) {
    log("error", `${name} failed: ${describeError(error)}`);
    return plain(500);
  }
}
