import { isLive } from "../../src/access/life.ts";
import { type AccessRequest, isSamePerson } from "../../src/access/request.ts";
import { BadContinuation } from "../../src/activity/query.ts";
import { idKey, subscriptionOf } from "../../src/policy/resource-id.ts";
import type { RequestQuery, RequestStore } from "../../src/ports.ts";

/** Requests in memory; keeps the same promises as the store in Table Storage, shown by the same contract tests. */
export function createFakeRequestStore(): RequestStore {
  const requests = new Map<string, AccessRequest>();

  return {
    async create(request) {
      if (!requests.has(request.id)) {
        requests.set(request.id, copy(request));
      }
      return copy(requests.get(request.id) ?? request);
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

    live: async () => [...requests.values()].filter(isLive).map((request) => copy(request)),

    countLive: async (requestor, most) => {
      const own = [...requests.values()].filter((one) => isSamePerson(one.requestor, requestor));
      return Math.min(own.filter(isLive).length, most);
    },

    ofPolicy: async (policyId, since, most = 1_000) =>
      [...requests.values()]
        .filter((request) => idKey(request.policyId) === idKey(policyId))
        .filter((request) => Date.parse(request.createdAt) >= since.getTime())
        .sort(newestFirst)
        .slice(0, most)
        .map(copy),

    async list({ of, from, to, top, continuation }) {
      const after = continuation === undefined ? undefined : placeOf(continuation);
      const all = [...requests.values()]
        .filter((request) => isOf(request, of))
        .filter(({ createdAt }) => {
          const at = Date.parse(createdAt);
          return from.getTime() <= at && at <= to.getTime();
        })
        .filter((request) => after === undefined || newestFirst(after, request) < 0)
        .sort(newestFirst);
      const items = all.slice(0, top).map((request) => copy(request));
      const last = items.at(-1);
      return all.length > top && last !== undefined
        ? { items, continuation: JSON.stringify([last.createdAt, last.id]) }
        : { items };
    },
  };
}

function isOf(request: AccessRequest, of: RequestQuery["of"]): boolean {
  if ("requestor" in of) {
    return isSamePerson(request.requestor, of.requestor);
  }
  if ("vmId" in of) {
    return request.windows.some(({ vmId }) => idKey(vmId) === idKey(of.vmId));
  }
  return "policyId" in of
    ? idKey(request.policyId) === idKey(of.policyId)
    : subscriptionOf(request.policyId) === of.subscriptionId.toLowerCase();
}

type Place = Pick<AccessRequest, "createdAt" | "id">;

function newestFirst(one: Place, other: Place): number {
  const later = Date.parse(other.createdAt) - Date.parse(one.createdAt);
  return later !== 0 ? later : one.id < other.id ? -1 : one.id > other.id ? 1 : 0;
}

function placeOf(continuation: string): Place {
  try {
    const [createdAt, id] = JSON.parse(continuation) as [string, string];
    return { createdAt, id };
  } catch {
    throw new BadContinuation(continuation);
  }
}

/** As it would come back from storage. */
function copy<T>(value: T): T {
  return value === undefined ? value : JSON.parse(JSON.stringify(value));
}
