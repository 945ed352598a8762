import { isOver, moveWindow } from "../access/life.ts";
import {
  type AccessRequest,
  changeWindows,
  type EndReason,
  type Window,
  windowsOfVm,
} from "../access/request.ts";
import type { GateRecord } from "../ports.ts";
import { type Reason, refused } from "../reasons.ts";
import { leadOf } from "../rules/update-time.ts";
import { closings, isWithdrawn, neverOpened, openings } from "./closing-facts.ts";
import type { VmOfRequest, WindowPorts } from "./open-windows.ts";
import { provenGone, rulesBefore } from "./proven-gone.ts";
import type { UnderWay } from "./turn.ts";

/** Which windows of the VM end now, and why. */
export interface Closing extends VmOfRequest {
  /** Only these; all of them when it is absent. */
  readonly windowIds?: readonly string[] | undefined;
  /** Why, where nobody has asked for an end of theirs before. */
  readonly endReason: EndReason;
  /** Counts the tries from 1; a failed try is told once for each. */
  readonly attempt: number;
}

/** `isClosed` only when every rule is proven gone from every gate; `retryAfterMs` where the update of a firewall is waited for. */
export interface Closed {
  readonly isClosed: boolean;
  readonly retryAfterMs?: number | undefined;
}

/**
 * Closes windows: takes them out of what their gates should be, settles, and reports them closed once that is read back.
 * Never gives up by itself: what is not closed is told as overdue and has to be tried again. Safe to run twice.
 */
export async function closeWindows(ports: WindowPorts, input: Closing): Promise<Closed> {
  const request = await ports.requests.get(input.requestId);
  const found = request === undefined ? [] : endingWindows(request, input);
  if (request === undefined || found.length === 0) {
    return { isClosed: true };
  }
  const ids = found.map((window) => window.id);
  const askedAt = ports.clock.now();
  const [before, closing] = await Promise.all([
    rulesBefore(ports, found),
    ports.requests.change(request.id, (current) =>
      changeWindows(current, ids, (window) =>
        moveWindow(window, "closing", {
          endReason: input.endReason,
          closingSince: askedAt.toISOString(),
        }),
      ),
    ),
    ports.activity.record([
      ...openings(request, found, askedAt),
      ...closings(request, found, input.endReason, "asked", askedAt),
    ]),
  ]);
  // NB. As they are once they are closing: a window that followed its VM until then stands on more gates than were read before.
  const windows = (closing ?? request).windows.filter((window) => ids.includes(window.id));

  const { reasons, gone, underWay, records } = await toldWhenLate(
    ports,
    settleWithout(ports, windows, input.attempt),
    (late) => tellOverdue(ports, request, windows, input, late),
  );
  if (reasons.length > 0) {
    await tellOverdue(ports, request, windows, input, reasons);
    return { isClosed: false };
  }
  if (underWay.length > 0) {
    // Told once, not at every look.
    const late = windows.filter(
      (window) =>
        isLate(window, underWay, ports.clock.now()) &&
        !window.reasons?.some(({ message }) => message === notYetGone.message),
    );
    await tellOverdue(ports, request, late, input, [notYetGone]);
    return { isClosed: false, retryAfterMs: Math.min(...underWay.map((one) => one.retryAfterMs)) };
  }
  const now = ports.clock.now();
  // The audit first: a window that people are told of as closed must have its fact.
  await ports.activity.record(
    closings(request, windows, input.endReason, "done", now, {
      ...(gone.length > 0 ? { reasons: gone } : {}),
      gatesOf: (window) => provenGone(window, before, records),
    }),
  );
  await ports.requests.change(request.id, (current) =>
    changeWindows(current, ids, (window) => ended(window, input.endReason, now)),
  );
  for (const window of windows) {
    ports.log.windowClosed({ windowId: window.id, vmId: window.vmId });
  }
  return { isClosed: true };
}

function endingWindows(request: AccessRequest, input: Closing): readonly Window[] {
  return windowsOfVm(request, input.vmIndex).filter(
    (window) =>
      !isOver(window) && (input.windowIds === undefined || input.windowIds.includes(window.id)),
  );
}

/** So long after the first try a closing that is still not done counts as overdue, in milliseconds. */
const lateAfter = 20_000;

/** Waits for the work; tells once when it takes too long, as nobody knows how long it will. */
async function toldWhenLate<T>(
  { clock }: WindowPorts,
  work: Promise<T>,
  tell: (reasons: readonly Reason[]) => Promise<void>,
): Promise<T> {
  const ended = work.then(
    () => true,
    () => true,
  );
  if (!(await Promise.race([ended, clock.pause(lateAfter).then(() => false)]))) {
    await tell([notYetGone]);
  }
  return work;
}

const notYetGone: Reason = {
  code: "NotSettledInTime",
  message: `The rule is not proven gone ${lateAfter / 1_000} seconds after it should be; it is tried until it is.`,
};

/**
 * Whether the update of a firewall is late for a window: past its end, as its closing was begun in time; of one that ends before,
 * when two updates should be over, as one may have been under way.
 */
function isLate(
  { closesAt, closingSince }: Window,
  underWay: readonly UnderWay[],
  now: Date,
): boolean {
  const two = 2 * Math.max(...underWay.map(({ record }) => leadOf(record)));
  const since = Date.parse(closingSince ?? closesAt) + two;
  return Math.min(since, Math.max(Date.parse(closesAt), since - two)) + lateAfter <= now.getTime();
}

async function tellOverdue(
  ports: WindowPorts,
  request: AccessRequest,
  windows: readonly Window[],
  { endReason, attempt }: Closing,
  reasons: readonly Reason[],
): Promise<void> {
  if (windows.length === 0) {
    return;
  }
  const ids = windows.map((window) => window.id);
  await ports.activity.record(
    closings(request, windows, endReason, "failed", ports.clock.now(), {
      step: String(attempt),
      reasons,
    }),
  );
  await ports.requests.change(request.id, (current) =>
    changeWindows(current, ids, (window) => ({
      ...window,
      // Why it was never open is what people want to know in the end.
      reasons: window.openedAt === undefined ? (window.reasons ?? reasons) : reasons,
    })),
  );
  for (const { id: windowId, vmId } of windows) {
    ports.log.windowOverdue({ windowId, vmId, codes: reasons.map((reason) => reason.code) });
  }
}

async function settleWithout(
  ports: WindowPorts,
  windows: readonly Window[],
  attempt: number,
): Promise<{
  readonly reasons: readonly Reason[];
  readonly gone: readonly Reason[];
  readonly underWay: readonly UnderWay[];
  /** As they were read back. */
  readonly records: readonly GateRecord[];
}> {
  const gates = [...new Set(windows.flatMap((window) => window.gates ?? []))];
  const settled = await Promise.all(
    gates.map(async (gateId) => {
      const removeWindows = windows
        .filter((window) => window.gates?.includes(gateId))
        .map((window) => window.id);
      const revision = await ports.gates.change(gateId, { removeWindows });
      return ports.settle(gateId, revision).catch((error: unknown) => {
        if (attempt === 1) {
          // Once is no news: the next try is two seconds away.
          throw error;
        }
        ports.log.taskFault({ what: `closing on ${gateId}`, error });
        return refused(unreachable(gateId));
      });
    }),
  );
  const records = settled.flatMap((one) => (one.outcome === "settled" ? [one.record] : []));
  const findings = records.flatMap((record) => record.findings);
  return {
    reasons: settled.flatMap((one) => (one.outcome === "refused" ? one.reasons : [])),
    underWay: settled.filter((one) => one.outcome === "under way"),
    // NB. A gate that is gone holds nothing open; that it was not there to be read back belongs in the audit.
    gone: findings.filter((finding) => finding.code === "GateNotFound"),
    records,
  };
}

/** A window that was never open ends as failed, with the reasons it has; one that was not wanted any more, as closed. */
function ended(window: Window, endReason: EndReason, now: Date): Window {
  const closedAt = now.toISOString();
  return window.openedAt === undefined && !isWithdrawn(window)
    ? moveWindow(window, "failed", {
        closedAt,
        endReason: undefined,
        reasons: window.reasons ?? [neverOpened(window)],
      })
    : moveWindow(window, "closed", {
        closedAt,
        endReason: window.endReason ?? endReason,
        reasons: undefined,
      });
}

function unreachable(gateId: string): Reason {
  const message = `'${gateId}' could not be brought to its rules: a call to Azure failed. It is tried again.`;
  return { code: "NotSettledInTime", message, target: gateId };
}
