import { afterTime, revoked } from "../access/approval.ts";
import { isOnItsWay, isOver, requestState, untold } from "../access/life.ts";
import { type AccessRequest, requestedVms, type Window, windowsOfVm } from "../access/request.ts";
import type { Ledger } from "../activity/store.ts";
import { mapLimited } from "../map-limited.ts";
import type { Workflows } from "../ports.ts";
import { isFirewallGate } from "../rules/gate.ts";
import { askedFacts } from "./asked.ts";
import { closeWindows } from "./close-windows.ts";
import { tellDecisions } from "./decisions.ts";
import type { WindowPorts } from "./open-windows.ts";
import { parallelWork } from "./protect.ts";
import { guarded } from "./serial.ts";

export interface SweepPorts extends WindowPorts {
  readonly workflows: Workflows;
  readonly ledger: Pick<Ledger, "complete">;
}

/**
 * After so many milliseconds nobody can be looking after a window any more that is past its end, whose end was asked for, or
 * that still waits to be opened; and an orchestration that is not there has not been started.
 */
const abandoned = { afterEnd: 30_000, waiting: 1_200_000, unstarted: 5_000 } as const;

/** Behind a firewall it may take so much longer, in milliseconds: several updates of minutes, others' among them. */
const firewallWaiting = 2_700_000;

/** So long after it was asked for, in milliseconds, a request that waits is told of again: whoever stored it may not have. */
const untoldFor = 300_000;

/** Takes up requests that nobody looks after, or that only the time moves on; answers how many there were. */
export async function sweepRequests(ports: SweepPorts): Promise<number> {
  const live = await ports.requests.live();
  const swept = await mapLimited(live, parallelWork, (request) =>
    guarded(ports.log, `looking after ${request.id}`, () => sweepRequest(ports, request)),
  );
  return swept.filter((hadWork) => hadWork === true).length;
}

async function sweepRequest(ports: SweepPorts, stored: AccessRequest): Promise<boolean> {
  const request = await moveOn(ports, stored);
  const hadToTell = untold(request).length > 0;
  await tellDecisions(ports, request);
  const now = ports.clock.now().getTime();
  const left = abandonedVms(request, now);
  for (const { vmIndex, windowIds } of left) {
    await closeWindows(ports, {
      requestId: request.id,
      vmIndex,
      windowIds,
      endReason: "Expired",
      attempt: 1,
    });
  }
  if (left.length === 0) {
    await goOn(ports, request, now);
  }
  return hadToTell || left.length > 0;
}

/**
 * NB. Whoever stored or approved a request may have died before it was told, or started: both are done as if anew. Started
 * twice it is started once; nothing is started that left no trace.
 */
async function goOn(ports: SweepPorts, request: AccessRequest, now: number): Promise<void> {
  const age = now - Date.parse(request.createdAt);
  const isUntold =
    requestState(request) === "pending approval" && age >= abandoned.unstarted && age < untoldFor;
  const isUnstarted =
    request.windows.some(isOnItsWay) && since(request) + abandoned.unstarted <= now;
  if (isUntold || isUnstarted) {
    const policy = await ports.policies.get(request.policyId);
    await ports.activity.record(askedFacts(request, policy?.value.accessRules?.approval));
  }
  if (isUnstarted) {
    await ports.workflows.startRequest(request.id, { vmCount: requestedVms(request).length });
  }
}

/** What the time decides about a request that waits for answers. */
async function moveOn(ports: SweepPorts, request: AccessRequest): Promise<AccessRequest> {
  if (requestState(request) !== "pending approval") {
    return request;
  }
  const policy = (await ports.policies.get(request.policyId))?.value;
  const now = ports.clock.now();
  const move = (current: AccessRequest): AccessRequest =>
    policy === undefined || policy.state === "deleting"
      ? withoutPolicy(current, now)
      : afterTime(current, policy.accessRules?.approval, now);
  return move(request) === request
    ? request
    : ((await ports.requests.change(request.id, move)) ?? request);
}

/** NB. Whoever deleted the policy may have died before this: it must not wait for another policy of the same name. */
function withoutPolicy(request: AccessRequest, now: Date): AccessRequest {
  if (requestState(request) !== "pending approval") {
    return request;
  }
  const comment = "The policy was deleted.";
  const id = `${request.id}-deleted`;
  return revoked(request, { id, kind: "revoke", at: now.toISOString(), comment }) ?? request;
}

/** Since when a request may be opened: since it was asked for, or since the last answer that it needed. */
function since({ createdAt, decisions = [] }: AccessRequest): number {
  return Math.max(...[createdAt, ...decisions.map(({ at }) => at)].map((at) => Date.parse(at)));
}

/** Windows that no orchestration ends. One that is there all the same finds them over. */
function abandonedVms(request: AccessRequest, now: number) {
  return requestedVms(request)
    .map((_, vmIndex) => ({
      vmIndex,
      windowIds: windowsOfVm(request, vmIndex)
        .filter((window) => !isOver(window) && isAbandoned(request, window, now))
        .map((window) => window.id),
    }))
    .filter(({ windowIds }) => windowIds.length > 0);
}

/** It is to be opened, or that was given up, or failed, and whoever was closing it may have died. */
function neverOpened(window: Window): boolean {
  return isOnItsWay(window) || (window.state === "closing" && window.openedAt === undefined);
}

/** NB. Its own orchestration may wait for its end, and know nothing of it: a newer window ended it, or its VM was moved. */
const isLeftClosing = ({ state, closingSince }: Window, now: number): boolean =>
  state === "closing" &&
  closingSince !== undefined &&
  Date.parse(closingSince) + abandoned.afterEnd <= now;

const waitingFor = ({ gates = [] }: Window): number =>
  abandoned.waiting + (gates.some(isFirewallGate) ? firewallWaiting : 0);

function isAbandoned(request: AccessRequest, window: Window, now: number): boolean {
  if (window.state === "pending approval") {
    return false;
  }
  const end =
    window.openedAt === undefined ? (window.latestEnd ?? window.closesAt) : window.closesAt;
  const isCounting = window.durationSeconds !== undefined && window.latestEnd === undefined;
  const wasRevoked = window.state === "closing" && window.endReason === "UserRequested";
  return (
    (!isCounting && Date.parse(end) + abandoned.afterEnd <= now) ||
    (wasRevoked && since(request) + abandoned.afterEnd <= now) ||
    isLeftClosing(window, now) ||
    (neverOpened(window) && since(request) + waitingFor(window) <= now)
  );
}
