import type { Protocol } from "../policy/policy.ts";
import type { Finding, Reason } from "../reasons.ts";
import type { Entrance } from "../rules/intent.ts";
import type { WindowState } from "./life.ts";

/** Who asked, answered or ended. Decisions use `tenantId` and `objectId`; the name is for people. */
export interface Requestor {
  readonly tenantId: string;
  readonly objectId: string;
  readonly name: string;
  readonly kind?: "user" | "application" | undefined;
  /** The application that a person used, or that acted: its client id as the token tells it. */
  readonly application?: string | undefined;
}

/** From where somebody called, and the ids by which the call can be found in logs. */
export interface Origin {
  readonly address?: string | undefined;
  /** `x-ms-request-id` of the answer. */
  readonly callId?: string | undefined;
  /** What the caller sent to find several calls together. */
  readonly correlationId?: string | undefined;
}

/** Whether two are the same person or application: by tenant and object id, never by name. */
export function isSamePerson(
  one: Pick<Requestor, "tenantId" | "objectId">,
  other: Pick<Requestor, "tenantId" | "objectId">,
): boolean {
  return (
    one.tenantId.toLowerCase() === other.tenantId.toLowerCase() &&
    one.objectId.toLowerCase() === other.objectId.toLowerCase()
  );
}

/** Why a window ended, in the API's words. */
export type EndReason = "Expired" | "UserRequested" | "NewerRequestInitiated";

/** Where to connect to while a window is open. */
export interface Connection {
  readonly address: string;
  readonly port: number;
}

/** One VM, port, protocol and source set, open until `closesAt`. */
export interface Window {
  /** `{request id}-{position of the VM}-{port}`: letters, digits and dashes, at most 47 characters. */
  readonly id: string;
  readonly vmId: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** `*`, or canonical addresses and CIDR ranges. */
  readonly sources: readonly string[];
  /** ISO 8601, UTC. Of a window that was asked for by its length an estimate until it is proven open. */
  readonly closesAt: string;
  /** How long it was asked for, where no end was named: counts from the moment it is proven open. */
  readonly durationSeconds?: number | undefined;
  /** The end that its rules tell; with `durationSeconds` later than the window's own, as that is known only once they stand. */
  readonly latestEnd?: string | undefined;
  readonly state: WindowState;
  /** When it was proven open. */
  readonly openedAt?: string | undefined;
  readonly closedAt?: string | undefined;
  /** Why it ended; already there while it is being closed when somebody asked for that. */
  readonly endReason?: EndReason | undefined;
  /** Ids of the gates on which it is, or may be, wanted: stored before the first rule is written. */
  readonly gates?: readonly string[] | undefined;
  /** Why it failed, or why closing has not succeeded yet. */
  readonly reasons?: readonly Reason[] | undefined;
  /** What was found beside it when it was opened: ways around our rules. */
  readonly findings?: readonly Finding[] | undefined;
  readonly connection?: Connection | undefined;
  /** While it waits for the update of a firewall: when it will probably be open, ISO 8601. */
  readonly expectedAt?: string | undefined;
  /** Where a firewall lets people in: its public address, and the port there that leads to the VM's. */
  readonly entrance?: Entrance | undefined;
  /** Since when it is being closed, ISO 8601. */
  readonly closingSince?: string | undefined;
}

/** What somebody, or the time, decided about a request. Stored with what follows from it, in one step. */
export interface Decision {
  /** Names the decision and its facts. */
  readonly id: string;
  readonly kind: "approve" | "deny" | "expire" | "escalate" | "revoke" | "review";
  /** Absent where the time decided. */
  readonly by?: Requestor | undefined;
  readonly origin?: Origin | undefined;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly comment?: string | undefined;
  /** Of an escalation: who may answer from then on, in words for people, and until when (ISO 8601). */
  readonly awaits?:
    | { readonly answerBy: string; readonly approvers: readonly string[] }
    | undefined;
  /** Whether its facts are known to be recorded. */
  readonly isTold?: boolean | undefined;
}

/** The approval that a request needs, or had from a rule by itself. */
export interface Approval {
  /** How many different approvers have to agree. */
  readonly needed: number;
  /** ISO 8601: nobody may answer later; absent when a rule approved by itself. */
  readonly answerBy?: string | undefined;
  /** Whether the second circle was asked as well. */
  readonly isEscalated?: boolean | undefined;
  /** A rule of the policy agreed by itself: its place in the list of such rules. */
  readonly automatic?: number | undefined;
}

/** What one person asked for in one `initiate`. */
export interface AccessRequest {
  readonly id: string;
  readonly policyId: string;
  readonly requestor: Requestor;
  readonly justification?: string | undefined;
  readonly origin?: Origin | undefined;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** When the policy that it was checked against was changed last: with its id, the policy's version. */
  readonly policyChangedAt?: string | undefined;
  readonly windows: readonly Window[];
  readonly approval?: Approval | undefined;
  readonly decisions?: readonly Decision[] | undefined;
  /** Opened without an approval, by somebody whom the policy lets in an emergency. */
  readonly isBreakGlass?: boolean | undefined;
  /** A break-glass request has to be looked at afterwards, until then (ISO 8601). */
  readonly review?: { readonly dueAt: string } | undefined;
  /** Tells requests with the same idempotency key apart: a digest of what was asked for. */
  readonly contentDigest?: string | undefined;
  /** The request whose place this one takes once it is open, and why. */
  readonly follows?:
    | { readonly requestId: string; readonly as: "extension" | "rebind" }
    | undefined;
  /** The requests that were asked to take this one's place. */
  readonly followedBy?: readonly string[] | undefined;
}

/** The VMs of a request in the order in which they were asked for; a window's VM is known by its position here. */
export function requestedVms({ windows }: Pick<AccessRequest, "windows">): readonly string[] {
  return [...new Set(windows.map((window) => window.vmId))];
}

/** The windows of the VM at that position. */
export function windowsOfVm(request: AccessRequest, vmIndex: number): readonly Window[] {
  const vmId = requestedVms(request)[vmIndex];
  return request.windows.filter((window) => window.vmId === vmId);
}

/** The request with those of its windows changed. */
export function changeWindows(
  request: AccessRequest,
  windowIds: readonly string[],
  change: (window: Window) => Window,
): AccessRequest {
  const ids = new Set(windowIds);
  const windows = request.windows.map((window) => (ids.has(window.id) ? change(window) : window));
  return { ...request, windows };
}
