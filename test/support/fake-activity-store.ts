import type { Fact } from "../../src/activity/fact.ts";
import { BadContinuation } from "../../src/activity/query.ts";
import { idKey } from "../../src/policy/resource-id.ts";
import type { ActivityStore, FactQuery } from "../../src/ports.ts";

/** The audit in memory; keeps the same promises as the store in Table Storage, shown by the same contract tests. */
export function createFakeActivityStore(): ActivityStore {
  const facts = new Map<string, Fact>();

  return {
    async record(all) {
      for (const fact of all) {
        if (!facts.has(fact.id)) {
          facts.set(fact.id, copy(fact));
        }
      }
    },

    async list(query) {
      const after = query.continuation === undefined ? undefined : placeOf(query.continuation);
      const rest = [...facts.values()]
        .filter((fact) => isAskedFor(fact, query))
        .filter((fact) => after === undefined || compare(fact, after) > 0)
        .sort(compare)
        .map(copy);
      const items = rest.slice(0, query.top);
      const last = items.at(-1);
      return rest.length > query.top && last !== undefined
        ? { items, continuation: JSON.stringify({ at: last.at, id: last.id }) }
        : { items };
    },
  };
}

type Place = Pick<Fact, "at" | "id">;

function isAskedFor(fact: Fact, { vmId, subscriptionId, from, to }: FactQuery): boolean {
  const at = Date.parse(fact.at);
  const isAbout =
    vmId === undefined
      ? fact.subscriptionId.toLowerCase() === subscriptionId?.toLowerCase()
      : fact.vmId !== undefined && idKey(fact.vmId) === idKey(vmId);
  return isAbout && at >= from.getTime() && at <= to.getTime();
}

/** Newest first; at the same time by id. */
function compare(one: Place, other: Place): number {
  const later = Date.parse(other.at) - Date.parse(one.at);
  return later !== 0 ? later : one.id === other.id ? 0 : one.id < other.id ? -1 : 1;
}

function placeOf(continuation: string): Place {
  try {
    return JSON.parse(continuation);
  } catch {
    throw new BadContinuation(continuation);
  }
}

/** As it would come back from storage. */
function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}
