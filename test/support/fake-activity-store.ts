import { parseFact } from "../../src/activity/schema.ts";
import type { ActivityStore } from "../../src/activity/store.ts";
import { createFakeActivity } from "./fake-activity.ts";

/** The store of activity alone, for tests that need nothing else of {@link createFakeActivity}. */
export function createFakeActivityStore(): ActivityStore {
  return createFakeActivity().activity;
}

/** Texts of facts that look as they should: a story that is told a hundred times records the same ones again and again. */
const found = new Set<string>();

/**
 * The store as the app's processes see it: what they record has to look as the catalogue says. What does not is kept in `faults`,
 * too, as the app goes on after most faults.
 */
export function checkedActivity(activity: ActivityStore, faults: unknown[]): ActivityStore {
  return {
    ...activity,
    async record(facts) {
      try {
        for (const text of facts.map((fact) => JSON.stringify(fact))) {
          if (!found.has(text)) {
            parseFact(JSON.parse(text));
            found.add(text);
          }
        }
      } catch (error) {
        faults.push(error);
        throw error;
      }
      await activity.record(facts);
    },
  };
}
