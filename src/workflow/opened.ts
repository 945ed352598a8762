import { type AccessRequest, moveWindow, type Window } from "../access/request.ts";
import { idKey } from "../policy/resource-id.ts";
import type { GateRecord } from "../ports.ts";
import { bounded, type Finding, type Reason } from "../reasons.ts";
import { windowFact } from "./facts.ts";
import type { Opened, WindowPorts } from "./open-windows.ts";

/** A gate that was asked to open windows: how it stands, or why it could not be settled. */
export interface Reached {
  readonly gateId: string;
  readonly record?: GateRecord;
  readonly reasons?: readonly Reason[];
}

/** What became of one window on all its gates; open where there is no reason against it. */
export interface WindowOutcome {
  readonly window: Window;
  readonly reasons: readonly Reason[];
  readonly gates: readonly { readonly id: string; readonly rules: readonly string[] }[];
  readonly findings: readonly Finding[];
}

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
    return { window, reasons: hopeless, gates: [], findings: [] };
  }
  const beside = reached
    .flatMap((gate) => gate.record?.findings ?? [])
    .filter(({ vmId }) => vmId !== undefined && idKey(vmId) === idKey(window.vmId));
  const told = reached.map((gate) => {
    const result = gate.record?.results[window.id];
    if (result?.state === "open") {
      return { gate: { id: gate.gateId, rules: result.rules }, reasons: [] };
    }
    const over: Reason = {
      code: "WindowOver",
      message: `The window ended at ${window.closesAt}, before it could be opened.`,
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
  };
}

/** Tells activity, request and log what became of the windows; answers what the orchestration has to look after. */
export async function report(
  ports: WindowPorts,
  request: AccessRequest,
  windows: readonly Window[],
  outcomes: readonly WindowOutcome[],
): Promise<Opened> {
  const now = ports.clock.now();
  const byId = new Map(outcomes.map((outcome) => [outcome.window.id, outcome]));
  const facts = outcomes.map(({ window, reasons, gates, findings }) =>
    windowFact(request, window, {
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
      return outcome.reasons.length === 0
        ? moveWindow(window, "open", {
            openedAt: now.toISOString(),
            ...(outcome.findings.length === 0 ? {} : { findings: outcome.findings }),
          })
        : moveWindow(window, "closing", { reasons: outcome.reasons });
    }),
  }));
  logOutcomes(ports, outcomes);
  // Those of an earlier try too, whose answer was lost: somebody has to close them all the same.
  const failedIds = windows
    .filter(
      (window) => window.state === "closing" || (byId.get(window.id)?.reasons ?? []).length > 0,
    )
    .map((window) => window.id);
  const open = windows.filter((window) => !failedIds.includes(window.id));
  return { ends: [...new Set(open.map((window) => window.closesAt))].toSorted(), failedIds };
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
