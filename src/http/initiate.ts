import { moveWindow } from "../access/life.ts";
import { type AccessRequest, requestedVms } from "../access/request.ts";
import { wireRequest } from "../access/wire.ts";
import type { Log } from "../log.ts";
import type { ActivityStore, RequestStore } from "../ports.ts";
import { type Reason, refusedFor } from "../reasons.ts";
import { windowFact } from "../workflow/facts.ts";
import type { Foresee, ForeseePorts } from "../workflow/foresee.ts";
import { foreseeRequest } from "../workflow/foresee-request.ts";
import { type AdmitPorts, admitRequest } from "./admit-request.ts";
import { problem } from "./problem.ts";
import type { Call, Handler } from "./route.ts";

export interface InitiatePorts extends AdmitPorts, ForeseePorts {
  readonly requests: RequestStore;
  readonly activity: ActivityStore;
  readonly foresee: Foresee;
  readonly log: Log;
}

/** How long a caller waits at most for the look ahead, in milliseconds. */
const foresightMs = 5_000;

/**
 * POST …/initiate: is the body one, may the caller, does the policy allow it, and could it take effect? Then the request
 * is stored and audited, its orchestration started, and the caller told at once: opening takes as long as Azure takes.
 */
export function initiate(ports: InitiatePorts): Handler {
  return async (call) => {
    const admitted = await admitRequest(ports, call);
    if ("answer" in admitted) {
      return admitted.answer;
    }
    const { request } = admitted;
    const reasons = await futile(ports, request);
    return reasons.length > 0
      ? problem(refusedFor(reasons), { vmIds: requestedVms(request) })
      : accept(ports, call, request);
  };
}

/**
 * Why the request could not take effect, as far as the gates tell right now: a customer's rule would win, no place is left.
 * NB. Only a look ahead, so that people are told at once: where Azure is slow or away the request goes on, and opening
 * decides by what it reads then.
 */
async function futile(ports: InitiatePorts, request: AccessRequest): Promise<readonly Reason[]> {
  const looked = foreseeRequest(ports, request).then(
    ({ vms }) => vms.flatMap((vm) => vm.reasons),
    (error: unknown) => {
      ports.log.foresightFault({ requestId: request.id, error });
      return [];
    },
  );
  const tooLong = ports.clock.pause(foresightMs).then((): readonly Reason[] => []);
  return Promise.race([looked, tooLong]);
}

async function accept(ports: InitiatePorts, call: Call, request: AccessRequest) {
  const asked = request.windows.map((window) =>
    windowFact(request, window, {
      operation: "access.initiate",
      outcome: "asked",
      at: new Date(request.createdAt),
      byRequestor: true,
    }),
  );
  // NB. Stored and audited before anything is started: no rule is ever written for a request that left no trace.
  await Promise.all([ports.requests.create(request), ports.activity.record(asked)]);
  try {
    await call.workflows.startRequest(request.id, { vmCount: requestedVms(request).length });
  } catch (fault) {
    await giveUp(ports, request);
    throw fault;
  }
  return { status: 202, body: wireRequest(request) };
}

/** Nothing was started: the windows have failed. Should the start have happened all the same, it finds nothing to open. */
async function giveUp(ports: InitiatePorts, request: AccessRequest): Promise<void> {
  const at = ports.clock.now();
  const message = "The work behind the request could not be started; ask again.";
  const reasons: readonly Reason[] = [{ code: "ServiceUnavailable", message }];
  await ports.activity.record(
    request.windows.map((window) =>
      windowFact(request, window, { operation: "access.open", outcome: "failed", at, reasons }),
    ),
  );
  await ports.requests.change(request.id, (current) => ({
    ...current,
    windows: current.windows.map((window) =>
      moveWindow(window, "failed", { closedAt: at.toISOString(), reasons }),
    ),
  }));
}
