import { isOver, moveWindow } from "../access/life.ts";
import { type AccessRequest, changeWindows, type Window, windowsOfVm } from "../access/request.ts";
import type { FactGate } from "../activity/fact.ts";
import { windowFact } from "../activity/window-facts.ts";
import { idKey } from "../policy/resource-id.ts";
import type { GateRecord } from "../ports.ts";
import { bounded, type Finding, type Reason } from "../reasons.ts";
import type { Entrance } from "../rules/intent.ts";
import { expectedEnd } from "../rules/update-time.ts";
import type { VmOfRequest, WindowPorts } from "./open-windows.ts";
import type { Settled } from "./turn.ts";

/** A gate that was asked to open windows: how it stands, or why it could not be settled. */
export interface Reached {
  readonly gateId: string;
  readonly record?: GateRecord;
  readonly reasons?: readonly Reason[];
  /** An update is under way: look again after so many milliseconds. */
  readonly retryAfterMs?: number;
  /** What keeps the next one from being begun. */
  readonly why?: Reason | undefined;
}

/** How a settlement went, as a gate that was reached. */
export function reachedBy(gateId: string, settled: Settled): Reached {
  switch (settled.outcome) {
    case "settled":
      return { gateId, record: settled.record };
    case "under way":
      return {
        gateId,
        record: settled.record,
        retryAfterMs: settled.retryAfterMs,
        why: settled.why,
      };
    case "refused":
      return { gateId, reasons: settled.reasons };
  }
}

/** What became of one window on all its gates; open where there is no reason against it and nothing pending. */
export interface WindowOutcome {
  readonly window: Window;
  readonly reasons: readonly Reason[];
  /** The gates whose updates have not come to it yet, as they are. */
  readonly pending: readonly GateRecord[];
  /** What keeps those updates from being begun. */
  readonly why?: readonly Reason[];
  /** Where a firewall lets people in. */
  readonly entrance?: Entrance | undefined;
  readonly gates: readonly FactGate[];
  readonly findings: readonly Finding[];
}

/** Whether nothing speaks against it, and the update of a firewall has not come to it yet. */
export const isWaiting = ({ reasons, pending }: WindowOutcome): boolean =>
  reasons.length === 0 && pending.length > 0;

/** When the first of the gates has to be looked at again, in milliseconds from now. */
export const soonest = (reached: readonly Reached[]): number =>
  Math.min(...reached.flatMap(({ retryAfterMs }) => retryAfterMs ?? []));

/** How many findings a window tells of. */
const mostFindings = 10;

/** Judges a window by what was read back from its gates. `paths` are the ways to its VM that no gate covers. */
export function outcomeOf(
  window: Window,
  hopeless: readonly Reason[] | undefined,
  reached: readonly Reached[],
  paths: readonly Finding[],
): WindowOutcome {
  if (hopeless !== undefined) {
    return { window, reasons: hopeless, pending: [], gates: [], findings: [] };
  }
  const beside = reached
    .flatMap((gate) => gate.record?.findings ?? [])
    .filter(({ vmId }) => vmId !== undefined && idKey(vmId) === idKey(window.vmId));
  const pending = reached.filter((gate) => isPending(gate, window.id));
  const told = reached.map((gate) => {
    const result = gate.record?.results[window.id];
    if (pending.includes(gate)) {
      return { gate: { id: gate.gateId, rules: [] }, reasons: [] };
    }
    if (result?.state === "open") {
      return {
        gate: { id: gate.gateId, rules: result.rules, ...gate.record?.proof },
        reasons: [],
        entrance: result.entrance,
      };
    }
    const over: Reason = {
      code: "WindowOver",
      message: `The time until ${window.closesAt} was over, or left no gate the time to close it again, before the window could be opened.`,
      target: window.vmId,
    };
    return {
      gate: { id: gate.gateId, rules: [] },
      reasons: gate.reasons ?? result?.reasons ?? [over],
    };
  });
  return {
    window,
    reasons: told.flatMap((one) => one.reasons),
    gates: told.map((one) => one.gate),
    findings: bounded([...beside, ...paths], mostFindings),
    entrance: told.find(({ entrance }) => entrance !== undefined)?.entrance,
    pending: pending.flatMap(({ record }) => record ?? []),
    why: pending.flatMap(({ why }) => why ?? []),
  };
}

/** Whether the update of a gate is under way, and nobody knows yet how a window stands there. */
function isPending({ record, retryAfterMs }: Reached, windowId: string): boolean {
  const isWanted = record?.intent.windows.some((window) => window.windowId === windowId) === true;
  const isKnown =
    record?.results[windowId] !== undefined && record.waiting?.includes(windowId) !== true;
  return retryAfterMs !== undefined && isWanted && !isKnown;
}

/** Tells activity, request and log what became of the windows that were on their way. Safe to run twice. */
export async function report(
  ports: WindowPorts,
  request: AccessRequest,
  outcomes: readonly WindowOutcome[],
): Promise<void> {
  const byId = new Map(outcomes.map((outcome) => [outcome.window.id, outcome]));
  const proven = await noteProven(ports, request, outcomes);
  const now = ports.clock.now();
  const facts = outcomes.map(({ window, reasons, gates, findings }) =>
    windowFact(request, proven.get(window.id) ?? window, {
      operation: "access.open",
      outcome: reasons.length === 0 ? "done" : "failed",
      at: now,
      gates,
      reasons: firstOf(reasons, findings),
    }),
  );
  // The audit first: a window that people are told of as open must have its fact.
  await ports.activity.record(facts);
  await ports.requests.change(request.id, (current) => ({
    ...current,
    windows: current.windows.map((window) => {
      const outcome = byId.get(window.id);
      if (outcome === undefined) {
        return window;
      }
      const { reasons, findings, entrance } = outcome;
      return reasons.length === 0
        ? moveWindow(window, "open", {
            expectedAt: undefined,
            // What was told while it waited is so no longer.
            findings: findings.length === 0 ? undefined : findings,
            ...(entrance === undefined ? {} : { entrance }),
          })
        : moveWindow(window, "closing", { reasons });
    }),
  }));
  logOutcomes(ports, outcomes);
}

/** Notes with windows that wait for the update of a firewall when they will probably be open, and what keeps it from being begun. */
export async function noteExpected(
  { requests, clock }: WindowPorts,
  request: AccessRequest,
  waiting: readonly WindowOutcome[],
): Promise<void> {
  const now = clock.now();
  const ends = new Map(
    waiting.map(({ window, pending }) => [
      window.id,
      Math.max(...pending.map((record) => expectedEnd(record, now))),
    ]),
  );
  const reasons = new Map(waiting.map(({ window, why = [] }) => [window.id, why]));
  // Told in steps, so that not every look writes.
  const isNew = ({ id, expectedAt, findings = [] }: Window) =>
    expectedAt === undefined ||
    Math.abs(Date.parse(expectedAt) - (ends.get(id) ?? 0)) > stepMs ||
    codesOf(findings) !== codesOf(reasons.get(id) ?? []);
  const told = waiting.filter(({ window }) => isNew(window)).map(({ window }) => window.id);
  if (told.length > 0) {
    await requests.change(request.id, (current) =>
      changeWindows(current, told, (window) =>
        window.state === "opening"
          ? {
              ...window,
              expectedAt: new Date(ends.get(window.id) ?? 0).toISOString(),
              findings: reasons.get(window.id)?.length === 0 ? undefined : reasons.get(window.id),
            }
          : window,
      ),
    );
  }
}

const stepMs = 5_000;

const codesOf = (reasons: readonly Reason[]): string => reasons.map(({ code }) => code).join();

/**
 * Notes when windows were proven open, also where somebody has asked for their end meanwhile; and so when those end that count from
 * then. NB. Stored before anything tells it: whoever comes after one who died in between tells the same. Answers the windows
 * as they are now.
 */
async function noteProven(
  ports: WindowPorts,
  request: AccessRequest,
  outcomes: readonly WindowOutcome[],
): Promise<ReadonlyMap<string, Window>> {
  const open = outcomes
    .filter(({ reasons }) => reasons.length === 0)
    .map(({ window }) => window.id);
  if (open.length === 0) {
    return new Map();
  }
  const now = ports.clock.now();
  const noted = await ports.requests.change(request.id, (current) =>
    changeWindows(current, open, (window) =>
      !isOver(window) && window.openedAt === undefined ? provenAt(window, now) : window,
    ),
  );
  return new Map((noted?.windows ?? []).map((window) => [window.id, window]));
}

/** NB. Its end is never after the one that its rules tell. */
function provenAt(window: Window, now: Date): Window {
  const { durationSeconds, latestEnd, closesAt } = window;
  const openedAt = now.toISOString();
  if (durationSeconds === undefined) {
    return { ...window, openedAt };
  }
  const end = Math.min(now.getTime() + durationSeconds * 1_000, Date.parse(latestEnd ?? closesAt));
  return { ...window, openedAt, closesAt: new Date(end).toISOString() };
}

/** Tells the gates of open windows when these really end. Until then the gates hold them until the end that their rules tell. */
export async function bringEnds(ports: WindowPorts, vm: VmOfRequest): Promise<void> {
  const request = await ports.requests.get(vm.requestId);
  const open = (request === undefined ? [] : windowsOfVm(request, vm.vmIndex)).filter(
    (window) => window.state === "open" && window.latestEnd !== undefined,
  );
  const gates = [...new Set(open.flatMap((window) => window.gates ?? []))];
  await Promise.all(
    gates.map((gateId) =>
      ports.gates.change(gateId, {
        endWindows: open
          .filter((window) => window.gates?.includes(gateId))
          .map(({ id: windowId, closesAt }) => ({ windowId, closesAt })),
      }),
    ),
  );
}

/** The reasons; where there are none, what was found beside the window; else nothing. */
function firstOf(
  reasons: readonly Reason[],
  findings: readonly Finding[],
): readonly Reason[] | undefined {
  const told = reasons.length > 0 ? reasons : findings;
  return told.length === 0 ? undefined : told;
}

function logOutcomes(ports: WindowPorts, outcomes: readonly WindowOutcome[]): void {
  for (const { window, reasons } of outcomes) {
    const { id: windowId, vmId, closesAt } = window;
    if (reasons.length === 0) {
      ports.log.windowOpened({ windowId, vmId, closesAt });
    } else {
      ports.log.windowFailed({ windowId, vmId, codes: reasons.map((reason) => reason.code) });
    }
  }
}
