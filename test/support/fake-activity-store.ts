import { isSamePerson } from "../../src/access/request.ts";
import type { Fact } from "../../src/activity/fact.ts";
import { matches } from "../../src/activity/filter.ts";
import { BadContinuation } from "../../src/activity/query.ts";
import { parseFact } from "../../src/activity/schema.ts";
import type { ActivityStore, FactSpan } from "../../src/activity/store.ts";
import { idKey } from "../../src/policy/resource-id.ts";

/** The audit in memory; keeps the same promises as the store in Table Storage, shown by the same contract tests. */
export function createFakeActivityStore(): ActivityStore {
  const facts = new Map<string, Fact>();

  const spanned = (span: FactSpan): readonly Fact[] =>
    [...facts.values()]
      .filter((fact) => isAskedFor(fact, span))
      .sort(compare)
      .map(copy);

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
      const rest = spanned(query).filter((fact) => after === undefined || compare(fact, after) > 0);
      const items = rest.slice(0, query.top);
      const last = items.at(-1);
      return rest.length > query.top && last !== undefined
        ? { items, continuation: JSON.stringify({ at: last.at, id: last.id }) }
        : { items };
    },

    async *walk(span) {
      const all = spanned(span);
      for (const [index, fact] of all.entries()) {
        const position = { chain: "in memory", sequence: all.length - index, hash: "0".repeat(64) };
        yield { fact, position };
      }
    },
  };
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

type Place = Pick<Fact, "at" | "id">;

function isAskedFor(fact: Fact, { of, from, to, where = {} }: FactSpan): boolean {
  const at = Date.parse(fact.at);
  return isOf(fact, of) && at >= from.getTime() && at <= to.getTime() && matches(fact, where);
}

function isOf(fact: Fact, of: FactSpan["of"]): boolean {
  if ("vmId" in of) {
    return fact.vmId !== undefined && idKey(fact.vmId) === idKey(of.vmId);
  }
  if ("person" in of) {
    const { person } = of;
    return [fact.actor, fact.requestor].some(
      (one) => one !== undefined && isSamePerson(one, person),
    );
  }
  return "requestId" in of
    ? fact.requestId?.toLowerCase() === of.requestId.toLowerCase()
    : fact.subscriptionId.toLowerCase() === of.subscriptionId.toLowerCase();
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
