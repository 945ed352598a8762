import { randomBytes } from "node:crypto";
import {
  createHttpHeaders,
  type PipelinePolicy,
  type PipelineRequest,
} from "@azure/core-rest-pipeline";
import { createTables, type Tables } from "../../src/tables/client.ts";
import type { Azurite } from "./azurite.ts";

/**
 * What becomes of one write, which takes effect in any case: its process does nothing any more; its answer is lost, and the SDK sends
 * it again; or the connection is cut and nobody sends it again.
 */
export type StorageFault = "dies after" | "loses its answer" | "is cut off";

/** Requests of one process to the storage. */
export interface StorageWire {
  /** Counts what was sent: writes, and all together. */
  writes: number;
  requests: number;
  /** What happens to the write of that number, from 1. */
  fault: { readonly at: number; readonly kind: StorageFault } | undefined;
  /** The answer to a request, if it is not to reach the storage. */
  answer:
    | ((
        request: PipelineRequest,
      ) => { value: unknown; headers: Record<string, string> } | undefined)
    | undefined;
}

/** Tables of a test's own that any number of processes use, each over a wire of its own. */
export function storageProcesses(azurite: Azurite) {
  const prefix = `T${randomBytes(8).toString("hex")}`;
  return (): { readonly tables: Tables; readonly wire: StorageWire } => {
    const wire: StorageWire = { writes: 0, requests: 0, fault: undefined, answer: undefined };
    const tables = createTables(azurite, {
      prefix,
      additionalPolicies: [{ policy: policyOf(wire), position: "perRetry" }],
    });
    return { tables, wire };
  };
}

function policyOf(wire: StorageWire): PipelinePolicy {
  let isDead = false;
  return {
    name: "wire",
    async sendRequest(request, next) {
      const made = wire.answer?.(request);
      if (made !== undefined) {
        return {
          request,
          status: 200,
          headers: createHttpHeaders({ "content-type": "application/json", ...made.headers }),
          bodyAsText: JSON.stringify({ value: made.value }),
        };
      }
      const isWrite = request.method !== "GET";
      wire.requests += 1;
      wire.writes += isWrite ? 1 : 0;
      const kind = isWrite && wire.writes === wire.fault?.at ? wire.fault.kind : undefined;
      if (isDead) {
        throw new Error("The process is dead.");
      }
      const answer = await next(request);
      isDead ||= kind === "dies after";
      if (isDead || kind === "is cut off") {
        throw new Error("Nobody hears the answer.");
      }
      return kind === "loses its answer"
        ? { request, status: 503, headers: createHttpHeaders() }
        : answer;
    },
  };
}
