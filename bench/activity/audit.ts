import { createHash, randomUUID } from "node:crypto";
import { setTimeout as pauseFor } from "node:timers/promises";
import type { ActivityStore, Ledger } from "../../src/activity/store.ts";
import type { Ids } from "../../src/ports.ts";
import { createActivityStore } from "../../src/tables/activity.ts";
import { createTables } from "../../src/tables/client.ts";
import { createLedger } from "../../src/tables/ledger.ts";

/** The service's own store of facts, with its calls to storage counted. */
export interface Audit {
  readonly prefix: string;
  readonly connectionString: string;
  readonly store: ActivityStore;
  readonly ledger: Ledger;
  readonly counted: Counted;
}

export interface Counted {
  /** All but lists of tables. */
  calls: number;
  /** Lists of tables: which months there are is asked for now and then, whatever is read. */
  monthLists: number;
  /** Calls, or transactions, that were refused because somebody else had been quicker: 409 or 412. */
  conflicts: number;
}

const pause = async (milliseconds: number) => void (await pauseFor(milliseconds));

export const ids: Ids = {
  next: () => randomUUID(),
  digest: (text) => createHash("sha256").update(text).digest("hex"),
};

/** A store like that of a process of its own: it knows nothing of what another has read or written. */
export function openAudit(connectionString: string, prefix: string): Audit {
  const counted: Counted = { calls: 0, monthLists: 0, conflicts: 0 };
  const tables = createTables(
    { connectionString },
    {
      prefix,
      additionalPolicies: [
        {
          position: "perRetry",
          policy: {
            name: "countCalls",
            async sendRequest(request, next) {
              const isList = new URL(request.url).pathname.endsWith("/Tables");
              counted[isList && request.method === "GET" ? "monthLists" : "calls"] += 1;
              const answer = await next(request);
              // What became of a transaction stands in the answer's text, whose own status is 202.
              const isConflict = (text: string) => /^HTTP\/1\.1 (409|412) /m.test(text);
              if ([409, 412].includes(answer.status) || isConflict(answer.bodyAsText ?? "")) {
                counted.conflicts += 1;
              }
              return answer;
            },
          },
        },
      ],
    },
  );
  return {
    prefix,
    connectionString,
    store: createActivityStore(tables, pause),
    ledger: createLedger(tables, pause),
    counted,
  };
}
