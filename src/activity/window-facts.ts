import type { AccessRequest, EndReason, Origin, Requestor, Window } from "../access/request.ts";
import { subscriptionOf } from "../policy/resource-id.ts";
import type { Reason } from "../reasons.ts";
import { type Fact, type FactOutcome, factVersion, type Operation } from "./fact.ts";

/** The audit fact of one window. `step` makes its id: the same window and step is the same fact, however often it is told. */
export function windowFact(
  request: AccessRequest,
  window: Window,
  told: {
    readonly operation: Operation;
    readonly outcome: FactOutcome;
    readonly at: Date;
    readonly step?: string | undefined;
    /** Who acted; absent when the service did. */
    readonly by?: Requestor | undefined;
    /** From where they called; absent when the service acted. */
    readonly origin?: Origin | undefined;
    readonly comment?: string | undefined;
    readonly awaits?: Fact["awaits"];
    readonly approvedByRule?: number | undefined;
    readonly endReason?: EndReason;
    readonly gates?: Fact["gates"];
    readonly reasons?: readonly Reason[] | undefined;
  },
): Fact {
  return {
    version: factVersion,
    id: [
      window.id,
      told.operation,
      told.outcome,
      ...(told.step === undefined ? [] : [told.step]),
    ].join("."),
    at: told.at.toISOString(),
    operation: told.operation,
    outcome: told.outcome,
    subscriptionId: subscriptionOf(request.policyId) ?? "",
    policyId: request.policyId,
    vmId: window.vmId,
    requestId: request.id,
    windowId: window.id,
    actor: told.by,
    origin: told.origin,
    requestor: request.requestor,
    port: window.port,
    protocol: window.protocol,
    sources: window.sources,
    closesAt: window.closesAt,
    justification: request.justification,
    comment: told.comment,
    ...(request.isBreakGlass === true ? { breakGlass: true } : {}),
    ...(request.follows === undefined ? {} : { followsRequestId: request.follows.requestId }),
    awaits: told.awaits,
    approvedByRule: told.approvedByRule,
    endReason: told.endReason,
    gates: told.gates,
    reasons: told.reasons,
  };
}
