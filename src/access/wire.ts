import { idKey } from "../policy/resource-id.ts";
import type { Finding } from "../reasons.ts";
import { requestState, type WindowState } from "./life.ts";
import { type AccessRequest, type EndReason, requestedVms, type Window } from "./request.ts";

/** `JitNetworkAccessRequest` of the REST API. */
export interface WireRequest {
  /** Ours: names the request, and how it stands, as far as its VMs are shown. */
  readonly id: string;
  readonly state: WindowState;
  readonly virtualMachines: readonly {
    readonly id: string;
    readonly ports: readonly WireRequestPort[];
  }[];
  readonly startTimeUtc: string;
  readonly requestor: string;
  readonly justification?: string;
}

export interface WireRequestPort {
  readonly number: number;
  readonly allowedSourceAddressPrefix?: string;
  readonly allowedSourceAddressPrefixes?: readonly string[];
  readonly endTimeUtc: string;
  readonly status: "Initiating" | "Initiated" | "Revoked";
  /** The port of the firewall's public address that leads to it. */
  readonly mappedPort?: number;
  readonly statusReason: EndReason | "Failed" | "PendingApproval" | "Denied" | "ExpiredUnanswered";
  /** Ours: why it failed, or what was found beside it. */
  readonly findings?: readonly Finding[];
}

/** A request as the REST API shows it, reduced to the VMs whose key passes `shows`. */
export function wireRequest(
  request: AccessRequest,
  shows: (vmKey: string) => boolean = () => true,
): WireRequest {
  const windows = request.windows.filter(({ vmId }) => shows(idKey(vmId)));
  return {
    id: request.id,
    state: requestState({ windows }),
    virtualMachines: requestedVms({ windows }).map((vmId) => ({
      id: vmId,
      ports: windows.filter((window) => window.vmId === vmId).map(wirePort),
    })),
    startTimeUtc: request.createdAt,
    requestor: request.requestor.name,
    ...(request.justification === undefined ? {} : { justification: request.justification }),
  };
}

function wirePort(window: Window): WireRequestPort {
  const [only, ...more] = window.sources;
  return {
    number: window.port,
    ...(more.length === 0 && only !== undefined
      ? { allowedSourceAddressPrefix: only }
      : { allowedSourceAddressPrefixes: window.sources }),
    endTimeUtc: window.closesAt,
    ...wireStatus(window),
    ...(window.entrance === undefined ? {} : { mappedPort: window.entrance.port }),
    ...wireFindings(window),
  };
}

function wireFindings({ reasons, findings }: Window): Pick<WireRequestPort, "findings"> {
  const told = reasons ?? findings ?? [];
  return told.length === 0 ? {} : { findings: told };
}

/**
 * The API's two status words. `Revoked` is said only when the rule is proven gone: a window that is still being closed
 * stays `Initiated`. What has to do with approvals, and `Failed` as a
 * reason, is ours; the API's enumerations are open to new values.
 */
function wireStatus(window: Window): Pick<WireRequestPort, "status" | "statusReason"> {
  switch (window.state) {
    case "pending approval":
      return { status: "Initiating", statusReason: "PendingApproval" };
    case "approved":
    case "opening":
      return { status: "Initiating", statusReason: "UserRequested" };
    case "open":
    case "closing":
      // One that is closed again without ever having been open was never more than on its way.
      return {
        status:
          window.state === "closing" && window.openedAt === undefined ? "Initiating" : "Initiated",
        statusReason: "UserRequested",
      };
    case "closed":
      return { status: "Revoked", statusReason: window.endReason ?? "Expired" };
    case "failed":
      return { status: "Revoked", statusReason: "Failed" };
    case "denied":
      return { status: "Revoked", statusReason: "Denied" };
    case "expired unanswered":
      return { status: "Revoked", statusReason: "ExpiredUnanswered" };
  }
}
