import { isOver } from "../access/life.ts";
import { type AccessRequest, requestedVms, windowsOfVm } from "../access/request.ts";
import { closeWindows } from "./close-windows.ts";
import type { WindowPorts } from "./open-windows.ts";
import { parallelWork, protect } from "./protect.ts";
import { guarded, mapLimited } from "./serial.ts";
import { anew } from "./settle.ts";

/** After so many milliseconds nobody can be looking after a window any more that is past its end, or still waits to be opened. */
const abandoned = { afterEnd: 30_000, waiting: 1_200_000 } as const;

/**
 * Takes up what others left: gates whose intent is not written yet or holds windows that are over, policies whose change
 * was cut short, and requests nobody looks after any more. Independent of every orchestration; a fault of one task does not
 * keep the others.
 */
export async function sweep(ports: WindowPorts): Promise<void> {
  const gates = await ports.gates.unsettled(ports.clock.now());
  await mapLimited(gates, parallelWork, (gateId) =>
    guarded(ports.log, `settling ${gateId}`, () => settleLeft(ports, gateId)),
  );
  const policies = await ports.policies.unsettled();
  await mapLimited(policies, parallelWork, (policy) =>
    guarded(ports.log, `protecting ${policy.id}`, () => protect(ports, policy.id)),
  );
  const now = ports.clock.now().getTime();
  const requests = (await ports.requests.unended()).filter(
    (request) => abandonedVms(request, now).length > 0,
  );
  await mapLimited(requests, parallelWork, (request) =>
    guarded(ports.log, `ending ${request.id}`, () => endAbandoned(ports, request, now)),
  );
  if (gates.length + policies.length + requests.length > 0) {
    ports.log.sweepSettled({
      gates: gates.length,
      policies: policies.length,
      requests: requests.length,
    });
  }
}

/** What somebody else is just about to finish is waited for, without a call to Azure; only what is over is looked at anew. */
async function settleLeft({ gates, settle, clock }: WindowPorts, gateId: string): Promise<void> {
  const { intent, desiredRevision } = await gates.read(gateId);
  const now = clock.now().getTime();
  const isOver = intent.windows.some((window) => Date.parse(window.closesAt) <= now);
  await settle(gateId, isOver ? anew : desiredRevision);
}

/**
 * Ends windows that no orchestration ends: whoever stored the request died before it started one, or its history was lost.
 * An orchestration that is there all the same finds them over.
 */
async function endAbandoned(
  ports: WindowPorts,
  request: AccessRequest,
  now: number,
): Promise<void> {
  for (const { vmIndex, windowIds } of abandonedVms(request, now)) {
    await closeWindows(ports, {
      requestId: request.id,
      vmIndex,
      windowIds,
      endReason: "Expired",
      attempt: 1,
    });
  }
}

function abandonedVms(request: AccessRequest, now: number) {
  return requestedVms(request)
    .map((_, vmIndex) => ({
      vmIndex,
      windowIds: windowsOfVm(request, vmIndex)
        .filter(
          (window) =>
            !isOver(window) &&
            (Date.parse(window.closesAt) + abandoned.afterEnd <= now ||
              (window.state === "opening" &&
                Date.parse(request.createdAt) + abandoned.waiting <= now)),
        )
        .map((window) => window.id),
    }))
    .filter(({ windowIds }) => windowIds.length > 0);
}
