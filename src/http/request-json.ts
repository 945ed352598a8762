import { agreed } from "../access/approval.ts";
import { isOnItsWay, isOver, requestState } from "../access/life.ts";
import type { AccessRequest, Decision, Requestor, Window } from "../access/request.ts";
import { wireRequest } from "../access/wire.ts";
import { formatDuration } from "../policy/duration.ts";
import { idKey } from "../policy/resource-id.ts";

/** The answer to an initiate: Azure's own members, and ours about what happens next. */
export function initiatedJson(request: AccessRequest, approvers: readonly string[]) {
  return {
    ...wireRequest(request),
    ...expectedPart(request),
    ...approvalPart(request, approvers),
    ...emergencyPart(request),
  };
}

/** When all of a request will probably be open, where the update of a firewall has to be waited for. */
function expectedPart({ windows }: AccessRequest) {
  const expected = windows.flatMap((window) =>
    isOnItsWay(window) ? (window.expectedAt ?? []) : [],
  );
  const [expectedAt] = expected.toSorted().toReversed();
  return expectedAt === undefined ? {} : { expectedAt };
}

/** A request of ours, reduced to the VMs whose key passes `shows`. `approvers` are those who may answer, in words for people. */
export function requestJson(
  request: AccessRequest,
  shows: (vmKey: string) => boolean = () => true,
  approvers: readonly string[] = [],
) {
  const windows = request.windows.filter((window) => shows(idKey(window.vmId)));
  return {
    id: request.id,
    state: requestState({ windows }),
    policyId: request.policyId,
    requestor: personJson(request.requestor),
    justification: request.justification,
    createdAt: request.createdAt,
    ...approvalPart(request, approvers),
    ...emergencyPart(request),
    follows: request.follows,
    followedBy: request.followedBy,
    decisions: (request.decisions ?? []).map(decisionJson),
    windows: windows.map(windowJson),
  };
}

/** Ids of directory objects are for machines; a person is shown by name, and told apart by id. */
const personJson = ({ tenantId, objectId, name, kind }: Requestor) => ({
  name,
  tenantId,
  objectId,
  kind,
});

function decisionJson({ kind, by, at, comment }: Decision) {
  return { kind, at, by: by === undefined ? undefined : personJson(by), comment };
}

/** What is told of a request's approval; nothing where none is asked for. */
export function approvalPart(request: AccessRequest, approvers: readonly string[]) {
  const { approval } = request;
  if (approval === undefined) {
    return {};
  }
  const { needed, answerBy, isEscalated, automatic } = approval;
  const isPending = requestState(request) === "pending approval";
  return {
    approval: {
      needed,
      given: agreed(request).length,
      ...(automatic === undefined ? {} : { automatic: true }),
      ...(answerBy === undefined ? {} : { answerBy }),
      ...(isEscalated === true ? { escalated: true } : {}),
      ...(isPending ? { approvers } : {}),
    },
  };
}

function emergencyPart({ isBreakGlass, review, decisions = [] }: AccessRequest) {
  if (isBreakGlass !== true) {
    return {};
  }
  const done = decisions.find(({ kind }) => kind === "review");
  return {
    breakGlass: true,
    review: {
      dueAt: review?.dueAt,
      state: done === undefined ? "due" : "reviewed",
      by: done?.by === undefined ? undefined : personJson(done.by),
      at: done?.at,
      comment: done?.comment,
    },
  };
}

function windowJson(window: Window) {
  const { id, vmId, port, protocol, sources, state, closesAt, openedAt, closedAt } = window;
  const { endReason, gates, reasons, findings, connection, durationSeconds } = window;
  const { expectedAt, entrance } = window;
  return {
    id,
    vmId,
    port,
    protocol,
    sources,
    state,
    openedAt,
    closesAt,
    // Until it is proven open, the end of a window that was asked for by its length is an estimate.
    ...(openedAt === undefined && durationSeconds !== undefined
      ? { duration: formatDuration(Math.round(durationSeconds)) }
      : {}),
    ...(expectedAt === undefined || openedAt !== undefined || isOver(window) ? {} : { expectedAt }),
    ...(entrance === undefined
      ? {}
      : { publicIpAddress: entrance.address, mappedPort: entrance.port }),
    closedAt,
    endReason,
    gates,
    reasons,
    findings,
    ...(connection === undefined || state !== "open"
      ? {}
      : { connection: { ...connection, command: commandFor(connection, port) } }),
  };
}

/** What to type to connect, for the ports of which everybody uses the same client. */
function commandFor(
  { address, port }: { readonly address: string; readonly port: number },
  machinePort: number,
): string | undefined {
  const host = address.includes(":") ? `[${address}]` : address;
  switch (machinePort) {
    case 22:
      return port === 22 ? `ssh ${address}` : `ssh -p ${port} ${address}`;
    case 3389:
      return `mstsc /v:${host}:${port}`;
    case 5985:
      return `Enter-PSSession -ComputerName ${address} -Port ${port}`;
    case 5986:
      return `Enter-PSSession -ComputerName ${address} -Port ${port} -UseSSL`;
    default:
      return undefined;
  }
}
