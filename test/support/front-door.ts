import { gunzipSync } from "node:zlib";
import { HttpRequest, type HttpResponseInit, InvocationContext } from "@azure/functions";
import type { Caller } from "../../src/caller/caller.ts";
import { actions } from "../../src/caller/requirements.ts";
import type { EasyAuth } from "../../src/http/easy-auth.ts";
import { createRoute, type FrontDoorPorts } from "../../src/http/front-door.ts";
import { createRateLimits } from "../../src/http/rate-limits.ts";
import { createRefusalPlaces } from "../../src/http/refusal-places.ts";
import { createRoutes, type HandlerPorts } from "../../src/http/routes.ts";
import { createSignInProblems } from "../../src/http/sign-in-problems.ts";
import type { Rights, Workflows } from "../../src/ports.ts";
import { ok, refused } from "../../src/reasons.ts";
import { createForesee } from "../../src/workflow/foresee.ts";
import { lookAfterWindows } from "../../src/workflow/look-after.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { subscriptionId, vmId } from "./builders.ts";
import { createFakeRights } from "./fake-rights.ts";
import { createFaults, type Faults } from "./faults.ts";
import type { World } from "./world.ts";

const group = `/subscriptions/${subscriptionId}/resourceGroups/shop`;
const security = "providers/Microsoft.Security";

/** Addresses of the API. */
export const paths = {
  policy: (name = "default") =>
    `${group}/${security}/locations/westeurope/jitNetworkAccessPolicies/${name}`,
  initiate: (name = "default") => `${paths.policy(name)}/initiate`,
  plan: (name = "default") => `${paths.policy(name)}/plan`,
  ofSubscription: `/subscriptions/${subscriptionId}/${security}/jitNetworkAccessPolicies`,
  ofLocation: (location: string) =>
    `/subscriptions/${subscriptionId}/${security}/locations/${location}/jitNetworkAccessPolicies`,
  ofGroup: (name: string) =>
    `/subscriptions/${subscriptionId}/resourceGroups/${name}/${security}/jitNetworkAccessPolicies`,
  activity: "/api/activity",
  activityExport: "/api/activity/export",
  numbers: "/api/activity/numbers",
  verifyActivity: "/api/activity/verify",
  requests: "/api/requests",
  evidence: (id: string) => `/api/requests/${id}/evidence`,
  request: (id: string, verb = "") => `/api/requests/${id}${verb === "" ? "" : `/${verb}`}`,
} as const;

const person = (name: string, last: number): Caller => ({
  tenantId: "11111111-0000-4000-8000-000000000001",
  objectId: `22222222-0000-4000-8000-00000000000${last}`,
  name: `${name}@contoso.example`,
  kind: "user",
});

/** Olivia may do everything, Alice and Dan may request on web-1, Rita may read, Eve and Bob nothing. */
export const people = {
  olivia: person("olivia", 1),
  alice: person("alice", 2),
  rita: person("rita", 3),
  eve: person("eve", 4),
  bob: person("bob", 5),
  dan: person("dan", 6),
} as const;
export type Person = keyof typeof people;

export interface CallOptions {
  /** Nobody: no token. Somebody else than these people is given whole. */
  readonly as?: Person | "nobody" | Caller | undefined;
  /** Sent as JSON; text is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Waits for what really takes time, such as compressing; virtual time stands still meanwhile. */
  readonly inRealTime?: boolean;
}

/** An answer as the client reads it. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** Its body as UTF-8, unzipped where it came as gzip. */
  readonly text: string;
  /** Its body as it was sent. */
  readonly bytes: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests read it freely
  readonly json: any;
}

export interface FrontDoorOptions {
  readonly hops?: number;
  readonly faults?: Faults;
  readonly easyAuth?: EasyAuth;
  readonly rateLimitScale?: number;
  readonly groupsUsable?: boolean;
  /** @default values of its own */
  readonly rights?: Rights;
}

/** The HTTP API over a world, with people known by their names. */
export function createFrontDoor(world: World, options: FrontDoorOptions = {}) {
  const rights = createFakeRights();
  const callers = new Map<string, Caller>(Object.entries(people));
  const wholeSubscription = `/subscriptions/${subscriptionId}`;
  rights.grant(people.olivia, wholeSubscription, [
    "Microsoft.Security/*",
    "Microsoft.Compute/virtualMachines/*",
  ]);
  rights.grant(people.rita, wholeSubscription, ["*/read"]);
  for (const requester of [people.alice, people.dan]) {
    const role = [actions.initiate, actions.readPolicy, actions.readMachine];
    rights.grant(requester, vmId("web-1"), role);
  }
  const workflows = fakeWorkflows();
  const faults = options.faults ?? createFaults();
  const process = world.start(faults);
  const signIns = createSignInProblems(process, subscriptionId);
  const ports: Omit<FrontDoorPorts, "workflows"> &
    HandlerPorts & { workflows: FrontDoorPorts["workflows"] } = {
    ...process,
    foresee: createForesee(process),
    ledger: world.ledger,
    rights: faults.through("rights", options.rights ?? rights),
    trustedProxyHops: options.hops ?? 1,
    easyAuth: options.easyAuth,
    signIns,
    refusalPlaces: createRefusalPlaces(world.clock, subscriptionId),
    rateLimits: createRateLimits(world.clock, options.rateLimitScale ?? 1),
    groupsUsable: options.groupsUsable ?? true,
    workflows: () => faults.through("workflows", workflows),
    tokens: {
      async verify(authorization) {
        const name = /^Bearer (\w+)$/.exec(authorization ?? "")?.[1];
        const caller = callers.get(name ?? "");
        return caller === undefined
          ? refused({ code: "AuthenticationFailed", message: "No bearer token was sent." })
          : ok(caller);
      },
    },
  };
  const route = createRoute(ports);
  const all = createRoutes(ports);
  const policies = /\/jitNetworkAccessPolicies/.source;
  const routes = [
    { pattern: new RegExp(`${policies}/[^/]+/initiate$`), handle: route(all.initiate) },
    { pattern: new RegExp(`${policies}/[^/]+/plan$`), handle: route(all.plan) },
    { pattern: new RegExp(`${policies}/[^/]+$`), handle: route(all.policy) },
    { pattern: new RegExp(`${policies}$`), handle: route(all.listPolicies) },
    { pattern: /^\/api\/activity$/, handle: route(all.activity) },
    { pattern: /^\/api\/activity\/export$/, handle: route(all.exportActivity) },
    { pattern: /^\/api\/activity\/numbers$/, handle: route(all.activityNumbers) },
    { pattern: /^\/api\/activity\/verify$/, handle: route(all.verifyActivity) },
    { pattern: /^\/api\/requests$/, handle: route(all.listRequests) },
    { pattern: /^\/api\/requests\/[^/]+$/, handle: route(all.request) },
    { pattern: /^\/api\/requests\/[^/]+\/evidence$/, handle: route(all.evidence) },
    ...(["approve", "deny", "revoke", "extend", "rebind", "review"] as const).map((verb) => ({
      pattern: new RegExp(`^/api/requests/[^/]+/${verb}$`),
      handle: route(all[`${verb}Request`]),
    })),
  ];

  function authorizationOf(as: Person | "nobody" | Caller): Readonly<Record<string, string>> {
    if (as === "nobody") {
      return {};
    }
    const name = typeof as === "string" ? as : as.objectId.replaceAll("-", "");
    if (typeof as !== "string") {
      callers.set(name, as);
    }
    return { authorization: `Bearer ${name}` };
  }

  async function call(
    method: string,
    address: string,
    { as = "olivia", body, headers = {}, inRealTime = false }: CallOptions = {},
  ): Promise<Reply> {
    const url = new URL(address, "https://jit.contoso.example");
    const request = new HttpRequest({
      method,
      url: url.toString(),
      headers: {
        ...authorizationOf(as),
        "x-forwarded-for": "203.0.113.7:51234",
        ...headers,
      },
      params: paramsOf(url.pathname),
      ...(body === undefined
        ? {}
        : { body: { string: typeof body === "string" ? body : JSON.stringify(body) } }),
    });
    const handle = routes.find(({ pattern }) => pattern.test(url.pathname))?.handle;
    const work =
      handle?.(request, new InvocationContext()) ??
      Promise.reject(new Error(`No route for ${address}.`));
    const answer = inRealTime ? await work : await world.clock.run(work);
    const reply = replyOf(answer);
    checkManners(reply);
    return reply;
  }

  /** What the orchestrations do that were started or told of an end meanwhile: open, and look after what is due. */
  async function work(): Promise<void> {
    const own = { ...process, rights };
    for (const { requestId, vmCount } of workflows.started.splice(0)) {
      for (let vmIndex = 0; vmIndex < vmCount; vmIndex += 1) {
        await world.clock.run(openWindows(own, { requestId, vmIndex }));
        await world.clock.run(lookAfterWindows(own, { requestId, vmIndex, attempt: 1 }));
      }
    }
    for (const vm of workflows.ended.splice(0)) {
      await world.clock.run(lookAfterWindows(own, { ...vm, attempt: 1 }));
    }
  }

  return { call, rights, workflows, work, signIns };
}

function replyOf({ status = 200, headers: sent, body }: HttpResponseInit): Reply {
  const headers = new Headers(sent as Record<string, string>);
  const bytes = Buffer.from((body ?? "") as string | Uint8Array<ArrayBuffer>);
  const isGzipped = headers.get("content-encoding") === "gzip";
  const text = (isGzipped ? gunzipSync(bytes) : bytes).toString("utf8");
  const isJson = (headers.get("content-type") ?? "").startsWith("application/json");
  const json = text === "" || !isJson ? undefined : JSON.parse(text);
  return { status, headers, text, bytes, json };
}

/** What every answer owes: headers that keep browsers and caches out of it, ARM's error form, no inner detail. */
function checkManners({ status, headers, text, json }: Reply): void {
  const faults = [
    headers.get("cache-control") === "no-store" || "it may be cached",
    headers.get("x-content-type-options") === "nosniff" || "its type may be guessed",
    headers.get("content-security-policy") === "default-src 'none'; frame-ancestors 'none'" ||
      "a browser may run or frame it",
    headers.get("x-frame-options") === "DENY" || "an old browser may frame it",
    headers.get("referrer-policy") === "no-referrer" || "its address may be told to others",
    !["server", "x-powered-by"].some((name) => headers.has(name)) || "it tells what it runs on",
    (headers.get("strict-transport-security") ?? "").includes("max-age=31536000") ||
      "it lets plain http be tried",
    (headers.get("x-ms-request-id") ?? "") !== "" || "it cannot be found in the log",
    text === "" || contentTypes.has(String(headers.get("content-type"))) || "its type is wrong",
    !/\.[cm]?[jt]s:\d+:\d+/.test(text) || "it holds a stack trace",
    status < 400 ||
      (typeof json?.error?.code === "string" &&
        typeof json.error.message === "string" &&
        Array.isArray(json.error.details)) ||
      "it is no ARM error",
  ].filter((fault) => fault !== true);
  if (faults.length > 0) {
    throw new Error(`The answer ${status} has no manners: ${faults.join(", ")}. ${text}`);
  }
}

const contentTypes = new Set([
  "application/json; charset=utf-8",
  "application/x-ndjson",
  "text/csv; charset=utf-8; header=present",
  "text/markdown; charset=utf-8",
]);

/** Route parameters, decoded as the host decodes them. */
function paramsOf(path: string): Record<string, string> {
  const named = {
    subscriptionId: "subscriptions",
    resourceGroup: "resourceGroups",
    location: "locations",
    name: "jitNetworkAccessPolicies",
    requestId: "requests",
  };
  const segments = path.split("/");
  return Object.fromEntries(
    Object.entries(named).flatMap(([param, segment]) => {
      const at = segments.findIndex((one) => one.toLowerCase() === segment.toLowerCase());
      const value = at < 0 ? undefined : segments[at + 1];
      return value === undefined ? [] : [[param, decodeURIComponent(value)]];
    }),
  );
}

function fakeWorkflows() {
  const started: { requestId: string; vmCount: number }[] = [];
  const ended: { requestId: string; vmIndex: number }[] = [];
  const followed: { policyId: string; changeId: string }[] = [];
  const errors: Error[] = [];
  const fake: Workflows & {
    readonly started: typeof started;
    readonly ended: typeof ended;
    readonly followed: typeof followed;
    /** The next starts throw; one each. */
    failNext(...errors: readonly Error[]): void;
  } = {
    started,
    ended,
    followed,
    failNext: (...coming) => void errors.push(...coming),
    async startRequest(requestId, { vmCount }) {
      const error = errors.shift();
      if (error !== undefined) {
        throw error;
      }
      started.push({ requestId, vmCount });
    },
    async endWindows(requestId, vmIndex) {
      ended.push({ requestId, vmIndex });
    },
    async followPolicy(policyId, changeId) {
      followed.push({ policyId, changeId });
    },
  };
  return fake;
}
