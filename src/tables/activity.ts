import type { ActivityStore } from "../activity/store.ts";
import type { FilingLog } from "./activity-claims.ts";
import { listFacts, walkFacts } from "./activity-queries.ts";
import type { Tables } from "./client.ts";
import type { Pause } from "./etag.ts";
import { createFiling } from "./filing.ts";

/**
 * The audit, in a table for each month. A fact lies, whole, in a chain for each history it belongs to: its subscription's by day, its
 * VM's, each person's, its request's. So one query over one partition answers, newest first, however long the history is.
 */
export function createActivityStore(tables: Tables, pause: Pause, log?: FilingLog): ActivityStore {
  const filing = createFiling(tables, pause, log);
  return {
    record: (facts) => filing.record(facts),
    list: (query) => listFacts(tables.activity, query),
    walk: (span) => walkFacts(tables.activity, span),
  };
}
