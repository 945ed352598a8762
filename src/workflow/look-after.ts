import { isOnItsWay, isOver } from "../access/life.ts";
import { type Window, windowsOfVm } from "../access/request.ts";
import { closeWindows } from "./close-windows.ts";
import type { VmOfRequest, WindowPorts } from "./open-windows.ts";

/** `attempt` counts the looks at a closing that did not succeed, from 1. */
export interface Looking extends VmOfRequest {
  readonly attempt: number;
}

/** `next`: when the next window ends, ISO 8601; absent when none is open. `isFailing`: something has still to be closed. */
export interface Looked {
  readonly next?: string | undefined;
  readonly isFailing: boolean;
}

/**
 * Looks after the windows of one VM: closes those whose end has come, or was asked for, and tells when the next one comes. What
 * is to be done is in storage alone, so that no word to an orchestration can be lost. Safe to run twice.
 */
export async function lookAfterWindows(ports: WindowPorts, input: Looking): Promise<Looked> {
  const due = (await windowsOf(ports, input)).filter(isDueAt(ports.clock.now()));
  const { isClosed } =
    due.length === 0
      ? { isClosed: true }
      : await closeWindows(ports, {
          requestId: input.requestId,
          vmIndex: input.vmIndex,
          windowIds: due.map((window) => window.id),
          endReason: "Expired",
          attempt: input.attempt,
        });
  const left = (await windowsOf(ports, input)).filter((window) => !isOver(window));
  const ends = left.filter(({ state }) => state === "open").map((window) => window.closesAt);
  const [next] = ends.toSorted();
  const isFailing = !isClosed || left.length > ends.length;
  return { isFailing, ...(next === undefined ? {} : { next }) };
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
