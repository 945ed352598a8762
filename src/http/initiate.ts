import { circlesOf, namesOf } from "../access/circles.ts";
import { isOnItsWay, moveWindow, requestState } from "../access/life.ts";
import { type AccessRequest, requestedVms } from "../access/request.ts";
import { askedFacts } from "../activity/asked-facts.ts";
import type { ActivityStore } from "../activity/store.ts";
import { windowFact } from "../activity/window-facts.ts";
import type { Log } from "../log.ts";
import type { Policy } from "../policy/policy.ts";
import type { Ids, RequestStore, Workflows } from "../ports.ts";
import { type Reason, refusedFor } from "../reasons.ts";
import type { Foresee, ForeseePorts } from "../workflow/foresee.ts";
import { foreseeRequest } from "../workflow/foresee-request.ts";
import {
  type AdmitPorts,
  type Asking,
  admitRequest,
  type Carry,
  readAsking,
} from "./admit-request.ts";
import { identityOf, keyReused, type RequestIdentity } from "./idempotency.ts";
import { type Answer, problem } from "./problem.ts";
import { initiatedJson } from "./request-json.ts";
import { type Call, type Handler, originOf } from "./route.ts";

export interface InitiatePorts extends AdmitPorts, ForeseePorts {
  readonly ids: Ids;
  readonly requests: RequestStore;
  readonly activity: ActivityStore;
  readonly foresee: Foresee;
  readonly log: Log;
}

/** How long a caller waits at most for the look ahead, in milliseconds. */
const foresightMs = 5_000;

/**
 * POST …/initiate: is the body one, may the caller, does the policy allow it, and could it take effect? Then the request
 * is stored and audited, its orchestration started unless it waits for approval, and the caller told at once: opening takes as
 * long as Azure takes.
 */
export function initiate(ports: InitiatePorts): Handler {
  return async (call) => {
    const asking = await readAsking(call);
    return "answer" in asking ? asking.answer : ask(ports, call, asking);
  };
}

/** How a request comes about: by itself, or in the place of an older one. */
export interface Lineage {
  readonly follows?: AccessRequest["follows"];
  readonly carry?: Carry | undefined;
}

const byItself: Lineage = {};

/** Decides, stores, tells and starts what is asked for; the same call twice is one request. */
export async function ask(
  ports: InitiatePorts,
  call: Call,
  asking: Asking,
  lineage: Lineage = byItself,
): Promise<Answer> {
  const { address, content } = asking;
  const about = lineage.follows?.requestId ?? "";
  const identity = await identityOf(ports, call, address.id, content, about);
  if (identity.outcome === "refused") {
    return problem(identity, { vmIds: content.virtualMachines.map((vm) => vm.id) });
  }
  const { known } = identity.value;
  if (known !== undefined) {
    return again(ports, call.workflows, known);
  }
  const admitted = await admitRequest(ports, call, identity.value.id, asking, lineage.carry);
  if ("answer" in admitted) {
    return admitted.answer;
  }
  const { request, policy } = admitted;
  const asked = {
    ...withLineage(request, identity.value, lineage),
    origin: originOf(call),
    policyChangedAt: policy.changedAt,
  };
  const { futile, expectedAt } = await lookAhead(ports, asked);
  const reasons = [...(await tooMany(ports, asked)), ...futile];
  const windows = asked.windows.map((window) =>
    expectedAt === undefined ? window : { ...window, expectedAt: expectedAt.toISOString() },
  );
  return reasons.length > 0
    ? problem(refusedFor(reasons), { vmIds: requestedVms(asked) })
    : accept(ports, call.workflows, policy, { ...asked, windows });
}

/** So many requests that are not over one person or application may have, to ask for one more that waits for an answer. */
const mostLive = 100;

/** NB. What waits costs nothing and is looked at every minute: nobody may have any number of it. */
async function tooMany(
  { requests }: InitiatePorts,
  request: AccessRequest,
): Promise<readonly Reason[]> {
  const waits = requestState(request) === "pending approval";
  if (!waits || (await requests.countLive(request.requestor, mostLive)) < mostLive) {
    return [];
  }
  const message = `You have ${mostLive} requests already that are not over. Wait for answers, or withdraw some.`;
  return [{ code: "TooManyPending", message }];
}

function withLineage(
  request: AccessRequest,
  { contentDigest }: RequestIdentity,
  { follows }: Lineage,
): AccessRequest {
  return {
    ...request,
    ...(contentDigest === undefined ? {} : { contentDigest }),
    ...(follows === undefined ? {} : { follows }),
  };
}

interface Ahead {
  readonly futile: readonly Reason[];
  readonly expectedAt?: Date | undefined;
}

/**
 * Why the request could not take effect, as far as the gates tell right now (a customer's rule would win, no place is left), and
 * when it probably will have where a firewall takes its time. NB. Only a look ahead, so that people are told at once: where Azure is slow or away the request goes on, and opening
 * decides by what it reads then.
 */
async function lookAhead(ports: InitiatePorts, request: AccessRequest): Promise<Ahead> {
  const looked = foreseeRequest(ports, request).then(
    ({ vms, expectedAt }): Ahead => ({ futile: vms.flatMap((vm) => vm.reasons), expectedAt }),
    (error: unknown): Ahead => {
      ports.log.foresightFault({ requestId: request.id, error });
      return { futile: [] };
    },
  );
  const tooLong = ports.clock.pause(foresightMs).then((): Ahead => ({ futile: [] }));
  return Promise.race([looked, tooLong]);
}

/** The same call once more. NB. The first may have ended before it was audited or started, so both are done as if anew. */
async function again(
  ports: InitiatePorts,
  workflows: Workflows,
  known: AccessRequest,
): Promise<Answer> {
  const rules = (await ports.policies.get(known.policyId))?.value.accessRules?.approval;
  await ports.activity.record(askedFacts(known, rules));
  // NB. Somebody may be opening it already: a start that fails here says nothing about that.
  await start(workflows, known);
  return initiatedAnswer(known, namesOf(circlesOf(rules, known)));
}

async function accept(
  ports: InitiatePorts,
  workflows: Workflows,
  policy: Policy,
  request: AccessRequest,
): Promise<Answer> {
  const rules = policy.accessRules?.approval;
  const { follows } = request;
  if (follows !== undefined) {
    // NB. Before it is stored: whoever ends the older one finds this one there, or this one finds it ended.
    await ports.requests.change(follows.requestId, (older) => ({
      ...older,
      followedBy: [...new Set([...(older.followedBy ?? []), request.id])],
    }));
  }
  const stored = await ports.requests.create(request);
  if (stored.contentDigest !== request.contentDigest) {
    // Two calls with one key at the same moment: the other one was quicker.
    return problem(keyReused(), { vmIds: requestedVms(request) });
  }
  // NB. Stored and audited before anything is started: no rule is ever written for a request that left no trace.
  await ports.activity.record(askedFacts(stored, rules));
  try {
    await start(workflows, stored);
  } catch (fault) {
    await giveUp(ports, stored);
    throw fault;
  }
  return initiatedAnswer(stored, namesOf(circlesOf(rules, stored)));
}

/** Starts what is to be opened. Starting twice is starting once. */
async function start(workflows: Workflows, request: AccessRequest): Promise<void> {
  if (request.windows.some(isOnItsWay)) {
    await workflows.startRequest(request.id, { vmCount: requestedVms(request).length });
  }
}

const initiatedAnswer = (request: AccessRequest, approvers: readonly string[] = []): Answer => ({
  status: 202,
  body: initiatedJson(request, approvers),
});

/**
 * Nothing was started: the windows have failed. Should the start have happened all the same, it finds nothing to open. NB. What
 * is wanted on a gate already was started, and is for those to end who look after it.
 */
async function giveUp(ports: InitiatePorts, request: AccessRequest): Promise<void> {
  const at = ports.clock.now();
  const message = "The work behind the request could not be started; ask again.";
  const reasons: readonly Reason[] = [{ code: "ServiceUnavailable", message }];
  await ports.activity.record(
    request.windows.map((window) =>
      windowFact(request, window, { operation: "access.open", outcome: "failed", at, reasons }),
    ),
  );
  await ports.requests.change(request.id, (current) => ({
    ...current,
    windows: current.windows.map((window) =>
      window.gates === undefined
        ? moveWindow(window, "failed", { closedAt: at.toISOString(), reasons })
        : window,
    ),
  }));
}
