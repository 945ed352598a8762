import type { Caller } from "../caller/caller.ts";
import type { Clock } from "../ports.ts";
import { isPrefix, parsePrefix } from "../rules/cidr.ts";

/** Calls are counted apart by what they do, as ARM does. */
export type CallKind = "reads" | "writes" | "deletes";

/**
 * Buckets of tokens as ARM has them for each principal since 2024: so many calls at once, then so many a second (Microsoft
 * Learn, "Understand how Azure Resource Manager throttles requests").
 */
const sizes: Readonly<Record<CallKind, { readonly capacity: number; readonly perSecond: number }>> =
  {
    reads: { capacity: 250, perSecond: 25 },
    writes: { capacity: 200, perSecond: 10 },
    deletes: { capacity: 200, perSecond: 10 },
  };

/**
 * So many buckets are kept, those used last. A bucket that nobody used for 20 seconds is full again and may be forgotten: only
 * whoever calls from more addresses than this in that time gets more than their due.
 */
const mostBuckets = 10_000;

/** Whether a call may go on, and how many more may follow at once; else how long to wait, and whether this is the first told to. */
export type Admission =
  | { readonly isAdmitted: true; readonly remaining: number }
  | { readonly isAdmitted: false; readonly retryAfterSeconds: number; readonly isFirst: boolean };

export interface RateLimits {
  /** Takes a call of a known caller out of its bucket. */
  admitCaller(caller: Caller, kind: CallKind): Admission;
  /** Takes a call of nobody we know. Addresses that share an IPv6 /64 share a bucket, and so do calls without an address. */
  admitStranger(address: string | undefined, kind: CallKind): Admission;
  /** Makes a call of a known caller cost so much more, after the fact; the bucket may come to owe one filling. */
  charge(caller: Caller, kind: CallKind, more: number): void;
}

interface Bucket {
  tokens: number;
  filledAt: number;
  hasRefused: boolean;
}

/** Limits of this process alone: each instance of the app counts for itself. `scale` multiplies sizes and speeds. */
export function createRateLimits(clock: Pick<Clock, "now">, scale: number): RateLimits {
  const callers = createBuckets(clock, scale);
  const strangers = createBuckets(clock, scale);
  const idOf = ({ tenantId, objectId }: Caller) => `${tenantId}/${objectId}`;
  return {
    admitCaller: (caller, kind) => callers.take(idOf(caller), kind),
    admitStranger: (address, kind) => strangers.take(networkOf(address), kind),
    charge: (caller, kind, more) => callers.charge(idOf(caller), kind, more),
  };
}

function createBuckets(clock: Pick<Clock, "now">, scale: number) {
  // A Map iterates in the order of insertion: whatever is used goes to the end.
  const buckets = new Map<string, Bucket>();

  function bucketOf(who: string, kind: CallKind): Bucket {
    const key = `${kind} ${who}`;
    const now = clock.now().getTime();
    const capacity = sizes[kind].capacity * scale;
    const bucket = buckets.get(key) ?? { tokens: capacity, filledAt: now, hasRefused: false };
    const filled = (Math.max(0, now - bucket.filledAt) / 1_000) * sizes[kind].perSecond * scale;
    bucket.tokens = Math.min(capacity, bucket.tokens + filled);
    bucket.filledAt = now;
    buckets.delete(key);
    buckets.set(key, bucket);
    const [oldest] = buckets.keys();
    if (buckets.size > mostBuckets && oldest !== undefined) {
      buckets.delete(oldest);
    }
    return bucket;
  }

  return {
    take(who: string, kind: CallKind): Admission {
      const bucket = bucketOf(who, kind);
      const isFirst = !bucket.hasRefused;
      bucket.hasRefused = bucket.tokens < 1;
      if (bucket.hasRefused) {
        const missing = (1 - bucket.tokens) / (sizes[kind].perSecond * scale);
        return { isAdmitted: false, retryAfterSeconds: Math.ceil(missing), isFirst };
      }
      bucket.tokens -= 1;
      return { isAdmitted: true, remaining: Math.floor(bucket.tokens) };
    },
    charge(who: string, kind: CallKind, more: number): void {
      const bucket = bucketOf(who, kind);
      bucket.tokens = Math.max(-sizes[kind].capacity * scale, bucket.tokens - more);
    },
  };
}

/** How a method is counted. POST is a write, whatever it does: it costs as much. */
export function callKind(method: string): CallKind {
  switch (method) {
    case "GET":
    case "HEAD":
    case "OPTIONS":
      return "reads";
    case "DELETE":
      return "deletes";
    default:
      return "writes";
  }
}

/** A name for the network of an address. NB. Whoever has one IPv6 address usually has all 2^64 of its network. */
export function networkOf(address: string | undefined): string {
  const prefix = parsePrefix(address ?? "");
  return isPrefix(prefix) && prefix.family === 6
    ? `v6 ${(prefix.bits >> 64n).toString(16)}`
    : (address ?? "unknown");
}
