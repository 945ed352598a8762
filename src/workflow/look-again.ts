import type { AccessRequest, Window } from "../access/request.ts";
import { isFirewallGate } from "../rules/gate.ts";
import { decideAgain } from "./decide-again.ts";
import type { Opened, WindowPorts } from "./open-windows.ts";
import { isWaiting, noteExpected, outcomeOf, type Reached, reachedBy, soonest } from "./opened.ts";
import { latest } from "./settle.ts";

/** With `retryAfterMs` all windows wait still. `refused`: the gates that are known not to come to their rules now. */
export interface Look extends Opened {
  readonly refused: readonly Reached[];
}

/**
 * Looks whether windows wait still for the updates of firewalls. NB. Many do so at once, and often: where all wait, it decides anew, and
 * asks Azure for nothing else.
 */
export async function lookAgain(
  ports: WindowPorts,
  request: AccessRequest,
  opening: readonly Window[],
): Promise<Look> {
  const gateIds = [...new Set(opening.flatMap(({ gates = [] }) => gates))].filter(isFirewallGate);
  const now = ports.clock.now().getTime();
  const isEnding = ({ durationSeconds, closesAt }: Window) =>
    durationSeconds === undefined && Date.parse(closesAt) <= now;
  const isHopeless =
    opening.some(isEnding) ||
    (await decideAgain(ports, request, opening, { fresh: false })).size > 0;
  if (gateIds.length === 0 || isHopeless) {
    return { refused: [] };
  }
  const reached = await Promise.all(
    gateIds.map(async (gateId) => reachedBy(gateId, await ports.settle(gateId, latest))),
  );
  const outcomes = opening.map((window) => outcomeOf(window, undefined, reached, []));
  if (!outcomes.every(isWaiting)) {
    return { refused: reached.filter(({ reasons }) => reasons !== undefined) };
  }
  await noteExpected(ports, request, outcomes);
  return { retryAfterMs: soonest(reached), refused: [] };
}
