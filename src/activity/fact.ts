import type { EndReason, Origin, Requestor } from "../access/request.ts";
import type { Reason } from "../reasons.ts";

/** What was done, or asked for. */
export type Operation =
  | "policy.write"
  | "policy.delete"
  /** The rules about requests of a policy were changed; `changes` tells the difference. */
  | "policy.accessRules"
  | "access.initiate"
  /** Somebody agreed to a request, or refused it. */
  | "access.approve"
  | "access.deny"
  /** Nobody answered in time: the request is over, or was put to the second circle. */
  | "access.expire"
  | "access.escalate"
  /** Somebody ended a request before its time. */
  | "access.revoke"
  /** Somebody asked for more time, or for another source; a request of its own follows the older one. */
  | "access.extend"
  | "access.rebind"
  /** A break-glass request was looked at afterwards. */
  | "access.review"
  | "access.open"
  | "access.close"
  /** A gate was not as it had been proven, or a VM not where it had been, and the service put it right by itself. */
  | "gate.repair"
  /** Rules that another product had left behind were removed. */
  | "gate.clean"
  /** Rules of ours on a gate are changed: told before each write, and again when it is read back. */
  | "gate.write"
  /** Something that is not ours keeps a protected port of a VM open outside any window; and that it does no longer. */
  | "exposure.begin"
  | "exposure.end"
  /** Somebody was not let in at all: no token, or none that is valid here. */
  | "service.signIn"
  /** The service runs with other settings than before. */
  | "service.configuration"
  /** A month of activity was dropped, as it is older than is kept. */
  | "activity.drop";

/** How it stands: asked for, done and proven, failed, or refused before anything was touched. */
export type FactOutcome = "asked" | "done" | "failed" | "refused";

/** A gate that a fact is about. */
export interface FactGate {
  readonly id: string;
  /** Names of our rules there that it speaks of. */
  readonly rules: readonly string[];
  /** When it was read back, ISO 8601: only where the fact tells what was found there. */
  readonly readAt?: string | undefined;
  /** The gate's ETag when it was read. */
  readonly etag?: string | undefined;
}

/** The form of facts that this version writes. A reader meets all that were ever written. */
export const factVersion = 1;

/**
 * One audit fact. Append-only: written once, never changed. All kinds in one type, as readers want them; which fields a kind has,
 * says the catalogue in `kinds.ts`.
 */
export interface Fact {
  readonly version: typeof factVersion;
  /**
   * Names the fact, not the row: the same id recorded twice (a retried activity) is one fact.
   * Letters, digits, dashes, dots; at most 200 characters.
   */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly operation: Operation;
  readonly outcome: FactOutcome;
  readonly subscriptionId: string;
  readonly policyId?: string | undefined;
  /** The VM it is about; a policy change is recorded once for each VM it names. */
  readonly vmId?: string | undefined;
  readonly requestId?: string | undefined;
  readonly windowId?: string | undefined;
  /** The request whose place this one takes: of more time, or another source. */
  readonly followsRequestId?: string | undefined;
  /** From where, and in which call, a person asked for it; absent of what the service did by itself. */
  readonly origin?: Origin | undefined;
  /** Who acted; absent when the service acted by itself (a window's end, a sweep). */
  readonly actor?: Requestor | undefined;
  /** Whose request it is about, whoever acted. */
  readonly requestor?: Requestor | undefined;
  readonly port?: number | undefined;
  readonly protocol?: string | undefined;
  readonly sources?: readonly string[] | undefined;
  readonly closesAt?: string | undefined;
  readonly justification?: string | undefined;
  /** What the actor said to it: of an answer, an end, a review. */
  readonly comment?: string | undefined;
  /** Opened without an approval, by somebody who may in an emergency. */
  readonly breakGlass?: boolean | undefined;
  /** Of a request that waits for answers: how many, until when (ISO 8601), and by whom. */
  readonly awaits?:
    | {
        readonly approvals: number;
        readonly answerBy: string;
        readonly approvers: readonly string[];
      }
    | undefined;
  /** The place, from 0, of the policy's auto-approval by which a request needs nobody's answer. */
  readonly approvedByRule?: number | undefined;
  /** What was changed: path, and the values before and after as JSON texts; absent where there was or is none. */
  readonly changes?:
    | readonly {
        readonly path: string;
        readonly before?: string | undefined;
        readonly after?: string | undefined;
      }[]
    | undefined;
  /** Why a window ends. */
  readonly endReason?: EndReason | undefined;
  /** Ids of the gates that were touched, with the names of our rules on them. */
  readonly gates?: readonly FactGate[] | undefined;
  readonly reasons?: readonly Reason[] | undefined;
  /** How often it happened, where several alike are told by one fact. */
  readonly times?: number | undefined;
  /** NB. Whom somebody said to be who was not let in. Proven by nothing: never who acted. */
  readonly claimed?: Claimed | undefined;
}

/** Ids that a token or header tells which was not accepted, lower-case. */
export interface Claimed {
  readonly tenantId?: string | undefined;
  readonly objectId?: string | undefined;
}
