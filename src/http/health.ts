import type { Clock, GateStore } from "../ports.ts";
import type { Answer } from "./problem.ts";

/** So long after its end a window may still be on the way to being closed, in milliseconds. */
const graceMs = 30_000;

/**
 * GET /api/health/ready: whether storage answers, which every call needs; Azure and Entra ID have outages of their own, which
 * readiness should not spread. A closing that is overdue is told here too, as `degraded`, still with 200: taking the app
 * away would only keep it open longer. Open to everybody, so it tells numbers and no names.
 */
export function healthReady(ports: { readonly gates: GateStore; readonly clock: Clock }) {
  return async (): Promise<Answer> => {
    const now = ports.clock.now().getTime();
    const overdue = await ports.gates.overdue(new Date(now - graceMs));
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
