import type { Protocol } from "../policy/policy.ts";
import type { Finding, Reason } from "../reasons.ts";

/** Who asked. Decisions use `tenantId` and `objectId`; the name is for people. */
export interface Requestor {
  readonly tenantId: string;
  readonly objectId: string;
  readonly name: string;
}

/**
 * The states of a window. `closed` and `failed` are final, and both mean that no rule of it is left:
 * `failed` was never proven open.
 */
export type WindowState = "opening" | "open" | "closing" | "closed" | "failed";

/** Why a window ended, in the API's words. */
export type EndReason = "Expired" | "UserRequested" | "NewerRequestInitiated";

/** One VM, port, protocol and source set, open until `closesAt`. */
export interface Window {
  /** `{request id}-{position of the VM}-{port}`: letters, digits and dashes, at most 47 characters. */
  readonly id: string;
  readonly vmId: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** `*`, or canonical addresses and CIDR ranges. */
  readonly sources: readonly string[];
  /** ISO 8601, UTC. */
  readonly closesAt: string;
  readonly state: WindowState;
  readonly openedAt?: string | undefined;
  readonly closedAt?: string | undefined;
  readonly endReason?: EndReason | undefined;
  /** Ids of the gates on which it is, or may be, wanted: stored before the first rule is written. */
  readonly gates?: readonly string[] | undefined;
  /** Why it failed, or why closing has not succeeded yet. */
  readonly reasons?: readonly Reason[] | undefined;
  /** What was found beside it when it was opened: ways around our rules. */
  readonly findings?: readonly Finding[] | undefined;
}

/** What one person asked for in one `initiate`. */
export interface AccessRequest {
  readonly id: string;
  readonly policyId: string;
  readonly requestor: Requestor;
  readonly justification?: string | undefined;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly windows: readonly Window[];
}

/** Whether nothing of the window is left on any gate, for good. */
export function isOver(window: Window): boolean {
  return window.state === "closed" || window.state === "failed";
}

/** Legal moves of a window. A move to the state it is in is no move: retried work may say the same thing twice. */
const moves: Readonly<Record<WindowState, readonly WindowState[]>> = {
  opening: ["open", "closing", "closed", "failed"],
  open: ["closing", "closed"],
  closing: ["closed", "failed"],
  closed: [],
  failed: [],
};

/** The window in its new state, or as it was when the move is not a legal one (a late or repeated report). */
export function moveWindow(
  window: Window,
  to: WindowState,
  facts: Partial<Omit<Window, "id" | "state">>,
): Window {
  return moves[window.state].includes(to) ? { ...window, ...facts, state: to } : window;
}

/** The VMs of a request in the order in which they were asked for; a window's VM is known by its position here. */
export function requestedVms(request: AccessRequest): readonly string[] {
  return [...new Set(request.windows.map((window) => window.vmId))];
}

/** The windows of the VM at that position. */
export function windowsOfVm(request: AccessRequest, vmIndex: number): readonly Window[] {
  const vmId = requestedVms(request)[vmIndex];
  return request.windows.filter((window) => window.vmId === vmId);
}
