import { createHash, randomUUID } from "node:crypto";
import { setTimeout as pauseFor } from "node:timers/promises";
import type { TokenCredential } from "@azure/core-auth";
import type { InvocationContext } from "@azure/functions";
import * as df from "durable-functions";
import type { AnchorKeeper } from "./activity/anchor.ts";
import { toldSettings } from "./activity/configuration-facts.ts";
import { createDirectory, noDirectory } from "./azure/directory.ts";
import { createTokenVerifier } from "./azure/entra.ts";
import { createServiceCredential } from "./azure/identity.ts";
import { createNetwork } from "./azure/network.ts";
import { createRights } from "./azure/rights.ts";
import { createAnchorContainer } from "./blobs/anchor-container.ts";
import { type Config, readConfig } from "./config.ts";
import {
  createNothingHere,
  createOpenRoute,
  createRoute,
  type FrontDoorPorts,
} from "./http/front-door.ts";
import { healthReady } from "./http/health.ts";
import { createRateLimits } from "./http/rate-limits.ts";
import { createRefusalPlaces } from "./http/refusal-places.ts";
import { createRoutes } from "./http/routes.ts";
import { createSignInProblems } from "./http/sign-in-problems.ts";
import { createLog, inLogContext, toConsole } from "./log.ts";
import type { Clock, Ids } from "./ports.ts";
import type { Owner } from "./rules/intent.ts";
import { createActivityStore } from "./tables/activity.ts";
import { createAnchorStore, createDropStore } from "./tables/anchors.ts";
import { createTables } from "./tables/client.ts";
import { createGateStore } from "./tables/gates.ts";
import { createLedger } from "./tables/ledger.ts";
import { createOutbox } from "./tables/outbox.ts";
import { createPolicyStore } from "./tables/policies.ts";
import { createRequestStore } from "./tables/requests.ts";
import { createSettingsStore } from "./tables/settings.ts";
import { createWebhookSender } from "./webhooks/sender.ts";
import { createConfigurationTeller } from "./workflow/configuration.ts";
import { createWorkflows } from "./workflow/durable.ts";
import { createFactLog } from "./workflow/fact-log.ts";
import { type PolicyToFollow, protectPolicy } from "./workflow/follow-policy.ts";
import { createForesee } from "./workflow/foresee.ts";
import { healEveryGate } from "./workflow/heal.ts";
import { keepActivity } from "./workflow/keep-activity.ts";
import { type Looking, lookAfterWindows } from "./workflow/look-after.ts";
import { createNotifications } from "./workflow/notifications.ts";
import { openWindows, type VmOfRequest } from "./workflow/open-windows.ts";
import { createSettle } from "./workflow/settle.ts";
import { sweep } from "./workflow/sweep.ts";
import { type Tell, tellingActivity, tellingLedger } from "./workflow/telling.ts";
import type { SettlePorts } from "./workflow/turn.ts";

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
  const log = createLog(toConsole, clock.now);
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
  const requests = createRequestStore(tables, clock.pause);
  const notifications = createNotifications({
    clock,
    ids,
    log,
    requests,
    outbox: createOutbox(tables),
    webhooks: config.webhooks,
    sender: createWebhookSender({
      webhooks: config.webhooks,
      allowPrivate: config.webhooksAllowPrivate,
      now: clock.now,
    }),
    about: { deployment: config.deploymentName, publicUrl: config.publicUrl },
  });
  const writeFacts = config.activityLog === "on" ? createFactLog(log) : () => undefined;
  const tell: Tell = (facts) => {
    writeFacts(facts);
    return notifications.tell(facts);
  };
  const owner: Owner = {
    name: config.deploymentName,
    tag: ids.digest(config.deploymentName).slice(0, 6),
  };
  const settlePorts: SettlePorts = {
    clock,
    ids,
    log,
    gates: createGateStore(tables, clock.pause),
    network: createNetwork({ credential, endpoint, scope, pollMs, owner }),
    activity: tellingActivity(createActivityStore(tables, clock.pause, log), tell),
    owner,
  };
  return {
    ...settlePorts,
    ledger: tellingLedger(createLedger(tables, clock.pause, log), tell),
    anchors: createAnchorStore(tables),
    anchorContainer: openAnchorContainer(config, credential),
    drops: createDropStore(tables),
    retentionDays: config.activityRetentionDays,
    notifications,
    settle: createSettle(settlePorts),
    foresee: createForesee(settlePorts),
    policies: createPolicyStore(tables),
    requests,
    settings: createSettingsStore(tables),
    groupsUsable: config.directory === "graph",
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

/** The container that anchors are copied to, where one is configured. */
function openAnchorContainer(
  { anchorContainer, tablesPrefix }: Config,
  credential: TokenCredential,
): AnchorKeeper | undefined {
  return (
    anchorContainer &&
    createAnchorContainer(
      "url" in anchorContainer ? { ...anchorContainer, credential } : anchorContainer,
      tablesPrefix,
    )
  );
}

/** Composes the app from its settings: the only place that knows everything. */
export function createApp(config: Config) {
  const ports = connect(config);
  const home = config.homeSubscriptionId;
  const signIns = createSignInProblems(ports, home);
  const tellConfiguration = createConfigurationTeller(
    ports,
    toldSettings(config.settings, ids.digest),
    home,
  );
  const routePorts: FrontDoorPorts = {
    ...ports,
    signIns,
    refusalPlaces: createRefusalPlaces(clock, home),
    easyAuth: config.easyAuth === "on" ? { tenantIds: config.entra.tenantIds } : undefined,
    rateLimits: createRateLimits(clock, config.rateLimitScale),
    trustedProxyHops: config.trustedProxyHops,
    workflows: (context) => createWorkflows(df.getClient(context)),
  };
  if (config.easyAuth === "not confirmed by the platform") {
    ports.log.easyAuthIgnored();
  }
  return {
    ...mapped(createRoutes(ports), createRoute(routePorts)),
    healthLive: createOpenRoute(routePorts, async () => ({
      status: 200,
      body: { status: "live" },
    })),
    healthReady: createOpenRoute(routePorts, healthReady(ports)),
    nothingHere: createNothingHere(routePorts),
    openWindows: (input: VmOfRequest) =>
      inRun("openWindows", () => openWindows(ports, input), input.requestId),
    lookAfterWindows: (input: Looking) =>
      inRun("lookAfterWindows", () => lookAfterWindows(ports, input), input.requestId),
    protectPolicy: (input: PolicyToFollow) =>
      inRun("protectPolicy", () => protectPolicy(ports, input)),
    sweep: (context: InvocationContext) =>
      inRun("sweep", async () => {
        const workflows = routePorts.workflows(context);
        // Side by side: a webhook that does not answer keeps no port open. The others never reject.
        await Promise.all([
          sweep({ ...ports, workflows }),
          ports.notifications.sweep(),
          signIns.flush(),
          tellConfiguration(),
        ]);
      }),
    keepActivity: () => inRun("keepActivity", () => keepActivity(ports)),
    healEveryGate: () => inRun("healEveryGate", () => healEveryGate(ports)),
  };
}

/** Every log line of a timer or an activity tells which run of it wrote it, and for which access request. */
function inRun<T>(run: string, work: () => T, accessRequestId?: string): T {
  return inLogContext({ run, runId: ids.next(), accessRequestId }, work);
}

/** Each member through the same function. */
function mapped<K extends string, V, R>(members: Record<K, V>, each: (value: V) => R) {
  return Object.fromEntries(
    Object.entries<V>(members).map(([name, value]) => [name, each(value)]),
  ) as Record<K, R>;
}

let composed: App | undefined;

/** The app of this process, composed on first use from the environment. */
export function theApp(): App {
  composed ??= createApp(readConfig(process.env));
  return composed;
}
