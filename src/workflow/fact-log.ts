import type { Fact } from "../activity/fact.ts";
import { siemEvent } from "../activity/siem.ts";
import type { Log } from "../log.ts";
import { remembered } from "../remembered.ts";

/** So many facts are known to be in the log already, the newest: what is told again is usually told soon. */
const mostKnown = 10_000;

/** Writes facts to the log, each once as far as this process remembers; others may write them again, under the same `metadata.uid`. */
export function createFactLog(log: Pick<Log, "activityFact">): (facts: readonly Fact[]) => void {
  const known = remembered<true>(mostKnown);
  return (facts) => {
    for (const fact of facts.filter(({ id }) => !known.has(id))) {
      known.set(fact.id, true);
      log.activityFact({
        operation: fact.operation,
        outcome: fact.outcome,
        event: siemEvent(fact),
      });
    }
  };
}
