/** What the evidence of a request tells. Times are ISO 8601, UTC; `fact` and `facts` are ids of facts that {@link Evidence.facts} lists. */

import type { WindowState } from "../access/life.ts";
import type { EndReason, Origin, Requestor } from "../access/request.ts";
import type { Protocol } from "../policy/policy.ts";
import type { Reason } from "../reasons.ts";
import type { FactOutcome, Operation } from "./fact.ts";
import type { ChainPosition } from "./store.ts";

/** A person or application; from where they called only for those who may read what it is about. */
export interface Witness extends Requestor {
  readonly origin?: Origin | undefined;
}

/** Something that should be proven, and is not. */
export interface Missing {
  readonly code:
    | "AskedNotRecorded"
    | "DecisionNotRecorded"
    | "OpenNotProven"
    | "CloseNotProven"
    | "WriteNotRecorded"
    | "PolicyNotKnown"
    | "TooLong";
  /** A sentence for people. */
  readonly message: string;
  readonly windowId?: string | undefined;
  readonly gateId?: string | undefined;
}

/** A time with a beginning and an end; without `to` it goes on. */
export interface TimeOpen {
  readonly from: string;
  readonly to?: string | undefined;
  /** To the hundredth; of one that goes on, until the evidence's `asOf`. */
  readonly minutes: number;
}

/** A write of our rules on a gate, as it was told before, or after it was read back, or when it failed. */
export interface WriteTold {
  readonly at: string;
  readonly outcome: FactOutcome;
  /** By name of the rule: what it was and what it becomes, as JSON. */
  readonly changes: readonly {
    readonly rule: string;
    readonly before?: string | undefined;
    readonly after?: string | undefined;
  }[];
  /** How many more changes the write had that its fact does not tell. */
  readonly untold?: number | undefined;
  /** When the gate was read; of a fact before the write only `etag` tells what it was then. */
  readonly readAt?: string | undefined;
  readonly etag?: string | undefined;
  readonly reasons?: readonly Reason[] | undefined;
  readonly fact: string;
}

/** Whether something was read back from a gate, in words, and when. */
export interface Proof {
  readonly proven: boolean;
  readonly message: string;
  /** When the audit was told. */
  readonly toldAt?: string | undefined;
  /** When the gate was read; older facts do not tell. */
  readonly readAt?: string | undefined;
  readonly etag?: string | undefined;
  /** The rules that were found, of an opening. */
  readonly rules?: readonly string[] | undefined;
  readonly fact?: string | undefined;
}

export interface EvidenceGate {
  readonly id: string;
  readonly writes: readonly WriteTold[];
  readonly opened: Proof;
  readonly closed: Proof;
}

/** Something that was put right by the service, or came to nothing. */
export interface Incident {
  readonly at: string;
  readonly operation: Operation;
  readonly outcome: FactOutcome;
  readonly gateId?: string | undefined;
  readonly rules?: readonly string[] | undefined;
  readonly actor?: Witness | undefined;
  readonly reasons?: readonly Reason[] | undefined;
  readonly fact: string;
}

export interface EvidenceWindow {
  readonly id: string;
  readonly vmId: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly sources: readonly string[];
  readonly state: WindowState;
  readonly closesAt: string;
  readonly openedAt?: string | undefined;
  readonly closedAt?: string | undefined;
  readonly endReason?: EndReason | undefined;
  readonly reasons?: readonly Reason[] | undefined;
  readonly gates: readonly EvidenceGate[];
  readonly exposure: {
    /** From the proof that it was open to the first thing that may have closed it. */
    readonly proven?: TimeOpen | undefined;
    /** From the first write that may have opened it to the proof that it was closed. */
    readonly possible?: TimeOpen | undefined;
  };
  readonly repairs: readonly Incident[];
  readonly failures: readonly Incident[];
}

export interface EvidenceDecision {
  readonly id: string;
  readonly kind: string;
  readonly at: string;
  /** Absent where the time decided. */
  readonly by?: Witness | undefined;
  readonly comment?: string | undefined;
  readonly awaits?:
    | { readonly answerBy: string; readonly approvers: readonly string[] }
    | undefined;
  /** The request that it was given to, where it went on to this one. */
  readonly carriedFrom?: string | undefined;
  readonly facts: readonly string[];
}

/** The policy that the request was checked against: `changedAt` is its version. */
export interface EvidencePolicy {
  readonly id: string;
  readonly changedAt?: string | undefined;
  /**
   * `unchanged`: what it says now is what it said then. `changed since`: the activity tells the change that made this version, and of
   * VMs that it left as they were the last one before. `not known`: neither. `not shown`: the caller may not read it.
   */
  readonly known: "unchanged" | "changed since" | "not known" | "not shown";
  /** Of the ports asked for, and the rules about requests. */
  readonly terms?: unknown;
  readonly changes?:
    | readonly {
        /** Absent of the rules about requests. */
        readonly vmId?: string | undefined;
        readonly path: string;
        readonly before?: string | undefined;
        readonly after?: string | undefined;
      }[]
    | undefined;
  readonly facts: readonly string[];
}

/** A fact that was used, and where it stands in the chain that it was read from. */
export interface UsedFact {
  readonly id: string;
  readonly at: string;
  readonly operation: Operation;
  readonly outcome: FactOutcome;
  readonly windowId?: string | undefined;
  readonly position: ChainPosition;
}

/** The whole story of a request, from what is stored and from the audit. */
export interface Evidence {
  readonly version: 1;
  readonly requestId: string;
  /** The moment up to which it tells; of a request that is over, that of the last thing it tells. */
  readonly asOf: string;
  /** Whether everything that should be proven by now is. */
  readonly complete: boolean;
  readonly missing: readonly Missing[];
  /** Whether VMs, or facts, are left out that the caller may not see. */
  readonly partial: boolean;
  readonly request: {
    readonly state: WindowState;
    readonly requestor: Witness;
    readonly createdAt: string;
    readonly justification?: string | undefined;
    readonly breakGlass?:
      | {
          readonly reviewDueAt?: string | undefined;
          readonly reviewedBy?: Witness | undefined;
          readonly reviewedAt?: string | undefined;
          readonly comment?: string | undefined;
        }
      | undefined;
    readonly approval?:
      | {
          readonly needed: number;
          readonly given: number;
          readonly answerBy?: string | undefined;
          readonly escalated?: boolean | undefined;
          /** The place, from 0, of the policy's auto-approval that agreed by itself. */
          readonly approvedByRule?: number | undefined;
        }
      | undefined;
    readonly facts: readonly string[];
  };
  readonly follows?:
    | { readonly requestId: string; readonly as: string; readonly evidence: string }
    | undefined;
  readonly followedBy: readonly { readonly requestId: string; readonly evidence: string }[];
  readonly policy: EvidencePolicy;
  readonly decisions: readonly EvidenceDecision[];
  readonly windows: readonly EvidenceWindow[];
  readonly refusals: readonly Incident[];
  /** Of all windows that are shown, added up. */
  readonly minutes: { readonly proven: number; readonly possible: number };
  readonly facts: readonly UsedFact[];
  /** How much is not told because there is too much of it. */
  readonly leftOut: {
    readonly facts: number;
    readonly windows: number;
    readonly writes: number;
    readonly incidents: number;
  };
}
