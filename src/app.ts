import { createHash, randomUUID } from "node:crypto";
import { setTimeout as pauseFor } from "node:timers/promises";
import * as df from "durable-functions";
import { createDirectory, noDirectory } from "./azure/directory.ts";
import { createTokenVerifier } from "./azure/entra.ts";
import { createServiceCredential } from "./azure/identity.ts";
import { createNetwork } from "./azure/network.ts";
import { createRights } from "./azure/rights.ts";
import { type Config, readConfig } from "./config.ts";
import { listActivity } from "./http/activity.ts";
import { deletePolicy } from "./http/delete-policy.ts";
import { healthReady } from "./http/health.ts";
import { initiate } from "./http/initiate.ts";
import { plan } from "./http/plan.ts";
import { problemOf } from "./http/problem.ts";
import { putPolicy } from "./http/put-policy.ts";
import { getPolicy, listPolicies } from "./http/read-policies.ts";
import { createOpenRoute, createRoute, type RoutePorts } from "./http/route.ts";
import { createLog, toConsole } from "./log.ts";
import type { Clock, Ids } from "./ports.ts";
import { createActivityStore } from "./tables/activity.ts";
import { createTables } from "./tables/client.ts";
import { createGateStore } from "./tables/gates.ts";
import { createPolicyStore } from "./tables/policies.ts";
import { createRequestStore } from "./tables/requests.ts";
import { type Closing, closeWindows } from "./workflow/close-windows.ts";
import { createWorkflows } from "./workflow/durable.ts";
import { createForesee } from "./workflow/foresee.ts";
import { healEveryGate } from "./workflow/heal.ts";
import { openWindows, type VmOfRequest } from "./workflow/open-windows.ts";
import { createSettle } from "./workflow/settle.ts";
import { sweep } from "./workflow/sweep.ts";
import type { SettlePorts } from "./workflow/write-gate.ts";

/** The composed application: one handler for each function that `functions/` registers. */
export type App = ReturnType<typeof createApp>;

const clock: Clock = {
  now: () => new Date(),
  pause: async (milliseconds) => {
    await pauseFor(milliseconds);
  },
};

const ids: Ids = {
  next: () => randomUUID(),
  digest: (text) => createHash("sha256").update(text).digest("hex"),
};

/** The ports over Azure and Table Storage. */
function connect(config: Config) {
  const log = createLog(toConsole);
  const credential = createServiceCredential(config.identityClientId);
  const { endpoint, scope, pollMs } = config.arm;
  const graph =
    config.directory === "off"
      ? undefined
      : createDirectory({ credential, ...config.graph, clock });
  const tables = createTables(
    "url" in config.tables ? { url: config.tables.url, credential } : config.tables,
    {
      prefix: config.tablesPrefix,
    },
  );
  const settlePorts: SettlePorts = {
    clock,
    ids,
    log,
    gates: createGateStore(tables, clock.pause),
    network: createNetwork({ credential, endpoint, scope, pollMs }),
    activity: createActivityStore(tables),
    owner: { name: config.deploymentName, tag: ids.digest(config.deploymentName).slice(0, 6) },
  };
  return {
    ...settlePorts,
    settle: createSettle(settlePorts),
    foresee: createForesee(settlePorts),
    policies: createPolicyStore(tables),
    requests: createRequestStore(tables, clock.pause),
    rights: createRights({
      credential,
      endpoint,
      scope,
      clock,
      log,
      tenantIds: config.entra.tenantIds,
      // NB. Not `noDirectory`: in no group is not the same as nobody knows.
      directory: graph,
    }),
    directory: graph ?? noDirectory,
    tokens: createTokenVerifier({
      authority: config.entra.authority,
      stsAuthority: config.entra.v1Authority,
      tenantIds: config.entra.tenantIds,
      audiences: config.entra.audiences,
      clock,
    }),
  };
}

/** Composes the app from its settings: the only place that knows everything. */
export function createApp(config: Config) {
  const ports = connect(config);
  const routePorts: RoutePorts = {
    ...ports,
    trustedProxyHops: config.trustedProxyHops,
    workflows: (context) => createWorkflows(df.getClient(context)),
  };
  const route = createRoute(routePorts);
  return {
    listPolicies: route({ methods: { GET: listPolicies(ports) } }),
    policy: route({
      methods: { GET: getPolicy(ports), PUT: putPolicy(ports), DELETE: deletePolicy(ports) },
      operation: (method) =>
        method === "GET" ? undefined : method === "DELETE" ? "policy.delete" : "policy.write",
    }),
    initiate: route({ methods: { POST: initiate(ports) }, operation: () => "access.initiate" }),
    plan: route({ methods: { POST: plan(ports) } }),
    activity: route({ methods: { GET: listActivity(ports) } }),
    healthLive: createOpenRoute(routePorts, async () => ({
      status: 200,
      body: { status: "live" },
    })),
    healthReady: createOpenRoute(routePorts, healthReady(ports)),
    nothingHere: createOpenRoute(routePorts, async () =>
      problemOf("ResourceNotFound", "Nothing exists at this address.", "path"),
    ),
    openWindows: (input: VmOfRequest) => openWindows(ports, input),
    closeWindows: (input: Closing) => closeWindows(ports, input),
    sweep: () => sweep(ports),
    healEveryGate: () => healEveryGate(ports),
  };
}

let composed: App | undefined;

/** The app of this process, composed on first use from the environment. */
export function theApp(): App {
  composed ??= createApp(readConfig(process.env));
  return composed;
}
