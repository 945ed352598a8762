import { isSamePerson } from "../access/request.ts";
import type { Fact } from "../activity/fact.ts";
import { matches } from "../activity/filter.ts";
import type { ActivityStore } from "../activity/store.ts";
import { mapLimited } from "../map-limited.ts";
import type { Clock, RequestStore, Rights } from "../ports.ts";
import { createActivityDownloads } from "./activity-download.ts";
import { type AskedActivity, isCaller, readActivityQuery } from "./activity-query.ts";
import { type ActivityView, createActivityView, type SeenFact } from "./activity-view.ts";
import { firstSeen } from "./first-seen.ts";
import { type Answer, problem, problemOf } from "./problem.ts";
import { listAnswer } from "./read-policies.ts";
import type { Call, Handler } from "./route.ts";

export interface ActivityPorts {
  readonly clock: Clock;
  readonly rights: Rights;
  readonly requests: RequestStore;
  readonly activity: ActivityStore;
}

const parallelReads = 8;

/** What an answer depends on beside its address. */
const varies = { vary: "accept, accept-encoding" } as const;

/**
 * GET /api/activity: the facts of a VM, a person, a request or a subscription, newest first, as far as the caller may read their scopes;
 * by pages as JSON, or whole as CSV or lines of JSON.
 */
export function listActivity(ports: ActivityPorts): Handler {
  const downloads = createActivityDownloads(ports);
  return async (call) => {
    const asked = await readActivityQuery(ports, call);
    if (asked.outcome === "refused") {
      return problem(asked);
    }
    const { value } = asked;
    const view = createActivityView(ports.rights, call.caller);
    const answer =
      (await refusalOf(value, call, view)) ??
      (value.format === "json"
        ? await pageOf(ports, value, call, view)
        : await downloads.answer(value, value.format, call, seeing(value, view)));
    return { ...answer, headers: { ...varies, ...answer.headers } };
  };
}

/** A VM's facts are for who may read it, or for who asks for those of their own requests; of all else everybody gets what they may read. */
async function refusalOf(
  { named }: AskedActivity,
  { caller }: Call,
  view: ActivityView,
): Promise<Answer | undefined> {
  const { vm } = named;
  if (vm === undefined || isCaller(named.requestor, caller) || (await view.mayRead(vm))) {
    return undefined;
  }
  return problemOf(
    "AuthorizationFailed",
    `'${caller.name}' may not read the activity of '${vm}'. Ask an owner of that scope for a role assignment, or with requestor=me for what became of your own requests.`,
    "vm",
  );
}

async function pageOf(
  ports: ActivityPorts,
  asked: AskedActivity,
  call: Call,
  view: ActivityView,
): Promise<Answer> {
  const see = seeing(asked, view);
  const { of, from, to, top, where } = findable(asked, call);
  const page = await firstSeen(
    asked.continuation,
    (continuation) => ports.activity.list({ of, where, from, to, top, continuation }),
    async (facts) =>
      (await mapLimited(facts, parallelReads, see)).flatMap((seen) => seen?.fact ?? []),
    await mayKnowOfMore(asked, call, view),
  );
  // So that every page is of the same time, however long somebody takes to read them.
  const url = new URL(call.url);
  url.searchParams.set("from", from.toISOString());
  url.searchParams.set("to", to.toISOString());
  return listAnswer({ url }, page.items, page.continuation);
}

/**
 * NB. Of facts of one's own requests a part is not shown. Were a text looked for in all of them, where a page ends would tell what
 * is in that part: it is looked for in what is shown alone.
 */
function findable(asked: AskedActivity, call: Call): AskedActivity {
  return isOfOwn(asked, call) ? { ...asked, where: { ...asked.where, text: undefined } } : asked;
}

const isOfOwn = ({ of, named, request }: AskedActivity, { caller }: Call): boolean =>
  ("person" in of && isCaller(named.requestor, caller)) ||
  (request !== undefined && isSamePerson(request.requestor, caller));

/** NB. What is looked for has to be in what is shown: else a search would tell what was left out. */
function seeing(
  { where = {} }: AskedActivity,
  view: ActivityView,
): (fact: Fact) => Promise<SeenFact | undefined> {
  return async (fact) => {
    const seen = await view.see(fact);
    return seen !== undefined && matches(seen.fact, where) ? seen : undefined;
  };
}

/** Whether the caller may know that there is more though nothing of it is theirs to see: on a scope they may read, and of themselves. */
async function mayKnowOfMore(
  asked: AskedActivity,
  call: Call,
  view: ActivityView,
): Promise<boolean> {
  if (isOfOwn(asked, call)) {
    return true;
  }
  const { named, request } = asked;
  const { vm, subscriptionId, resourceGroup } = named;
  const subscription = `/subscriptions/${subscriptionId}`;
  const scopes = [
    vm,
    subscriptionId && subscription,
    subscriptionId && resourceGroup && `${subscription}/resourceGroups/${resourceGroup}`,
    request?.policyId,
  ].filter((scope) => scope !== undefined && scope !== "");
  const may = await mapLimited(scopes, parallelReads, (scope) => view.mayRead(scope ?? ""));
  return may.some(Boolean);
}
