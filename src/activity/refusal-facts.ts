import type { Origin, Requestor } from "../access/request.ts";
import type { Reason } from "../reasons.ts";
import { type Fact, factVersion, type Operation } from "./fact.ts";

/** A fact holds so many reasons of a refusal; the caller is told all of them. */
const mostReasons = 10;

/** What a known caller asked for and was refused. */
export interface RefusedCall {
  /** The id of the call. */
  readonly id: string;
  readonly at: Date;
  readonly operation: Operation;
  readonly subscriptionId: string;
  readonly policyId?: string | undefined;
  readonly requestId?: string | undefined;
  /** The VMs it named. */
  readonly vmIds: readonly string[];
  readonly actor: Requestor;
  readonly origin: Origin;
  readonly reasons: readonly Reason[];
}

/** The facts of a refusal: one for each VM that was named, or one for all that was asked. */
export function refusalFacts({ id, at, vmIds, reasons, ...call }: RefusedCall): readonly Fact[] {
  const named: readonly (string | undefined)[] = vmIds.length > 0 ? vmIds : [undefined];
  return named.map((vmId, index) => ({
    version: factVersion,
    id: `${id}.refused.${index}`,
    at: at.toISOString(),
    outcome: "refused",
    ...call,
    vmId,
    reasons: reasons.slice(0, mostReasons),
  }));
}
