import type { Origin } from "../access/request.ts";
import type { Reason } from "../reasons.ts";
import { type Claimed, type Fact, factVersion } from "./fact.ts";

/** Somebody was not let in. */
export interface SignInProblem {
  readonly origin: Origin;
  readonly reasons: readonly Reason[];
  readonly claimed?: Claimed | undefined;
}

/** What makes it a fact: `id` is that of the call, or of the counting; such facts are filed under the subscription of the service itself. */
interface Told {
  readonly id: string;
  readonly at: Date;
  readonly subscriptionId: string;
  /** Where several are told by one fact: how many, the last of them at `at`. */
  readonly times?: number | undefined;
}

/** NB. Nobody has proven who they are: the fact has no actor, and what was claimed is no history of who was named. */
export function signInFact({ origin, reasons, claimed }: SignInProblem, told: Told): Fact {
  return {
    version: factVersion,
    id: `${told.id}.signIn`,
    at: told.at.toISOString(),
    operation: "service.signIn",
    outcome: "refused",
    subscriptionId: told.subscriptionId,
    origin,
    reasons,
    claimed,
    times: told.times,
  };
}
