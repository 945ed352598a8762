import { configurators, everybody, machines, objectIds, type Person } from "./estate.ts";
import type { Purpose } from "./fuzz-call.ts";
import { existingPolicy, machineId, pathOfKey, somePolicy, type World } from "./known-world.ts";
import type { Kind } from "./ledger.ts";
import { policyBody } from "./policy-bodies.ts";
import {
  askBody,
  commentBody,
  extensionBody,
  rebindBody,
  someAsker,
  somebodyFor,
} from "./request-bodies.ts";
import type { RequestRecord } from "./request-record.ts";

/** A call as somebody may well make it, before anything is done to it. */
export interface Intent {
  readonly purpose: Purpose;
  readonly method: string;
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly person: Person;
  readonly body?: unknown;
}

const version = [["api-version", "2020-01-01"]] as const;

/** The next thing that somebody wants. */
export function nextIntent(world: World): Intent {
  return world.chance.weighted([
    [3, () => putPolicy(world)],
    [0.4, () => deletePolicy(world)],
    [4, () => getPolicy(world)],
    [3, () => listPolicies(world)],
    [30, () => initiate(world)],
    [5, () => plan(world)],
    [6, () => activity(world)],
    [6, () => requests(world)],
    [7, () => followUp(world, "request", "all")],
    [8, () => followUp(world, "approve", "waiting")],
    [2, () => followUp(world, "deny", "waiting")],
    [5, () => followUp(world, "revoke", "all")],
    [7, () => followUp(world, "extend", "opening")],
    [5, () => followUp(world, "rebind", "opening")],
    [4, () => followUp(world, "review", "breakGlass")],
    [2, () => plain(world, "health", world.chance.pick(["/api/health/live", "/api/health/ready"]))],
    [2, () => plain(world, "nothing", world.chance.pick(nowhere))],
  ]);
}

export function putPolicy(world: World): Intent {
  const person = somebody(world, configurators);
  const body = policyBody(world);
  return {
    purpose: "policy",
    method: "PUT",
    path: somePolicy(world),
    query: version,
    person,
    body,
  };
}

function deletePolicy(world: World): Intent {
  const person = somebody(world, configurators);
  const path = existingPolicy(world);
  return { purpose: "policy", method: "DELETE", path, query: version, person };
}

function getPolicy(world: World): Intent {
  return { ...plain(world, "policy", existingPolicy(world)), query: version };
}

function listPolicies(world: World): Intent {
  const { chance, where } = world;
  const group = chance.pick(["", "", "/resourceGroups/rg-demo", "/resourceGroups/rg-network"]);
  const location = chance.pick(["", "/locations/westeurope"]);
  const path = `/subscriptions/${where.subscriptionId}${group}/providers/Microsoft.Security${location}/jitNetworkAccessPolicies`;
  return { ...plain(world, "policies", path), query: version };
}

function initiate(world: World): Intent {
  const [key, policy] = world.chance.maybe(world.ledger.policies.existing) ?? [];
  if (key === undefined || policy === undefined) {
    return plain(world, "nothing", "/");
  }
  const person = someAsker(world, policy);
  const body = askBody(world, policy, person);
  const path = `${pathOfKey(key)}/initiate`;
  return { purpose: "initiate", method: "POST", path, query: version, person, body };
}

/** What would become of a PUT or a request. */
function plan(world: World): Intent {
  const { path, ...other } = world.chance.isIn(50) ? putPolicy(world) : initiate(world);
  const planPath = path.endsWith("/initiate") ? path.replace(/initiate$/, "plan") : `${path}/plan`;
  return { ...other, purpose: "plan", method: "POST", path: planPath };
}

function activity(world: World): Intent {
  const { chance, where } = world;
  const of = chance.pick([
    ["subscriptionId", where.subscriptionId] as const,
    ["vm", machineId(where, chance.pick([...machines.keys()]))] as const,
  ]);
  const more = chance.some(
    [
      ["top", String(chance.int(1, 30))] as const,
      ["operation", chance.pick(["access.*", "policy.write,gate.clean"])] as const,
      ["outcome", chance.pick(["done", "asked,refused"])] as const,
      ["requestor", chance.pick(["me", objectIds.alice, chance.guid()])] as const,
      ["resourceGroup", "rg-demo"] as const,
      ["text", chance.pick(["vm-linux", "'=1", "💥💥💥"])] as const,
      ["format", chance.pick(["json", "csv", "ndjson"])] as const,
    ],
    2,
  );
  const query = [of, ...more, ...span(world)];
  const path = chance.isIn(10) ? "/api/activity/export" : "/api/activity";
  return { ...plain(world, "activity", path), query };
}

function requests(world: World): Intent {
  const { chance, where } = world;
  const of = chance.pick([
    [],
    [["subscriptionId", where.subscriptionId] as const],
    [["vm", machineId(where, chance.pick([...machines.keys()]))] as const],
    [["policyId", decodeURIComponent(existingPolicy(world))] as const],
    [["awaiting", "me"] as const],
  ]);
  const more = chance.some(
    [
      ["state", chance.pick(["open", "closed", "pending approval", "failed", "opening"])] as const,
      ["requestor", chance.pick(["me", objectIds.alice, chance.guid()])] as const,
      ["breakGlass", chance.pick(["true", "false"])] as const,
      ["top", String(chance.int(1, 30))] as const,
    ],
    2,
  );
  return {
    ...plain(world, "requests", "/api/requests"),
    query: [...of, ...more, ...span(world)],
  };
}

function span({ chance }: World): readonly (readonly [string, string])[] {
  const at = () => new Date(Date.now() - chance.int(0, 3_600_000)).toISOString();
  return chance.isIn(20) ? [["from", at()]] : chance.isIn(10) ? [["to", at()]] : [];
}

/** Something about one request: to look at it, to answer it, to end it or to go on with it. */
function followUp(world: World, purpose: Purpose, kind: Kind): Intent {
  const { chance, ledger } = world;
  const those = chance.isIn(90) ? ledger.recent[kind] : ledger.recent.all;
  // What nobody has spoken about may still be spoken about.
  const left = chance.isIn(70) ? those.filter(isUntouched) : those;
  const record = chance.maybe((left.length > 0 ? left : those).slice(-20));
  const id = record === undefined || chance.isIn(3) ? chance.guid() : record.id;
  const isLook = purpose === "request";
  const path = `/api/requests/${id}${isLook ? "" : `/${purpose}`}`;
  return {
    purpose,
    method: isLook ? "GET" : "POST",
    path,
    query: chance.isIn(50) ? version : [],
    person: speaker(world, purpose, record),
    body: isLook ? undefined : bodyFor(world, purpose),
  };
}

const isUntouched = ({ approvers, wasDenied, endedAt }: RequestRecord): boolean =>
  approvers.size === 0 && wasDenied === undefined && endedAt === undefined;

function speaker(world: World, purpose: Purpose, record: RequestRecord | undefined): Person {
  if (record === undefined) {
    return world.chance.pick(everybody);
  }
  const isOwn = purpose === "extend" || purpose === "rebind" || purpose === "request";
  // Nobody answers a request of their own: some try.
  return world.chance.isIn(isOwn ? 85 : 12) ? record.person : somebodyFor(world, record);
}

function bodyFor(world: World, purpose: Purpose): unknown {
  return purpose === "extend"
    ? extensionBody(world)
    : purpose === "rebind"
      ? rebindBody(world)
      : commentBody(world);
}

function plain({ chance }: World, purpose: Purpose, path: string): Intent {
  return { purpose, method: "GET", path, query: [], person: chance.pick(everybody) };
}

const somebody = ({ chance }: World, right: readonly Person[]): Person =>
  chance.isIn(90) ? chance.pick(right) : chance.pick(everybody);

const nowhere = [
  "/",
  "/api",
  "/api/",
  "/api/requests/x/y/z",
  "/api/health",
  "/api/openapi.json",
  "/favicon.ico",
  "/.env",
  "/admin/host/status",
  "/subscriptions",
] as const;
