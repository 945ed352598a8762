import { randomUUID } from "node:crypto";
import functions from "@azure/functions";
import type { Estate } from "../../local/cloud/estate.ts";
import { createTokenVerifier } from "../../src/azure/entra.ts";
import { createRights } from "../../src/azure/rights.ts";
import type { Caller } from "../../src/caller/caller.ts";
import { createRoute } from "../../src/http/front-door.ts";
import { createRateLimits } from "../../src/http/rate-limits.ts";
import { getPolicy, type ReadPolicyPorts } from "../../src/http/read-policies.ts";
import { createLog } from "../../src/log.ts";
import type { Policy } from "../../src/policy/policy.ts";
import type { Clock, Rights, TokenVerifier } from "../../src/ports.ts";
import { ok } from "../../src/reasons.ts";
import { createActivityStore } from "../../src/tables/activity.ts";
import { createTables } from "../../src/tables/client.ts";
import { createGateStore } from "../../src/tables/gates.ts";
import { createPolicyStore } from "../../src/tables/policies.ts";
import { createRequestStore } from "../../src/tables/requests.ts";
import { getJson } from "../../test/support/https-json.ts";
import type { BenchCloud } from "../sweep/cloud.ts";
import type { Storage } from "../sweep/service.ts";
import { group, type Reader, readers } from "./estate.ts";

/** Reads the policy once; throws when the answer is not the whole policy. */
export type Read = (token: string) => Promise<void>;

export interface Service {
  /** Everybody is who they say and may read everything. */
  readonly readFreely: Read;
  readonly read: Read;
  readonly rights: Rights;
  /** Lets more than a minute pass for the rights: whatever is known is too old. */
  forgetRights(): void;
  /** How often the keys of tokens were fetched. */
  keyFetches(): number;
  readonly vmIds: readonly string[];
  readonly policyId: string;
  readonly callers: Readonly<Record<Reader, Caller>>;
}

export async function createService(
  cloud: BenchCloud,
  estate: Estate,
  storage: Storage,
  vms: number,
): Promise<Service> {
  const clock: Clock = { now: () => new Date(), pause: async () => undefined };
  let aheadMs = 0;
  const rightsClock: Clock = { ...clock, now: () => new Date(Date.now() + aheadMs) };
  const log = createLog(() => undefined);
  const { tenantId, subscriptionId } = estate;
  const rights = createRights({ ...cloud.arm, clock: rightsClock, log, tenantIds: [tenantId] });
  let fetched = 0;
  const tokens = createTokenVerifier({
    authority: cloud.url,
    stsAuthority: cloud.url,
    tenantIds: [tenantId],
    audiences: [estate.application.clientId, estate.application.appIdUri],
    clock,
    fetch: async (url) => {
      fetched += 1;
      return Response.json(await getJson(url, { ca: cloud.ca }));
    },
  });
  const callers = Object.fromEntries(
    readers.map((name) => [name, callerOf(estate, name)]),
  ) as Record<Reader, Caller>;
  const policy = policyOf(subscriptionId, vms);
  const ports = portsOver(storage, clock);
  await ports.policies.put(policy);
  const everything = await rights.of(callers.single, subscriptionId);
  const free = {
    tokens: { verify: async () => ok(callers.single) },
    rights: { of: async () => everything },
  };
  return {
    readFreely: readThrough({ ...ports, ...free, log }, policy),
    read: readThrough({ ...ports, tokens, rights, log }, policy),
    rights,
    forgetRights() {
      aheadMs += 60_000;
    },
    keyFetches: () => fetched,
    vmIds: policy.virtualMachines.map(({ id }) => id),
    policyId: policy.id,
    callers,
  };
}

function portsOver(storage: Storage, clock: Clock) {
  const tables = createTables(storage, { prefix: storage.prefix });
  return {
    clock,
    gates: createGateStore(tables, clock.pause),
    policies: createPolicyStore(tables),
    requests: createRequestStore(tables, clock.pause),
    activity: createActivityStore(tables, clock.pause),
  };
}

type ReadPorts = Omit<ReadPolicyPorts, "rights"> &
  ReturnType<typeof portsOver> & {
    readonly tokens: TokenVerifier;
    readonly rights: Rights;
    readonly log: ReturnType<typeof createLog>;
  };

/** GET of the policy by the front door's own code, as the Functions runtime calls it. */
function readThrough(ports: ReadPorts, policy: Policy): Read {
  const route = createRoute({
    ...ports,
    ids: { next: randomUUID, digest: (text) => text },
    signIns: { tell: async () => undefined, flush: async () => undefined },
    refusalPlaces: (_caller, named) => named,
    trustedProxyHops: 1,
    // One person who calls as often as a thousand.
    rateLimits: createRateLimits(ports.clock, 1_000),
    workflows: () => {
      throw new Error("Reading starts nothing.");
    },
  })({ methods: { GET: getPolicy(ports) } });
  const { subscriptionId, resourceGroup, location, name } = policy;
  return async (token) => {
    const request = new functions.HttpRequest({
      method: "GET",
      url: `https://jit.contoso.example${policy.id}?api-version=2020-01-01`,
      headers: { authorization: `Bearer ${token}`, "x-forwarded-for": "203.0.113.7:51234" },
      params: { subscriptionId, resourceGroup, location, name },
    });
    const { status, body } = await route(request, new functions.InvocationContext());
    const shown = JSON.parse(String(body)) as { properties?: { virtualMachines: unknown[] } };
    if (
      status !== 200 ||
      shown.properties?.virtualMachines.length !== policy.virtualMachines.length
    ) {
      throw new Error(`The policy was answered ${status}: ${String(body).slice(0, 500)}`);
    }
  };
}

function callerOf(estate: Estate, name: Reader): Caller {
  const person = estate.people.find((each) => each.name === name);
  if (person === undefined) {
    throw new Error(`There is nobody called ${name}.`);
  }
  const { objectId, userPrincipalName } = person;
  return { tenantId: estate.tenantId, objectId, name: userPrincipalName, kind: "user" };
}

function policyOf(subscriptionId: string, vms: number): Policy {
  const scope = `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers`;
  const place = { location: "westeurope", name: "bench" };
  return {
    id: `${scope}/Microsoft.Security/locations/${place.location}/jitNetworkAccessPolicies/${place.name}`,
    subscriptionId,
    resourceGroup: group,
    ...place,
    kind: "Basic",
    virtualMachines: Array.from({ length: vms }, (_, index) => ({
      id: `${scope}/Microsoft.Compute/virtualMachines/vm-${index}`,
      ports: [
        {
          number: 22,
          protocol: "TCP",
          allowedSourceAddressPrefix: "*",
          maxRequestAccessDuration: "PT3H",
        },
      ],
    })),
    gates: [],
    state: "settled",
    changedAt: new Date().toISOString(),
  };
}
