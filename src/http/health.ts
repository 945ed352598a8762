import type { AnchorKeeper } from "../activity/anchor.ts";
import type { Clock, GateStore, OverdueGate } from "../ports.ts";
import type { Answer } from "./problem.ts";

/** So long after its end a window may still be on the way to being closed, in milliseconds. */
const graceMs = 30_000;

/** NB. Anybody may ask, and the answer costs a look through storage: so long, in milliseconds, it is told again. */
const keptMs = 5_000;

/** The same of what changes once a day. */
const anchorKeptMs = 300_000;

interface HealthPorts {
  readonly gates: GateStore;
  readonly anchors: Pick<AnchorKeeper, "newest">;
  readonly clock: Clock;
}

/**
 * GET /api/health/ready: whether storage answers, which every call needs; Azure and Entra ID have outages of their own, which
 * readiness should not spread. A closing that is overdue is told here too, as `degraded`, still with 200: taking the app
 * away would only keep it open longer. Open to everybody, so it tells numbers and no names. When the activity was anchored last is told
 * besides, for whoever watches that: a day and an hour ago at most.
 */
export function healthReady({ gates, anchors, clock }: HealthPorts) {
  const lastAnchorAt = lastAnchor(anchors, clock);
  let told: { readonly at: number; readonly overdue: Promise<readonly OverdueGate[]> } | undefined;
  return async (): Promise<Answer> => {
    const now = clock.now().getTime();
    if (told === undefined || now - told.at >= keptMs) {
      told = { at: now, overdue: gates.overdue(new Date(now - graceMs)) };
    }
    const overdue = await told.overdue;
    const activity = { lastAnchorAt: await lastAnchorAt() };
    const oldest = Math.min(...overdue.map(({ closesAt }) => Date.parse(closesAt)));
    return {
      status: 200,
      body:
        overdue.length === 0
          ? { status: "ready", overdueGates: 0, oldestOverdueSeconds: 0, activity }
          : {
              status: "degraded",
              overdueGates: overdue.length,
              oldestOverdueSeconds: Math.floor((now - oldest) / 1_000),
              activity,
            },
    };
  };
}

/** When the last anchor was written; nothing where there is none, or none can be read: that is no reason not to be ready. */
function lastAnchor(anchors: Pick<AnchorKeeper, "newest">, clock: Clock) {
  let known: { readonly at: number; readonly time: Promise<string | null> } | undefined;
  return (): Promise<string | null> => {
    const now = clock.now().getTime();
    if (known === undefined || now - known.at >= anchorKeptMs) {
      const time = anchors.newest().then(
        (anchor) => anchor?.at ?? null,
        () => null,
      );
      known = { at: now, time };
    }
    return known.time;
  };
}
