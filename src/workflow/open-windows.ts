import { isOnItsWay } from "../access/life.ts";
import { type AccessRequest, type Window, windowsOfVm } from "../access/request.ts";
import type { ActivityStore } from "../activity/store.ts";
import { windowFact } from "../activity/window-facts.ts";
import type { Directory, Machine, PolicyStore, RequestStore, Rights } from "../ports.ts";
import type { Reason } from "../reasons.ts";
import { isFirewallGate } from "../rules/gate.ts";
import { unprotectedPaths } from "../rules/unprotected-paths.ts";
import { noteConnections } from "./connections.ts";
import { decideAgain } from "./decide-again.ts";
import { tellDecisions } from "./decisions.ts";
import { leadsOf, longest } from "./leads.ts";
import { type Look, lookAgain } from "./look-again.ts";
import { bringEnds, isWaiting, noteExpected, outcomeOf, report, soonest } from "./opened.ts";
import { type ReachedGates, reachGates } from "./reach-gates.ts";
import { endReplaced } from "./replace-windows.ts";
import { guarded } from "./serial.ts";
import type { Settle } from "./settle.ts";
import { takeBack } from "./take-back.ts";
import type { SettlePorts } from "./turn.ts";
import { placesByGate } from "./vm-gates.ts";
import { hopelessReasons } from "./wanted-windows.ts";

/** What opening and closing need of the world. */
export interface WindowPorts extends SettlePorts {
  readonly policies: PolicyStore;
  readonly requests: RequestStore;
  readonly activity: ActivityStore;
  readonly rights: Rights;
  readonly directory: Directory;
  readonly settle: Settle;
}

/** The windows of one VM of a request: the unit in which rules are opened and closed. */
export interface VmOfRequest {
  readonly requestId: string;
  readonly vmIndex: number;
}

/** `isAgain`: an earlier run has asked for the updates of firewalls, and this one looks how they go. */
export interface Opening extends VmOfRequest {
  readonly isAgain?: boolean | undefined;
}

/** `retryAfterMs`: some windows wait for the update of a firewall; look again then. */
export interface Opened {
  readonly retryAfterMs?: number | undefined;
}

/**
 * Opens the windows of one VM: decides again, finds its gates, wants the windows there, settles, and believes only what was
 * read back. A window that is blocked on one gate is not open at all. Safe to run twice; throws when it should be tried again.
 */
export async function openWindows(ports: WindowPorts, input: Opening): Promise<Opened> {
  const request = await ports.requests.get(input.requestId);
  if (request === undefined) {
    return {};
  }
  const now = ports.clock.now().getTime();
  const opening = windowsOfVm(request, input.vmIndex).filter(
    (window) => isOnItsWay(window) && !wasOpen(window, now),
  );
  const look = input.isAgain === true ? await lookAgain(ports, request, opening) : { refused: [] };
  if (look.retryAfterMs !== undefined) {
    return { retryAfterMs: look.retryAfterMs };
  }
  const { machine, retryAfterMs }: Tried =
    opening.length === 0
      ? { machine: undefined }
      : await open(ports, request, opening, { ...input, ...look });
  await bringEnds(ports, input);
  await guarded(ports.log, `where to connect for ${request.id}`, () =>
    noteConnections(ports, input, machine),
  );
  // A fault here costs no access: a window that should have been replaced then lasts until its own end.
  await guarded(ports.log, `ending what ${request.id} replaces`, () => endReplaced(ports, input));
  return retryAfterMs === undefined ? {} : { retryAfterMs };
}

/** The VM, where it was found; with `retryAfterMs` where some windows wait still. */
interface Tried extends Opened {
  readonly machine: Machine | undefined;
}

/** Whether an earlier run has proven it open, and its time is over: whoever looks after it closes it, and tells both. */
function wasOpen({ openedAt, closesAt }: Window, now: number): boolean {
  return openedAt !== undefined && Date.parse(closesAt) <= now;
}

async function open(
  ports: WindowPorts,
  request: AccessRequest,
  opening: readonly Window[],
  { isAgain, refused }: Opening & Look,
): Promise<Tried> {
  const now = ports.clock.now();
  // NB. Decided before anything is wanted: whoever settles a gate writes all that is wanted there, and asks nobody. While an
  // update is under way it is decided anew at each look, by answers as old as any may be.
  const [refusals, machine] = await Promise.all([
    decideAgain(ports, request, opening, isAgain === true ? { fresh: false } : undefined),
    ports.network.findMachine(opening[0]?.vmId ?? ""),
    tellDecisions(ports, request),
    ports.activity.record(
      opening.map((window) =>
        windowFact(request, window, { operation: "access.open", outcome: "asked", at: now }),
      ),
    ),
  ]);
  const leads = await leadsOf(ports, [...placesByGate(machine).keys()]);
  const hopeless = new Map<string, readonly Reason[]>([
    ...refusals,
    ...opening
      .map((window) => [window.id, hopelessReasons(window, machine, now, longest(leads))] as const)
      .filter(([, reasons]) => reasons.length > 0),
  ]);
  // What an earlier try may have wanted.
  await takeBack(
    ports,
    opening.filter((window) => hopeless.has(window.id)),
  );
  const hopeful = opening.filter((window) => !hopeless.has(window.id));
  const reach = { ports, request, machine, leads, refused };
  // NB. The slow gates first: while a firewall is being updated, or has failed, no other way to the VM is open.
  const slow = await reachGates(reach, hopeful, isFirewallGate);
  const ready = hopeful.filter((window) => isOpenOn(slow, window));
  const quick = await reachGates(reach, ready, (gateId) => !isFirewallGate(gateId));
  const paths = machine === undefined ? [] : unprotectedPaths(machine);
  const ended = new Set([...slow.ended, ...quick.ended]);
  const outcomes = opening
    .filter((window) => !ended.has(window.id))
    .map((window) => {
      const reasons = [hopeless, slow.refusals, quick.refusals].find((some) => some.has(window.id));
      const reached = ready.includes(window) ? [...slow.gates, ...quick.gates] : slow.gates;
      return outcomeOf(window, reasons?.get(window.id), reached, paths);
    });
  const waiting = outcomes.filter(isWaiting);
  await report(
    ports,
    request,
    outcomes.filter((outcome) => !isWaiting(outcome)),
  );
  await noteExpected(ports, request, waiting);
  return { machine, retryAfterMs: waiting.length === 0 ? undefined : soonest(slow.gates) };
}

/** Whether a window is proven open on all gates that were reached, and may still be. */
function isOpenOn({ gates, refusals, ended }: ReachedGates, window: Window): boolean {
  const { reasons, pending } = outcomeOf(window, refusals.get(window.id), gates, []);
  return reasons.length === 0 && pending.length === 0 && !ended.includes(window.id);
}
