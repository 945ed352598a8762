import type { OrchestrationContext, Task } from "durable-functions";
import { names } from "./names.ts";
import { type ProtectPorts, protect } from "./protect.ts";

/** A policy whose change waits for the update of a firewall. */
export interface PolicyToFollow {
  readonly policyId: string;
}

/** `retryAfterMs`: an update is still under way; look again then. */
export interface FollowedPolicy {
  readonly retryAfterMs?: number | undefined;
}

/** So often it looks, a quarter of an hour at least behind firewalls as they are; what takes longer is left to the sweep. */
const mostLooks = 60;
/** Shorter pauses are not worth a timer, in milliseconds. */
const shortestPauseMs = 100;

/** A change of a policy whose firewalls take minutes for their updates: looks again until it is done. The sweep does the same, less often. */
export function* followPolicy(context: OrchestrationContext): Generator<Task, void, unknown> {
  const input = context.df.getInput() as PolicyToFollow;
  for (let looks = 1; looks <= mostLooks; looks += 1) {
    const looked = (yield context.df.callActivity(names.protectPolicy, input)) as FollowedPolicy;
    if (looked.retryAfterMs === undefined) {
      return;
    }
    const pauseMs = Math.max(looked.retryAfterMs, shortestPauseMs);
    const then = context.df.currentUtcDateTime.getTime() + pauseMs;
    yield context.df.createTimer(new Date(then));
  }
}

/** One look. A policy that cannot be settled, or is gone, is looked at no more. Safe to run twice. */
export async function protectPolicy(
  ports: ProtectPorts,
  { policyId }: PolicyToFollow,
): Promise<FollowedPolicy> {
  const stored = await ports.policies.get(policyId);
  if (stored === undefined || stored.value.state === "settled") {
    return {};
  }
  const { outcome, retryAfterMs } = await protect(ports, policyId);
  return outcome === "under way" ? { retryAfterMs } : {};
}
