import type { Fact } from "../../src/activity/fact.ts";
import { mapLimited } from "../../src/map-limited.ts";
import type { Audit } from "./audit.ts";
import type { AuditedEstate } from "./estate.ts";
import { factsOf, type Month } from "./history.ts";

/** A history that is recorded, and what its recording took. */
export interface Loaded {
  readonly audit: Audit;
  readonly months: readonly Month[];
  readonly facts: number;
  readonly tookMs: number;
  readonly calls: number;
  /** How many facts each subscription has. */
  readonly ofSubscription: ReadonlyMap<string, number>;
}

/** Facts that are given to the store together, and how many such groups at once. */
const together = { facts: 2_000, atOnce: 2 } as const;

/** Records a whole history by the service's own store, oldest first. */
export async function load(
  audit: Audit,
  estate: AuditedEstate,
  months: readonly Month[],
  seed: number,
  say: (progress: string) => void,
): Promise<Loaded> {
  const startedAt = performance.now();
  const callsBefore = audit.counted.calls;
  const ofSubscription = new Map<string, number>();
  let facts = 0;
  for (const month of months) {
    const all = factsOf(estate, month, seed);
    await mapLimited(groupsOf(all), together.atOnce, (group) => audit.store.record(group));
    for (const { subscriptionId } of all) {
      ofSubscription.set(subscriptionId, (ofSubscription.get(subscriptionId) ?? 0) + 1);
    }
    facts += all.length;
    const seconds = (performance.now() - startedAt) / 1_000;
    say(`  ${month.name}: ${facts} facts after ${seconds.toFixed(0)} s\n`);
  }
  const tookMs = performance.now() - startedAt;
  const calls = audit.counted.calls - callsBefore;
  return { audit, months, facts, tookMs, calls, ofSubscription };
}

function groupsOf(facts: readonly Fact[]): readonly (readonly Fact[])[] {
  return Array.from({ length: Math.ceil(facts.length / together.facts) }, (_, index) =>
    facts.slice(index * together.facts, (index + 1) * together.facts),
  );
}
