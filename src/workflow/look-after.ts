import { isOnItsWay, isOver } from "../access/life.ts";
import { type Window, windowsOfVm } from "../access/request.ts";
import { closeWindows } from "./close-windows.ts";
import { type Leads, leadsOf } from "./leads.ts";
import type { VmOfRequest, WindowPorts } from "./open-windows.ts";
import { guarded } from "./serial.ts";

/** `attempt` counts the looks at a closing that did not succeed, from 1. */
export interface Looking extends VmOfRequest {
  readonly attempt: number;
}

/**
 * `next`: when to look again, ISO 8601: when the next window ends, or has to be taken off a firewall, or an update should be
 * over; absent when nothing is open. `isFailing`: something could not be closed.
 */
export interface Looked {
  readonly next?: string | undefined;
  readonly isFailing: boolean;
}

/**
 * Looks after the windows of one VM: closes those whose end has come, or was asked for, begins to close those that a firewall
 * takes long to close, and tells when to look again. What is to be done is in storage alone, so that no word to an
 * orchestration can be lost. Safe to run twice.
 */
export async function lookAfterWindows(ports: WindowPorts, input: Looking): Promise<Looked> {
  const due = (await windowsOf(ports, input)).filter(isDueAt(ports.clock.now()));
  const { isClosed, retryAfterMs } =
    due.length === 0
      ? { isClosed: true, retryAfterMs: undefined }
      : await closeWindows(ports, {
          requestId: input.requestId,
          vmIndex: input.vmIndex,
          windowIds: due.map((window) => window.id),
          endReason: "Expired",
          attempt: input.attempt,
        });
  const left = (await windowsOf(ports, input)).filter((window) => !isOver(window));
  const open = left.filter(({ state }) => state === "open");
  const pauses = [retryAfterMs ?? [], await beginClosing(ports, open)].flat();
  const soon = pauses.map((pause) => new Date(ports.clock.now().getTime() + pause).toISOString());
  const [next] = [...open.map((window) => window.closesAt), ...soon].toSorted();
  const isWaiting = !isClosed && retryAfterMs !== undefined;
  const isFailing = !isWaiting && (!isClosed || left.length > open.length);
  return { isFailing, ...(next === undefined ? {} : { next }) };
}

/**
 * Takes windows off those of their gates that need so long for it that it has to begin before the end. Answers in how many
 * milliseconds each has to be looked at again. NB. A fault here is no reason to leave the others alone: the next look tries again.
 */
async function beginClosing(
  ports: WindowPorts,
  open: readonly Window[],
): Promise<readonly number[]> {
  const leads = await leadsOf(ports, [...new Set(open.flatMap(({ gates = [] }) => gates))]);
  const pauses = await Promise.all(
    [...leads.keys()].map((gateId) =>
      guarded(ports.log, `closing in time on ${gateId}`, () =>
        endOnGate(ports, gateId, open, leads),
      ),
    ),
  );
  return pauses.map((pause) => pause ?? afterFaultMs).filter((pause) => pause < Infinity);
}

/** So long after a fault a firewall is tried again, in milliseconds. */
const afterFaultMs = 2_000;

/** As {@link beginClosing}, on one gate; infinite where nothing is to be looked at before the windows end. */
async function endOnGate(
  ports: WindowPorts,
  gateId: string,
  open: readonly Window[],
  leads: Leads,
): Promise<number> {
  const here = open.filter(({ gates }) => gates?.includes(gateId));
  const now = ports.clock.now().getTime();
  const untilDue = ({ closesAt }: Window) => Date.parse(closesAt) - (leads.get(gateId) ?? 0) - now;
  const later = here.map(untilDue).filter((pause) => pause > 0);
  const due = here.filter((window) => untilDue(window) <= 0).map((window) => window.id);
  if (due.length === 0) {
    return Math.min(...later);
  }
  const revision = await ports.gates.change(gateId, { removeWindows: due });
  const settled = await ports.settle(gateId, revision);
  const pause = { settled: Infinity, refused: settled.outcome === "refused" ? afterFaultMs : 0 };
  return Math.min(
    settled.outcome === "under way" ? settled.retryAfterMs : pause[settled.outcome],
    ...later,
  );
}

async function windowsOf({ requests }: WindowPorts, { requestId, vmIndex }: VmOfRequest) {
  const request = await requests.get(requestId);
  return request === undefined ? [] : windowsOfVm(request, vmIndex);
}

/** What was never proven open is over as well once nobody is opening it any more: looking after comes after opening. */
function isDueAt(now: Date): (window: Window) => boolean {
  return (window) =>
    window.state === "closing" ||
    isOnItsWay(window) ||
    (window.state === "open" && Date.parse(window.closesAt) <= now.getTime());
}
