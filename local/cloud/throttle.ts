import { CloudError } from "./router.ts";

/** ARM counts three kinds of requests apart. */
export type RequestKind = "reads" | "writes" | "deletes";

/** Token buckets per subscription and principal: learn.microsoft.com, request-limits-and-throttling. */
const azureLimits: Readonly<Record<RequestKind, { capacity: number; perSecond: number }>> = {
  reads: { capacity: 250, perSecond: 25 },
  writes: { capacity: 200, perSecond: 10 },
  deletes: { capacity: 200, perSecond: 10 },
};

interface Bucket {
  tokens: number;
  filledAt: number;
}

export interface Throttle {
  /** Takes one token and answers how many are left; throws 429 with Retry-After when there is none. */
  take(kind: RequestKind, subscription: string, principal: string): number;
}

/** Azure's limits times `scale`. Buckets are not saved: a restart starts with full ones. */
export function createThrottle(scale: number, now: () => Date): Throttle {
  const buckets = new Map<string, Bucket>();
  return {
    take(kind, subscription, principal) {
      const capacity = azureLimits[kind].capacity * scale;
      const perSecond = azureLimits[kind].perSecond * scale;
      const key = `${kind} ${subscription.toLowerCase()} ${principal}`;
      const at = now().getTime();
      const bucket = buckets.get(key) ?? { tokens: capacity, filledAt: at };
      const refilled = (Math.max(0, at - bucket.filledAt) / 1_000) * perSecond;
      bucket.tokens = Math.min(capacity, bucket.tokens + refilled);
      bucket.filledAt = at;
      buckets.set(key, bucket);
      if (bucket.tokens < 1) {
        const seconds = Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond));
        throw throttled(kind, subscription, principal, seconds);
      }
      bucket.tokens -= 1;
      return Math.floor(bucket.tokens);
    },
  };
}

export function kindOf(method: string): RequestKind {
  if (method === "GET" || method === "HEAD") return "reads";
  return method === "DELETE" ? "deletes" : "writes";
}

/** ARM's own 429, which says when to come back. */
export function throttled(
  kind: RequestKind,
  subscription: string,
  principal: string,
  seconds: number,
): CloudError {
  return new CloudError(
    429,
    "SubscriptionRequestsThrottled",
    `Number of '${kind.slice(0, -1)}' requests for subscription '${subscription}' actor '${principal}' exceeded. Please try again after '${seconds}' seconds after additional tokens are available.`,
    [],
    { "retry-after": String(seconds), [`x-ms-ratelimit-remaining-subscription-${kind}`]: "0" },
  );
}
