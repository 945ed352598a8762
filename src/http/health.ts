import type { Clock, GateStore, OverdueGate } from "../ports.ts";
import type { Answer } from "./problem.ts";

/** So long after its end a window may still be on the way to being closed, in milliseconds. */
const graceMs = 30_000;

/** NB. Anybody may ask, and the answer costs a look through storage: so long, in milliseconds, it is told again. */
const keptMs = 5_000;

interface HealthPorts {
  readonly gates: GateStore;
  readonly clock: Clock;
}

/**
 * GET /api/health/ready: whether storage answers, which every call needs; Azure and Entra ID have outages of their own, which
 * readiness should not spread. A closing that is overdue is told here too, as `degraded`, still with 200: taking the app
 * away would only keep it open longer. Open to everybody, so it tells numbers and no names.
 */
export function healthReady({ gates, clock }: HealthPorts) {
  let told: { readonly at: number; readonly overdue: Promise<readonly OverdueGate[]> } | undefined;
  return async (): Promise<Answer> => {
    const now = clock.now().getTime();
    if (told === undefined || now - told.at >= keptMs) {
      told = { at: now, overdue: gates.overdue(new Date(now - graceMs)) };
    }
    const overdue = await told.overdue;
    const oldest = Math.min(...overdue.map(({ closesAt }) => Date.parse(closesAt)));
    return {
      status: 200,
      body:
        overdue.length === 0
          ? { status: "ready", overdueGates: 0, oldestOverdueSeconds: 0 }
          : {
              status: "degraded",
              overdueGates: overdue.length,
              oldestOverdueSeconds: Math.floor((now - oldest) / 1_000),
            },
    };
  };
}
