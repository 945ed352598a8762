import type { Fact } from "../activity/fact.ts";
import type { ActivityStore, Ledger } from "../activity/store.ts";

/** Takes facts that were recorded just now: to tell people, or a log. Does not reject. */
export type Tell = (facts: readonly Fact[]) => Promise<void> | void;

/** The store of activity, but for that what is recorded in it is told as well: recorded first, then told. */
export function tellingActivity(activity: ActivityStore, tell: Tell): ActivityStore {
  return {
    async record(facts) {
      await activity.record(facts);
      await tell(facts);
    },
    list: (query) => activity.list(query),
    walk: (span) => activity.walk(span),
  };
}

/** The ledger, but for that what it finishes for others is told as what is recorded. */
export function tellingLedger(ledger: Ledger, tell: Tell): Ledger {
  return {
    ...ledger,
    async complete(before) {
      const facts = await ledger.complete(before);
      await tell(facts);
      return facts;
    },
  };
}
