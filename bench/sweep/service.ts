import { createHash, randomBytes, randomUUID } from "node:crypto";
import { setTimeout as pauseFor } from "node:timers/promises";
import type { ArmOptions } from "../../src/azure/arm-http.ts";
import { createNetwork } from "../../src/azure/network.ts";
import { noRights } from "../../src/caller/permissions.ts";
import { createLog } from "../../src/log.ts";
import type { Clock, Ids } from "../../src/ports.ts";
import { createActivityStore } from "../../src/tables/activity.ts";
import { createTables } from "../../src/tables/client.ts";
import { createGateStore } from "../../src/tables/gates.ts";
import { createPolicyStore } from "../../src/tables/policies.ts";
import { createRequestStore } from "../../src/tables/requests.ts";
import type { WindowPorts } from "../../src/workflow/open-windows.ts";
import type { ProtectPorts } from "../../src/workflow/protect.ts";
import { createSettle } from "../../src/workflow/settle.ts";
import type { SettlePorts } from "../../src/workflow/turn.ts";

/** The storage of one estate: several services one after the other may find what the former one left. */
export interface Storage {
  readonly connectionString: string;
  readonly prefix: string;
}

export function storageIn({ connectionString }: { readonly connectionString: string }): Storage {
  return { connectionString, prefix: `Bench${randomBytes(8).toString("hex")}` };
}

/** The service's own code over its real adapters, with what it does to storage and says to its operator counted. */
export interface Service {
  readonly ports: WindowPorts & ProtectPorts;
  readonly counted: Counted;
}

export interface Counted {
  storageReads: number;
  storageWrites: number;
  /** Events of the log: a heal that finds nothing to do says nothing. */
  events: string[];
}

const clock: Clock = {
  now: () => new Date(),
  pause: async (milliseconds) => void (await pauseFor(milliseconds)),
};

const ids: Ids = {
  next: () => randomUUID(),
  digest: (text) => createHash("sha256").update(text).digest("hex"),
};

export function createService(arm: ArmOptions, storage: Storage, pollMs: number): Service {
  const counted: Counted = { storageReads: 0, storageWrites: 0, events: [] };
  const tables = createTables(storage, {
    prefix: storage.prefix,
    additionalPolicies: [
      {
        position: "perRetry",
        policy: {
          name: "countCalls",
          sendRequest(request, next) {
            counted[request.method === "GET" ? "storageReads" : "storageWrites"] += 1;
            return next(request);
          },
        },
      },
    ],
  });
  const log = createLog((_level, line) => {
    counted.events.push((JSON.parse(line) as { readonly event: string }).event);
  });
  const owner = { name: "bench", tag: ids.digest("bench").slice(0, 6) };
  const settlePorts: SettlePorts = {
    clock,
    ids,
    log,
    gates: createGateStore(tables, clock.pause),
    network: createNetwork({ ...arm, pollMs, owner }),
    activity: createActivityStore(tables, clock.pause),
    owner,
  };
  return {
    counted,
    ports: {
      ...settlePorts,
      settle: createSettle(settlePorts),
      policies: createPolicyStore(tables),
      requests: createRequestStore(tables, clock.pause),
      // Nobody asks for anything here.
      rights: { of: async () => noRights },
      directory: { isEnabled: async () => false, groupsOf: async () => new Set<string>() },
    },
  };
}
