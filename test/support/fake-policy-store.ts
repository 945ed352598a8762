import { BadContinuation } from "../../src/activity/query.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { idKey, subscriptionOf } from "../../src/policy/resource-id.ts";
import type { PolicyStore, Stored } from "../../src/ports.ts";

/** Policies in memory; keeps the same promises as the store in Table Storage, shown by the same contract tests. */
export function createFakePolicyStore(): PolicyStore {
  const policies = new Map<string, Stored<Policy>>();
  let writes = 0;

  return {
    get: async (policyId) => copy(policies.get(idKey(policyId))),

    async list(subscriptionId, { continuation, top }) {
      const after = continuation === undefined ? [] : segmentsAfter(continuation);
      const rest = [...policies.values()]
        .map((stored) => copy(stored.value))
        .filter((policy) => subscriptionOf(policy.id) === subscriptionId.toLowerCase())
        .filter((policy) => compare(segments(policy.id), after) > 0)
        .sort((one, other) => compare(segments(one.id), segments(other.id)));
      const items = rest.slice(0, top);
      const last = items.at(-1);
      return rest.length > top && last !== undefined
        ? { items, continuation: JSON.stringify(segments(last.id)) }
        : { items };
    },

    async put(policy, etag) {
      const current = policies.get(idKey(policy.id));
      if (current?.etag !== etag) {
        return undefined;
      }
      writes += 1;
      const stored = { value: copy(policy), etag: `"${writes}"` };
      policies.set(idKey(policy.id), stored);
      return copy(stored);
    },

    async remove(policyId, etag) {
      const current = policies.get(idKey(policyId));
      if (current !== undefined && current.etag !== etag) {
        return false;
      }
      policies.delete(idKey(policyId));
      return true;
    },

    all: async () => [...policies.values()].map((stored) => copy(stored.value)),

    unsettled: async () =>
      [...policies.values()]
        .map((stored) => copy(stored.value))
        .filter((policy) => policy.state !== "settled"),
  };
}

function segments(id: string): readonly string[] {
  return idKey(id).split("/");
}

function segmentsAfter(continuation: string): readonly string[] {
  try {
    return JSON.parse(continuation);
  } catch {
    throw new BadContinuation(continuation);
  }
}

function compare(one: readonly string[], other: readonly string[]): number {
  const at = one.findIndex((segment, index) => segment !== other[index]);
  return at < 0 ? one.length - other.length : (one[at] ?? "") < (other[at] ?? "") ? -1 : 1;
}

/** As it would come back from storage. */
function copy<T>(value: T): T {
  return value === undefined ? value : JSON.parse(JSON.stringify(value));
}
