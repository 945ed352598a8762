import { parseFact } from "../../src/activity/schema.ts";
import type { ActivityStore } from "../../src/activity/store.ts";
import { createFakeActivity } from "./fake-activity.ts";

/** The store of activity alone, for tests that need nothing else of {@link createFakeActivity}. */
export function createFakeActivityStore(): ActivityStore {
  return createFakeActivity().activity;
}

/**
 * The store as the app's processes see it: what they record has to look as the catalogue says. What does not is kept in `faults`,
 * too, as the app goes on after most faults.
 */
export function checkedActivity(activity: ActivityStore, faults: unknown[]): ActivityStore {
  return {
    ...activity,
    async record(facts) {
      try {
        for (const fact of facts) {
          parseFact(copy(fact));
        }
      } catch (error) {
        faults.push(error);
        throw error;
      }
      await activity.record(facts);
    },
  };
}

/** As it would come back from storage. */
function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}
