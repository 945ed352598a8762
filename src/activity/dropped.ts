import type { Digest } from "../ports.ts";
import { type Fact, factVersion } from "./fact.ts";

/** What is known of a month before it is dropped, of one subscription. */
export interface DroppedPart {
  readonly subscriptionId: string;
  readonly facts: number;
  /** Of its days; those of VMs, people and requests go with them. */
  readonly chains: number;
}

/** Tells that a month of a subscription's activity is to be dropped (asked), or is (done). */
export function dropFact(
  month: string,
  { subscriptionId, facts, chains }: DroppedPart,
  outcome: "asked" | "done",
  at: Date,
  digest: Digest,
): Fact {
  return {
    version: factVersion,
    id: `activity.drop.${month}.${digest(subscriptionId.toLowerCase()).slice(0, 32)}.${outcome}`,
    at: at.toISOString(),
    operation: "activity.drop",
    outcome,
    subscriptionId,
    changes: [
      { path: "month", before: JSON.stringify(month) },
      { path: "facts", before: JSON.stringify(facts) },
      { path: "chains", before: JSON.stringify(chains) },
    ],
  };
}

/** Whether a fact says that the month, such as `2026-05`, was dropped. */
export function tellsDrop({ operation, changes = [] }: Fact, month: string): boolean {
  return (
    operation === "activity.drop" &&
    changes.some(({ path, before }) => path === "month" && before === JSON.stringify(month))
  );
}

/** A month that is being dropped: kept from before its first fact is told until after its last. */
export interface Drop {
  readonly month: string;
  /** When it was decided, ISO 8601. */
  readonly at: string;
  readonly parts: readonly DroppedPart[];
}

/** Drops that were begun: whoever began one may have died since. */
export interface DropStore {
  /** One of that month that is there already stays as it is. */
  begin(drop: Drop): Promise<void>;
  unfinished(): Promise<readonly Drop[]>;
  /** Forgotten already is forgotten. */
  end(month: string): Promise<void>;
}
