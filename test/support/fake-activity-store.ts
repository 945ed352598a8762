import type { ActivityStore } from "../../src/activity/store.ts";
import { createFakeActivity } from "./fake-activity.ts";

/** The store of activity alone, for tests that need nothing else of {@link createFakeActivity}. */
export function createFakeActivityStore(): ActivityStore {
  return createFakeActivity().activity;
}
