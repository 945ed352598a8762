import type { AccessRequest, EndReason, Window } from "../access/request.ts";
import type { FactGate, FactOutcome } from "../activity/fact.ts";
import { windowFact } from "../activity/window-facts.ts";
import type { Reason } from "../reasons.ts";
import { isFirewallGate } from "../rules/gate.ts";

/**
 * What became of the opening. NB. Whoever died before it was told told nothing; where it was told, the same fact is not
 * recorded twice.
 */
export function openings(request: AccessRequest, windows: readonly Window[], at: Date) {
  const operation = "access.open";
  return windows
    .filter((window) => window.openedAt === undefined || window.state !== "open")
    .map((window) =>
      window.openedAt === undefined
        ? windowFact(request, window, {
            operation,
            outcome: "failed",
            at,
            reasons: window.reasons ?? [neverOpened(window)],
          })
        : windowFact(request, window, {
            operation,
            outcome: "done",
            at: new Date(window.openedAt),
            gates: (window.gates ?? []).map((id) => ({ id, rules: [] })),
          }),
    );
}

/** Why a window was never open. */
export function neverOpened(window: Window): Reason {
  if (isWithdrawn(window)) {
    // NB. An update of a firewall that was under way then came into effect, and the next one took it back.
    const message = window.gates?.some(isFirewallGate)
      ? "Its end was asked for before the port was proven open; a firewall may have let it through from the end of an update until that of the next."
      : "Its end was asked for before the port was open.";
    return { code: "EndedBeforeOpen", message, target: window.vmId };
  }
  return {
    code: "NotSettledInTime",
    message: "The port could not be opened; whatever had been written was taken back.",
    target: window.vmId,
  };
}

/** What is told of the closing of windows. */
export function closings(
  request: AccessRequest,
  windows: readonly Window[],
  endReason: EndReason,
  outcome: FactOutcome,
  at: Date,
  {
    gatesOf,
    ...more
  }: {
    readonly step?: string;
    readonly reasons?: readonly Reason[];
    readonly gatesOf?: (window: Window) => readonly FactGate[];
  } = {},
) {
  return windows.map((window) =>
    windowFact(request, window, {
      operation: "access.close",
      outcome,
      at,
      // Who asked for its end first, says why it ends.
      endReason: window.endReason ?? endReason,
      gates: gatesOf?.(window),
      ...more,
    }),
  );
}

/** Whether somebody asked for its end before it was open. */
export function isWithdrawn(window: Window): boolean {
  return window.endReason === "UserRequested";
}
