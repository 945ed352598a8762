import type { Fact } from "../activity/fact.ts";
import { siemEvent } from "../activity/siem.ts";
import type { ActivityStore } from "../activity/store.ts";
import type { Log } from "../log.ts";

/** So many facts are known to be in the log already, the newest: what is told again is usually told soon. */
const mostKnown = 10_000;

/** Writes facts to the log, each once as far as this process remembers; others may write them again, under the same `metadata.uid`. */
export function createFactLog(log: Pick<Log, "activityFact">): (facts: readonly Fact[]) => void {
  const known = new Set<string>();
  return (facts) => {
    for (const fact of facts.filter(({ id }) => !known.has(id))) {
      known.add(fact.id);
      const [oldest] = known;
      if (known.size > mostKnown && oldest !== undefined) {
        known.delete(oldest);
      }
      log.activityFact({
        operation: fact.operation,
        outcome: fact.outcome,
        event: siemEvent(fact),
      });
    }
  };
}

/** The store of activity, but for that what is recorded in it goes to the log as well: recorded first, then written. */
export function loggedActivity(
  activity: ActivityStore,
  write: (facts: readonly Fact[]) => void,
): ActivityStore {
  return {
    async record(facts) {
      await activity.record(facts);
      write(facts);
    },
    list: (query) => activity.list(query),
    walk: (span) => activity.walk(span),
  };
}
