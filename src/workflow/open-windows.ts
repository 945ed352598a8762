import { isOnItsWay, isOver } from "../access/life.ts";
import { type AccessRequest, type Window, windowsOfVm } from "../access/request.ts";
import type {
  ActivityStore,
  Directory,
  Machine,
  PolicyStore,
  RequestStore,
  Rights,
} from "../ports.ts";
import type { Reason } from "../reasons.ts";
import { unprotectedPaths } from "../rules/unprotected-paths.ts";
import { noteConnections } from "./connections.ts";
import { decideAgain } from "./decide-again.ts";
import { tellDecisions } from "./decisions.ts";
import { windowFact } from "./facts.ts";
import { type Leads, leadsOf, longest } from "./leads.ts";
import { type Look, lookAgain } from "./look-again.ts";
import {
  bringEnds,
  isWaiting,
  noteExpected,
  outcomeOf,
  type Reached,
  reachedBy,
  report,
  soonest,
} from "./opened.ts";
import { endReplaced } from "./replace-windows.ts";
import { guarded } from "./serial.ts";
import type { Settle } from "./settle.ts";
import { takeBack } from "./take-back.ts";
import type { SettlePorts } from "./turn.ts";
import { placesByGate } from "./vm-gates.ts";
import { desiredWindow, hopelessReasons } from "./wanted-windows.ts";

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
  const wanted = hopeful.length === 0 ? [] : await want(ports, request, hopeful, machine, leads);
  // NB. And once more after they are wanted: an end, a deletion or another policy is either seen here, or comes later and takes
  // them away. Who knows of people and rights has just been asked.
  const [again, current] = await Promise.all([
    decideAgain(ports, request, hopeful, { fresh: false }),
    ports.requests.get(request.id),
  ]);
  for (const [id, reasons] of again) {
    hopeless.set(id, reasons);
  }
  // Somebody asked for their end meanwhile, or another run of this very activity was quicker and they have ended since.
  const endedIds = (current?.windows ?? [])
    .filter((window) => window.state === "closing" || isOver(window))
    .map((window) => window.id);
  const told = opening.filter((window) => !endedIds.includes(window.id));
  const unwanted = hopeful
    .map((window) => window.id)
    .filter((id) => hopeless.has(id) || endedIds.includes(id));
  const reached = await settleAll(ports, wanted, unwanted, refused);
  const paths = machine === undefined ? [] : unprotectedPaths(machine);
  const outcomes = told.map((window) => outcomeOf(window, hopeless.get(window.id), reached, paths));
  const waiting = outcomes.filter(isWaiting);
  await report(
    ports,
    request,
    outcomes.filter((outcome) => !isWaiting(outcome)),
  );
  await noteExpected(ports, request, waiting);
  return { machine, retryAfterMs: waiting.length === 0 ? undefined : soonest(reached) };
}

/** A gate on which the windows are wanted, from that revision on. */
interface Wanted {
  readonly gateId: string;
  readonly revision: number;
}

async function want(
  ports: WindowPorts,
  request: AccessRequest,
  windows: readonly Window[],
  machine: Machine | undefined,
  leads: Leads,
): Promise<readonly Wanted[]> {
  const places = placesByGate(machine);
  const gates = [...places.keys()];
  const ids = windows.map((window) => window.id);
  const now = ports.clock.now();
  // NB. The gates are remembered before the first rule is wanted: whoever closes later must find every one of them.
  const noted = await ports.requests.change(request.id, (current) => ({
    ...current,
    windows: current.windows.map((window) =>
      ids.includes(window.id) && isOnItsWay(window)
        ? {
            ...onItsWay(window, now, longest(leads)),
            gates: [...new Set([...(window.gates ?? []), ...gates])],
          }
        : window,
    ),
  }));
  // NB. Not those whose end was asked for meanwhile.
  const current = (noted ?? request).windows.filter(
    (window) => ids.includes(window.id) && isOnItsWay(window),
  );
  return Promise.all(
    [...places].map(async ([gateId, place]) => {
      // NB. Not what could not be closed in time any more: an update that opens it would leave none to close it.
      const inTime = now.getTime() + 2 * (leads.get(gateId) ?? 0);
      const addWindows = current
        .map((window) => desiredWindow(request, window, place))
        .filter(({ closesAt }) => Date.parse(closesAt) > inTime);
      return { gateId, revision: await ports.gates.change(gateId, { addWindows }) };
    }),
  );
}

/**
 * How much later than asked for the rules of a window tell its end, in milliseconds: so long opening may take without taking of
 * the window's time, and so much too long a rule may stand if storage is lost. Behind a firewall it is more by three of its
 * updates: one that is under way already, the one that opens, and one that comes to nothing.
 */
const openingAllowance = 60_000;

/** A window that counts from when it is proven open has its end after that; until then it lasts as long as its rules tell. */
function onItsWay(window: Window, now: Date, longestLead: number): Window {
  const { durationSeconds, latestEnd, openedAt } = window;
  // NB. What an earlier run has proven open counts from then, whoever opens it again.
  if (durationSeconds === undefined || openedAt !== undefined) {
    return { ...window, state: "opening" };
  }
  const end = now.getTime() + durationSeconds * 1_000;
  // A second try keeps what the rules of the first tell, as long as that does not cut the window short.
  const isLateEnough = latestEnd !== undefined && Date.parse(latestEnd) >= end;
  const latest = isLateEnough
    ? latestEnd
    : new Date(end + openingAllowance + 3 * longestLead).toISOString();
  return { ...window, state: "opening", closesAt: new Date(end).toISOString(), latestEnd: latest };
}

/** NB. What turned out not to be allowed is taken out before anything is written: it is never open, not even for a moment. */
function settleAll(
  ports: WindowPorts,
  wanted: readonly Wanted[],
  unwanted: readonly string[],
  refused: readonly Reached[],
): Promise<readonly Reached[]> {
  return Promise.all(
    wanted.map(async ({ gateId, revision: wantedRevision }) => {
      const revision =
        unwanted.length === 0
          ? wantedRevision
          : await ports.gates.change(gateId, { removeWindows: unwanted });
      const known = refused.find((gate) => gate.gateId === gateId);
      return known ?? reachedBy(gateId, await ports.settle(gateId, revision));
    }),
  );
}
