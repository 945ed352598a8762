import type { AccessRequest } from "../access/request.ts";
import { hoursExposed, type VmNumbers, vmNumbers } from "../activity/numbers.ts";
import type { Span } from "../activity/spans.ts";
import type { ActivityStore } from "../activity/store.ts";
import { createReader } from "../caller/requirements.ts";
import { mapLimited } from "../map-limited.ts";
import type { Policy } from "../policy/policy.ts";
import { idKey, subscriptionOf } from "../policy/resource-id.ts";
import type { Clock, GateStore, PolicyStore, RequestStore, Rights } from "../ports.ts";
import { type Finding, type Outcome, ok, refused } from "../reasons.ts";
import {
  countedRequests,
  exposuresNow,
  policiesOf,
  type Scope,
  type Some,
  vmsOf,
} from "./numbers-reads.ts";
import { type Answer, problem, problemOf } from "./problem.ts";
import { queryOf, readQueryAs, skipToken, upTo } from "./query-parameters.ts";
import { readSome } from "./read-some.ts";
import type { Call, Handler } from "./route.ts";
import { scopeParameters } from "./scope-parameters.ts";

export interface NumbersPorts {
  readonly clock: Clock;
  readonly rights: Rights;
  readonly gates: GateStore;
  readonly policies: PolicyStore;
  readonly requests: RequestStore;
  readonly activity: ActivityStore;
}

const limits = { days: 31, usualDays: 7, page: 200, usualPage: 100 } as const;
const mostExposures = 1_000;
const parallelReads = 8;
const day = 86_400_000;

/**
 * A request may be open so long after it was made, in milliseconds: two circles answer within seven days each, a window is a day
 * at most, and a day is for closings that take their time.
 */
const openWithin = (7 + 7 + 1 + 1) * day;

const queryShape = queryOf(
  { ...scopeParameters, days: upTo(limits.days), top: upTo(limits.page), $skiptoken: skipToken },
  ["vm", "policyId", "subscriptionId", "days", "top"],
);

interface Asked {
  readonly of: Scope;
  readonly days: number;
  readonly top: number;
  readonly after: string;
}

/**
 * GET /api/activity/numbers: how often and how long VMs were open in the last days, of each that the caller may read. What it costs
 * does not grow with the history: where there is more than is looked at, the answer says so.
 */
export function getNumbers(ports: NumbersPorts): Handler {
  return async (call) => {
    const asked = readQuery(call);
    if (asked.outcome === "refused") {
      return problem(asked);
    }
    const { of, days } = asked.value;
    const to = ports.clock.now();
    const from = new Date(to.getTime() - days * day);
    const mayRead = createReader(await ports.rights.of(call.caller, subscriptionIn(of)));
    if ("vmId" in of && !mayRead(of.vmId)) {
      return mayNot(call, of.vmId, "vm");
    }
    const [policies, requests] = await Promise.all([
      policiesOf(ports, of),
      countedRequests(ports, of, new Date(from.getTime() - openWithin), to),
    ]);
    const readable = [...vmsOf(of, policies.items, requests.items)]
      .filter(([, { vmId, policyIds }]) => mayRead(vmId, ...policyIds))
      .toSorted(([one], [other]) => (one < other ? -1 : 1));
    if ("policyId" in of && readable.length === 0 && !mayRead(of.policyId)) {
      return mayNot(call, of.policyId, "policyId");
    }
    const rest = readable.filter(([key]) => key > asked.value.after);
    const page = rest.slice(0, asked.value.top);
    const found = await exposuresNow(ports, protecting(policies.items, page));
    const within = { from: from.getTime(), to: to.getTime() };
    const value = await mapLimited(page, parallelReads, async ([key, { vmId }]) => {
      // NB. Whoever may read a VM by one policy alone learns nothing of who came by another.
      const seen = requests.items.filter(({ policyId }) => mayRead(vmId, policyId));
      return numbersOf(ports, vmId, seen, found.get(key) ?? [], within);
    });
    const isKnown = readable.length > 0 || mayRead(scopeOf(of));
    return answer(call, value, {
      from: from.toISOString(),
      to: to.toISOString(),
      ...truncation(isKnown, policies, requests),
      next: rest.length > page.length ? page.at(-1)?.[0] : undefined,
    });
  };
}

async function numbersOf(
  { activity }: NumbersPorts,
  vmId: string,
  requests: Parameters<typeof vmNumbers>[1],
  found: readonly Finding[],
  within: Span,
): Promise<VmNumbers> {
  const walk = activity.walk({
    of: { vmId },
    from: new Date(within.from),
    to: new Date(within.to),
    where: { operations: ["exposure.begin", "exposure.end"] },
  });
  const { kept } = await readSome(walk, mostExposures);
  const facts = kept.map(({ fact }) => fact);
  return {
    ...vmNumbers(vmId, requests, within),
    exposedHours: hoursExposed(facts, found, within),
  };
}

/** The policies that protect one of the VMs. */
function protecting(
  policies: readonly Policy[],
  vms: readonly (readonly [string, { readonly policyIds: ReadonlySet<string> }])[],
): readonly Policy[] {
  const ids = new Set(vms.flatMap(([, { policyIds }]) => [...policyIds]));
  return policies.filter(({ id }) => ids.has(idKey(id)));
}

function subscriptionIn(of: Scope): string {
  return "subscriptionId" in of
    ? of.subscriptionId.toLowerCase()
    : (subscriptionOf("vmId" in of ? of.vmId : of.policyId) ?? "");
}

/** NB. A stranger does not learn how much there is. What was asked for before `countedFrom` is not among the numbers. */
function truncation(
  isKnown: boolean,
  policies: Some<Policy>,
  requests: Some<AccessRequest>,
): { readonly isTruncated: boolean; readonly countedFrom?: string | undefined } {
  return {
    isTruncated: isKnown && (policies.isTruncated || requests.isTruncated),
    ...(isKnown && requests.isTruncated ? { countedFrom: requests.items.at(-1)?.createdAt } : {}),
  };
}

function scopeOf(of: Scope): string {
  return "subscriptionId" in of
    ? `/subscriptions/${of.subscriptionId}`
    : "vmId" in of
      ? of.vmId
      : of.policyId;
}

function mayNot({ caller }: Call, scope: string, target: string): Answer {
  return problemOf(
    "AuthorizationFailed",
    `'${caller.name}' may not read the activity of '${scope}'. Ask an owner of that scope for a role assignment.`,
    target,
  );
}

function answer(
  { url }: Call,
  value: readonly VmNumbers[],
  { next, ...told }: { readonly next: string | undefined; readonly [member: string]: unknown },
): Answer {
  if (next === undefined) {
    return { status: 200, body: { ...told, value } };
  }
  const nextLink = new URL(url);
  nextLink.searchParams.set("$skiptoken", next);
  return { status: 200, body: { ...told, value, nextLink: nextLink.toString() } };
}

function readQuery(call: Call): Outcome<Asked> {
  const read = readQueryAs(queryShape, call.url);
  if (read.outcome === "refused") {
    return read;
  }
  const { vm, policyId, subscriptionId, days, top, $skiptoken } = read.value;
  const scopes = [
    ...(vm === undefined ? [] : [{ vmId: vm }]),
    ...(policyId === undefined ? [] : [{ policyId }]),
    ...(subscriptionId === undefined ? [] : [{ subscriptionId }]),
  ];
  const [of] = scopes;
  return of === undefined || scopes.length > 1
    ? refused({
        code: "InvalidQuery",
        message: "Name one of vm, policyId and subscriptionId.",
        target: "vm",
      })
    : ok({
        of,
        days: days ?? limits.usualDays,
        top: top ?? limits.usualPage,
        after: $skiptoken ?? "",
      });
}
