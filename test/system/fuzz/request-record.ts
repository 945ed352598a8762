import type { Person } from "./estate.ts";

/** One port of a machine that a request was granted, as it was asked for. */
export interface WindowRecord {
  readonly machine: string;
  readonly port: number;
  readonly sources: readonly string[];
  /** When it ends at the latest, in milliseconds since 1970; of one that lasts so many seconds from when it is open, nothing. */
  readonly endsAt: number | undefined;
  readonly seconds: number;
  /** As the policy had it; where that is not certain, each that may be. */
  protocols: ReadonlySet<string>;
  /** When a rule of it was first seen, in milliseconds since 1970. */
  seenAt?: number;
}

/** A request that was answered 202, and what people said about it since. */
export interface RequestRecord {
  readonly id: string;
  readonly person: Person;
  readonly policyKey: string;
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly windows: readonly WindowRecord[];
  readonly justification: string;
  readonly isBreakGlass: boolean;
  /** Whether it may open though nobody agreed. */
  readonly needsNobody: boolean;
  /** The request that it took the place of with the same approvals. */
  readonly carriedFrom: RequestRecord | undefined;
  /** Whoever agreed, and might. */
  readonly approvers: Set<Person>;
  /** When its end was answered, by a denial, a revocation or the end of its policy, in milliseconds since 1970. */
  endedAt?: number;
  wasDenied?: boolean;
}
