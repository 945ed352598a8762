import { isOnItsWay, isOver } from "../access/life.ts";
import type { AccessRequest, Window } from "../access/request.ts";
import type { Machine } from "../ports.ts";
import type { Reason } from "../reasons.ts";
import { decideAgain } from "./decide-again.ts";
import { type Leads, longest } from "./leads.ts";
import type { WindowPorts } from "./open-windows.ts";
import { type Reached, reachedBy } from "./opened.ts";
import { placesByGate } from "./vm-gates.ts";
import { desiredWindow } from "./wanted-windows.ts";

/** Whose windows are opened, where the VM is, and how slow its firewalls are. */
export interface Reaching {
  readonly ports: WindowPorts;
  readonly request: AccessRequest;
  readonly machine: Machine | undefined;
  readonly leads: Leads;
  /** The gates that are known not to come to their rules now. */
  readonly refused: readonly Reached[];
}

/** Some of a VM's gates, once windows were wanted there. */
export interface ReachedGates {
  readonly gates: readonly Reached[];
  /** Why windows must not be opened any more, by window id. */
  readonly refusals: ReadonlyMap<string, readonly Reason[]>;
  /** Ids of windows whose end was asked for, or came, meanwhile. */
  readonly ended: readonly string[];
}

/** Wants windows on those of the VM's gates that pass `isMeant`, decides once more, and settles them. */
export async function reachGates(
  reaching: Reaching,
  windows: readonly Window[],
  isMeant: (gateId: string) => boolean,
): Promise<ReachedGates> {
  const { ports, request, machine, refused } = reaching;
  if (windows.length === 0 || ![...placesByGate(machine).keys()].some(isMeant)) {
    return { gates: [], refusals: new Map(), ended: [] };
  }
  const wanted = await want(reaching, windows, isMeant);
  // NB. And once more after they are wanted: an end, a deletion or another policy is either seen here, or comes later and takes
  // them away. Who knows of people and rights has just been asked.
  const [refusals, current] = await Promise.all([
    decideAgain(ports, request, windows, { fresh: false }),
    ports.requests.get(request.id),
  ]);
  // Somebody asked for their end meanwhile, or another run of this very activity was quicker and they have ended since.
  const ended = (current?.windows ?? [])
    .filter((window) => window.state === "closing" || isOver(window))
    .map((window) => window.id);
  const unwanted = windows
    .map((window) => window.id)
    .filter((id) => refusals.has(id) || ended.includes(id));
  return { gates: await settleAll(ports, wanted, unwanted, refused), refusals, ended };
}

/** A gate on which the windows are wanted, from that revision on. */
interface Wanted {
  readonly gateId: string;
  readonly revision: number;
}

async function want(
  { ports, request, machine, leads }: Reaching,
  windows: readonly Window[],
  isMeant: (gateId: string) => boolean,
): Promise<readonly Wanted[]> {
  const places = placesByGate(machine);
  const gates = [...places.keys()];
  const ids = windows.map((window) => window.id);
  const now = ports.clock.now();
  // NB. All gates are remembered before the first rule is wanted: whoever closes later must find every one of them.
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
  const meant = [...places].filter(([gateId]) => isMeant(gateId));
  return Promise.all(
    meant.map(async ([gateId, place]) => {
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
