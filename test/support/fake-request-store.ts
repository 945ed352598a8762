import { type AccessRequest, isOver } from "../../src/access/request.ts";
import { idKey } from "../../src/policy/resource-id.ts";
import type { RequestStore } from "../../src/ports.ts";

/** Requests in memory; keeps the same promises as the store in Table Storage, shown by the same contract tests. */
export function createFakeRequestStore(): RequestStore {
  const requests = new Map<string, AccessRequest>();

  return {
    async create(request) {
      if (!requests.has(request.id)) {
        requests.set(request.id, copy(request));
      }
    },

    get: async (requestId) => copy(requests.get(requestId)),

    async change(requestId, change) {
      const current = requests.get(requestId);
      if (current === undefined) {
        return undefined;
      }
      const changed = change(copy(current));
      requests.set(requestId, copy(changed));
      return copy(changed);
    },

    unended: async () =>
      [...requests.values()]
        .filter((request) => !request.windows.every(isOver))
        .map((request) => copy(request)),

    ofPolicy: async (policyId, since) =>
      [...requests.values()]
        .filter((request) => idKey(request.policyId) === idKey(policyId))
        .filter((request) => Date.parse(request.createdAt) >= since.getTime())
        .sort(newestFirst)
        .map(copy),
  };
}

function newestFirst(one: AccessRequest, other: AccessRequest): number {
  const later = Date.parse(other.createdAt) - Date.parse(one.createdAt);
  return later !== 0 ? later : one.id < other.id ? -1 : 1;
}

/** As it would come back from storage. */
function copy<T>(value: T): T {
  return value === undefined ? value : JSON.parse(JSON.stringify(value));
}
