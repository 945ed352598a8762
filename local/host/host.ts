import { withAdmin } from "./admin-endpoints.ts";
import { plain, send } from "./answer.ts";
import type { App, HostClock, HostLog } from "./app.ts";
import { systemClock } from "./clock.ts";
import { mayManageDurable, serveDurable, WEBHOOK_PATH } from "./durable-endpoints.ts";
import type { DurableHost } from "./durable-host.ts";
import { describeError } from "./errors.ts";
import { type Answer, HostPorts, pathBelow } from "./host-ports.ts";
import { createHttpFront } from "./http.ts";
import type { InputSource } from "./invocation.ts";
import { createKeys, type HostKeys } from "./keys.ts";
import { type Loaded, loadApp } from "./load.ts";
import { readHostJson } from "./settings.ts";
import { Timers } from "./timers.ts";
import { findProblems, InvalidAppError } from "./validate.ts";

/** How long a stop waits for what is running. */
const GRACE_MS = 10_000;

export interface HostOptions {
  /** Folder with package.json and host.json. */
  readonly appDir: string;
  /** Put into `process.env` before the app loads. */
  readonly settings?: Readonly<Record<string, string>>;
  /** 0 takes any free port. */
  readonly httpPort: number;
  readonly https?: { readonly port: number; readonly key: string; readonly cert: string };
  /** Whether authLevel "function" and "admin" are enforced. @default true */
  readonly requireKeys?: boolean;
  readonly clock?: HostClock;
  readonly log?: HostLog;
  readonly durable?: DurableHost;
}

export interface Host {
  readonly httpUrl: string;
  readonly httpsUrl?: string;
  readonly app: App;
  /** Opens every function and the durable management API. New at each start. */
  readonly masterKey: string;
  /** Opens functions of authLevel "function". New at each start. */
  readonly hostKey: string;
  /** Runs a timer function at once and waits for its end. Rejects with what it throws. */
  runNow(name: string, options?: { readonly pastDue?: boolean }): Promise<void>;
  /** Finishes what runs (for up to 10 s), then closes all ports. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Runs an Azure Functions app in this process: loads `main` of its package.json, serves HTTP on loopback addresses,
 * runs timers and the durable engine. One app per process. Rejects, with its ports closed again, when the app does
 * not load or Azure would refuse it.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const log = options.log ?? logToConsole;
  // The ports come first: the app may read its own address while it loads.
  const ports = await HostPorts.open({
    ...options,
    hasDurable: options.durable !== undefined,
    log,
  });
  try {
    return await startApp({ ...options, log }, ports, createKeys());
  } catch (error) {
    await ports.close();
    throw error;
  }
}

type AppOptions = HostOptions & { readonly log: HostLog };

async function startApp(options: AppOptions, ports: HostPorts, keys: HostKeys): Promise<Host> {
  const { appDir, settings = {}, requireKeys = true, clock = systemClock, log, durable } = options;
  const { routePrefix } = (await readHostJson(appDir)).extensions.http;
  const endpoint = durable && { durable, baseUrl: webhookUrl(ports), systemKey: keys.system };

  Object.assign(process.env, settings, environmentFor(ports));
  const loaded = await loadApp(appDir, log, inputSource(ports, keys, durable));
  const { app, withoutAuthLevel } = loaded;
  const problems = findProblems(app.functions, {
    routePrefix,
    settings: process.env,
    withoutAuthLevel,
    hasDurable: durable !== undefined,
  });
  if (problems.length > 0) throw new InvalidAppError(problems);

  const timers = new Timers({ app, clock, log, settings: process.env });
  const answerFunctions = createHttpFront({ app, routePrefix, keys, requireKeys, log });
  if (endpoint) {
    ports.answerRpc = (request, response, url, path) =>
      serveDurable(endpoint, request, response, url, path);
  }
  await durable?.start(app, clock, log);
  const answer = withAdmin({ timers, log }, answerFunctions);
  ports.answer = endpoint ? withWebhook(endpoint, keys, answer) : answer;
  timers.start();
  return createHost(options, ports, keys, loaded, timers);
}

function createHost(
  options: AppOptions,
  ports: HostPorts,
  keys: HostKeys,
  loaded: Loaded,
  timers: Timers,
): Host {
  let stopped: Promise<void> | undefined;
  const { httpsUrl } = ports;
  return {
    httpUrl: ports.httpUrl,
    ...(httpsUrl !== undefined && { httpsUrl }),
    app: loaded.app,
    masterKey: keys.master,
    hostKey: keys.host,
    runNow: (name, runOptions) => timers.runNow(name, runOptions),
    stop: () => {
      stopped ??= stopHost(options, ports, loaded, timers);
      return stopped;
    },
  };
}

/** Outside work ends first, then the engine; the engine's own port stays open as long as functions may call it. */
async function stopHost(
  { durable, log }: AppOptions,
  ports: HostPorts,
  { app, terminate }: Loaded,
  timers: Timers,
): Promise<void> {
  const deadline = Date.now() + GRACE_MS;
  timers.stop();
  await ports.closePublic(GRACE_MS);
  const rest = (async () => {
    await durable?.stop();
    await app.quiet();
  })();
  const isQuiet = await within(deadline - Date.now(), rest);
  if (!isQuiet) log("warning", `Functions still run after ${GRACE_MS / 1000} s.`);
  try {
    await terminate();
  } catch (error) {
    log("error", `An appTerminate hook failed: ${describeError(error)}`);
  }
  await ports.close();
}

/** Puts the durable management API, behind its key, in front of the functions. */
function withWebhook(
  endpoint: Parameters<typeof serveDurable>[0],
  keys: HostKeys,
  next: Answer,
): Answer {
  return async (request, response, url) => {
    const path = pathBelow(`${WEBHOOK_PATH}/`, url);
    if (path === undefined) await next(request, response, url);
    else if (!mayManageDurable(request, url, keys)) send(response, plain(401));
    else await serveDurable(endpoint, request, response, url, path);
  };
}

function inputSource(
  ports: HostPorts,
  keys: HostKeys,
  durable: DurableHost | undefined,
): InputSource {
  const urls = { baseUrl: webhookUrl(ports), rpcUrl: ports.rpcUrl, systemKey: keys.system };
  return ({ type }) =>
    type === "durableClient" && durable ? { string: durable.clientBinding(urls) } : undefined;
}

function webhookUrl({ httpUrl }: HostPorts): string {
  return `${httpUrl}${WEBHOOK_PATH}`;
}

function environmentFor({ httpUrl }: HostPorts): Record<string, string> {
  // Without a name the durable SDK takes port 7071 for granted; its client (axios) would ask a proxy for loopback addresses.
  const { NO_PROXY = "" } = process.env;
  const hosts = new Set([...NO_PROXY.split(",").filter(Boolean), "127.0.0.1", "localhost"]);
  const noProxy = [...hosts].join(",");
  return { WEBSITE_HOSTNAME: new URL(httpUrl).host, NO_PROXY: noProxy, no_proxy: noProxy };
}

/** True when `work` is done in time. */
async function within(ms: number, work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(ms, 0));
  });
  try {
    return await Promise.race([work.then(() => true), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

const logToConsole: HostLog = (level, message) => {
  if (level === "error" || level === "warning") console.error(`[${level}] ${message}`);
  else if (level === "information") console.log(message);
};
