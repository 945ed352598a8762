import { authorizationResources } from "./authorization/parts.ts";
import { authorizationRoutes } from "./authorization/routes.ts";
import { createScopeCheck } from "./authorization/scope.ts";
import { computeRoutes } from "./compute/routes.ts";
import { createDataPlane } from "./data-plane/data-plane.ts";
import { createInForce } from "./data-plane/in-force.ts";
import type { MachinePort } from "./data-plane/machine-port.ts";
import { createDirectory, directoryResources } from "./entra/directory.ts";
import { createEntra } from "./entra/entra.ts";
import type { Behaviour, Estate, Timing } from "./estate.ts";
import { createFaults, type Faults } from "./faults/faults.ts";
import { withPast } from "./faults/past.ts";
import { createFrontDoor } from "./front-door.ts";
import { graphRoutes } from "./graph/routes.ts";
import { ruleCollectionGroupRoutes } from "./network/firewall/group-routes.ts";
import { firewallRoutes } from "./network/firewall/routes.ts";
import { createFirewallWrites, endFirewallOperation } from "./network/firewall/writes.ts";
import { nsgRoutes, securityRuleRoutes } from "./network/nsg-routes.ts";
import { createNsgWrites, endNsgOperation } from "./network/nsg-writes.ts";
import { operationRoutes } from "./network/operation-links.ts";
import { readOnlyNetworkRoutes } from "./network/read-only-routes.ts";
import { createOperations } from "./operations.ts";
import { createRequestLog, type RequestLog } from "./request-log.ts";
import { createResources, newEtag, type Resources } from "./resources.ts";
import { listenOnLoopback } from "./server.ts";
import { createStateFile, readState, type State } from "./state-file.ts";
import { subscriptionRoutes } from "./subscriptions.ts";
import { createThrottle } from "./throttle.ts";
import { webhookSinkRoutes } from "./webhook-sink.ts";

/** A running pretend cloud: ARM, Entra ID and Microsoft Graph behind one HTTPS address. */
export interface Cloud {
  /** `https://localhost:port`, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** What it holds. A `put` here changes the estate under the running system, as an administrator would. */
  readonly resources: Resources;
  readonly requests: RequestLog;
  /** Troubles of Azure on demand, for requests to ARM and Graph. */
  readonly faults: Faults;
  /** Where ports of machines, and of firewalls in front of them, answer, and what a new connection to each would meet now. */
  machinePorts(): readonly MachinePort[];
  /** Saves and stops; operations that still run go on after the next start with the same state file. */
  stop(): Promise<void>;
}

export interface CloudOptions {
  readonly estate: Estate;
  /** 0 takes any free one. */
  readonly port: number;
  readonly tls: { readonly key: string | Buffer; readonly cert: string | Buffer };
  /** Where the state survives a restart; without it the cloud starts from the estate each time. */
  readonly stateFile?: string;
  /** Wins over the estate's own. */
  readonly timing?: Partial<Timing>;
  /** Wins over the estate's own. */
  readonly behaviour?: Partial<Behaviour>;
  readonly now?: () => Date;
  /** Where the signing key of tokens is kept between starts. */
  readonly keyFile?: string;
  /** What callers of the managed-identity endpoint have to send; without it nobody is served. */
  readonly identityHeader?: string | undefined;
  /** The service identity's secret for the client credentials grant; without it that grant is refused. */
  readonly clientSecret?: string | undefined;
}

/** Ten times Azure's limits: a demo or a test never meets 429 by accident, and 1 in the estate file gives Azure's own. */
const defaultBehaviour: Behaviour = {
  parallelWrites: "supersede",
  dnatAgainstDeny: "deny wins",
  firewallIfMatch: "honoured",
  failedFirewallUpdate: "shows what was asked",
  throttlingScale: 10,
  pageSize: 100,
};

/** Starts on loopback only. Throws when the state file belongs to another estate. */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const { estate, stateFile: file, now = () => new Date() } = options;
  const timing: Timing = { ...estate.timing, ...options.timing };
  const behaviour: Behaviour = { ...defaultBehaviour, ...estate.behaviour, ...options.behaviour };
  const { retryAfterSeconds } = timing;
  const { pageSize, parallelWrites } = behaviour;

  const initial = readState(file, estate) ?? freshState(estate);
  const stateFile = createStateFile(file, estate, () => ({
    resources: resources.snapshot(),
    operations: operations.snapshot(),
    stillInForce: inForce.snapshot(),
  }));
  const inForce = createInForce(
    createResources(initial.resources, stateFile.changed),
    initial.stillInForce,
  );
  const resources = withPast(inForce.resources);
  const directory = createDirectory(resources);
  const operations = createOperations({
    initial: initial.operations,
    durationMs: timing.nsgWriteMs,
    now,
    ended(operation) {
      endNsgOperation(resources, operation);
      endFirewallOperation(resources, operation, behaviour.failedFirewallUpdate);
    },
    changed: stateFile.changed,
  });

  let url = "";
  const entra = await createEntra({
    estate,
    issuedFor: () => url,
    now,
    keyFile: options.keyFile,
    identityHeader: options.identityHeader,
    clientSecret: options.clientSecret,
  });
  const writes = createNsgWrites({ resources, operations, parallelWrites });
  const nsg = { resources, writes, pageSize, retryAfterSeconds };
  const firewall = {
    resources,
    writes: createFirewallWrites({ resources, operations, updateMs: timing.firewallUpdateMs }),
    ifMatch: behaviour.firewallIfMatch,
    pageSize,
    retryAfterSeconds,
  };
  const requests = createRequestLog();
  const faults = createFaults({ resources, operations });
  const dataPlane = createDataPlane({
    entries: estate.dataPlane ?? [],
    inForce,
    dnatAgainstDeny: behaviour.dnatAgainstDeny,
  });
  const answer = createFrontDoor({
    routes: [
      ...requests.routes,
      ...webhookSinkRoutes(now),
      ...faults.routes,
      ...dataPlane.routes,
      ...entra.routes,
      ...authorizationRoutes({
        resources,
        directory,
        isAtOrAbove: createScopeCheck(estate),
        tenantId: estate.tenantId,
        pageSize: options.behaviour?.pageSize ?? estate.behaviour?.pageSize ?? 1_000,
        now,
      }),
      ...graphRoutes(directory),
      ...subscriptionRoutes(estate, pageSize),
      ...computeRoutes(resources, pageSize),
      ...readOnlyNetworkRoutes(resources, pageSize),
      ...nsgRoutes(nsg),
      ...securityRuleRoutes(nsg),
      ...firewallRoutes(firewall),
      ...ruleCollectionGroupRoutes(firewall),
      ...operationRoutes(operations, retryAfterSeconds),
    ],
    verifyArmToken: entra.verifyArmToken,
    verifyGraphToken: entra.verifyGraphToken,
    subscriptionId: estate.subscriptionId,
    resources,
    throttle: createThrottle(behaviour.throttlingScale, now),
    faults,
    log: requests,
    now,
    readMs: timing.readMs,
    saved: stateFile.saved,
  });
  const listening = await listenOnLoopback({ port: options.port, tls: options.tls, answer });
  url = `https://localhost:${listening.port}`;
  await dataPlane.listen();
  return {
    url,
    port: listening.port,
    resources,
    requests,
    faults,
    machinePorts: () => dataPlane.ports(),
    async stop() {
      operations.stop();
      await Promise.all([listening.close(), dataPlane.stop()]);
      await stateFile.saved();
    },
  };
}

function freshState(estate: Estate): State {
  const all = [
    ...estate.resources,
    ...authorizationResources(estate),
    ...directoryResources(estate),
  ];
  return { resources: all.map((resource) => ({ resource, etag: newEtag() })), operations: [] };
}
