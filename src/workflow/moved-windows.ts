import { isOnItsWay, isOver } from "../access/life.ts";
import { type AccessRequest, changeWindows, requestedVms, type Window } from "../access/request.ts";
import { windowFact } from "../activity/window-facts.ts";
import { idKey, resourceName } from "../policy/resource-id.ts";
import type { GateRecord, Machine } from "../ports.ts";
import type { Reason } from "../reasons.ts";
import { isFirewallGate } from "../rules/gate.ts";
import type { DesiredWindow } from "../rules/intent.ts";
import { leadOf } from "../rules/update-time.ts";
import { closeWindows } from "./close-windows.ts";
import type { WindowPorts } from "./open-windows.ts";
import { bringEnds, outcomeOf, type Reached, reachedBy } from "./opened.ts";
import { type PlaceBehind, placesByGate, placeText } from "./vm-gates.ts";

/** The windows of one VM of one request, and where they stand, by gate key. */
export interface StandingWindows {
  readonly requestId: string;
  readonly vmId: string;
  readonly windows: readonly DesiredWindow[];
  readonly places: ReadonlyMap<string, PlaceBehind>;
}

/**
 * All windows that are not over, gathered from the gates on which they are wanted. NB. Of those behind a firewall not those near
 * their end by the slowest of all: they are taken off firewalls before they are taken off other gates, and must not be brought back.
 */
export function standingWindows(
  records: readonly GateRecord[],
  now: Date,
): readonly StandingWindows[] {
  const longestLead = Math.max(0, ...records.map(leadOf));
  const isStanding = (window: DesiredWindow) =>
    Date.parse(window.closesAt) > now.getTime() + (isBehindFirewall(window) ? 3 * longestLead : 0);
  const standing = records.flatMap((record) =>
    record.intent.windows.filter(isStanding).map((window) => ({ gateId: record.gateId, window })),
  );
  const byVm = Map.groupBy(standing, ({ window }) => `${window.requestId} ${idKey(window.vmId)}`);
  return [...byVm.values()].map((ofVm) => {
    const [{ window: first }] = ofVm as [(typeof ofVm)[0]];
    return {
      requestId: first.requestId,
      vmId: first.vmId,
      windows: [...new Map(ofVm.map(({ window }) => [window.windowId, window])).values()],
      places: new Map(ofVm.map(({ gateId, window }) => [idKey(gateId), placeOf(window)])),
    };
  });
}

/** Whether it is wanted on a firewall, or on a group behind one. */
const isBehindFirewall = ({ through, publicAddresses }: DesiredWindow): boolean =>
  through !== undefined || publicAddresses !== undefined;

/** Whether the windows stand exactly where the VM is. */
export function standsWhere({ places }: StandingWindows, machine: Machine | undefined): boolean {
  return placeText(places) === placeText(placesByGate(machine));
}

/**
 * Lets windows follow their VM: to the gates and addresses where it is now, away from where it was. Where nothing stands in
 * front of it any more, or it is gone, they end. Safe to run twice.
 */
export async function followMachine(
  ports: WindowPorts,
  standing: StandingWindows,
  machine: Machine | undefined,
): Promise<void> {
  const places = placesByGate(machine);
  const request = await ports.requests.get(standing.requestId);
  const ids = standing.windows.map((window) => window.windowId);
  if ((await endedSince(ports, standing)).length > 0) {
    // They are being closed where they stand, or go with their policy: nothing is wanted anew.
    return;
  }
  if (isBeingOpened(standing, request, places)) {
    return;
  }
  if (places.size === 0) {
    await end(ports, standing, request, ids);
    return;
  }
  // NB. The gates are remembered before the first rule is wanted there: whoever closes later must find every one of them.
  await ports.requests.change(standing.requestId, (current) =>
    changeWindows(current, ids, (window) => ({
      ...window,
      gates: [...new Set([...(window.gates ?? []), ...places.keys()])],
    })),
  );
  const left = [...standing.places.keys()].filter((gateId) => !places.has(gateId));
  await Promise.all([
    ...[...places].map(([gateId, place]) =>
      ports.gates.change(gateId, {
        addWindows: standing.windows.map((window) => movedTo(window, place)),
      }),
    ),
    ...left.map((gateId) => ports.gates.change(gateId, { removeWindows: ids })),
  ]);
  const removeWindows = await endedSince(ports, standing);
  const [reached] = await Promise.all([
    Promise.all([...places.keys()].map((gateId) => settleWithout(ports, gateId, removeWindows))),
    ...left.map((gateId) => settleWithout(ports, gateId, removeWindows)),
  ]);
  if (request !== undefined) {
    const followed = ids.filter((id) => !removeWindows.includes(id));
    await tellFollowed(ports, request, followed, reached);
    // They were wanted as they were read: an end that was told meanwhile is told again.
    const vmIndex = requestedVms(request).indexOf(standing.vmId);
    await bringEnds(ports, { requestId: request.id, vmIndex });
  }
}

/**
 * Whether windows wait for the update of a firewall: they stand there alone until it is over, and whoever opens them finds out
 * where their VM is.
 */
function isBeingOpened(
  { windows, places: before }: StandingWindows,
  request: AccessRequest | undefined,
  places: ReadonlyMap<string, PlaceBehind>,
): boolean {
  const ids = windows.map((window) => window.windowId);
  return (
    [...before.keys(), ...places.keys()].some(isFirewallGate) &&
    request?.windows.some((window) => ids.includes(window.id) && isOnItsWay(window)) === true
  );
}

/**
 * Takes windows off their gates that are wanted there although they are over: whoever let them follow their VM while they were
 * being closed died before it saw that. Tells whether there were any.
 */
export async function takeOffEnded(
  ports: WindowPorts,
  { requestId, windows, places }: StandingWindows,
): Promise<boolean> {
  const request = await ports.requests.get(requestId);
  const over = new Set((request?.windows ?? []).filter(isOver).map((window) => window.id));
  const ended = windows.map(({ windowId }) => windowId).filter((id) => over.has(id));
  if (ended.length > 0) {
    await Promise.all([...places.keys()].map((gateId) => settleWithout(ports, gateId, ended)));
  }
  return ended.length > 0;
}

async function settleWithout(
  ports: WindowPorts,
  gateId: string,
  removeWindows: readonly string[],
): Promise<Reached> {
  const revision = await ports.gates.change(gateId, { removeWindows });
  return reachedBy(gateId, await ports.settle(gateId, revision));
}

const placeOf = ({ addresses, through, publicAddresses }: DesiredWindow): PlaceBehind => ({
  addresses,
  ...(through === undefined ? {} : { through }),
  ...(publicAddresses === undefined ? {} : { publicAddresses }),
});

/** The window as a gate at its VM's new place should carry it. */
function movedTo(
  { through: _, publicAddresses: __, ...window }: DesiredWindow,
  place: PlaceBehind,
): DesiredWindow {
  return { ...window, ...place };
}

/** Tells the audit what became of each window at its new place; one that cannot be open there ends. */
async function tellFollowed(
  ports: WindowPorts,
  request: AccessRequest,
  windowIds: readonly string[],
  reached: readonly Reached[],
): Promise<void> {
  const step = ports.ids.next();
  const at = ports.clock.now();
  const outcomes = request.windows
    .filter((window) => windowIds.includes(window.id))
    .map((window) => outcomeOf(window, undefined, reached, []));
  await ports.activity.record(
    outcomes.map(({ window, reasons, gates, pending }) =>
      windowFact(request, window, {
        operation: "gate.repair",
        outcome: reasons.length > 0 ? "failed" : pending.length === 0 ? "done" : "asked",
        at,
        step,
        gates,
        reasons: [...reasons, movedReason(window)],
      }),
    ),
  );
  const lost = outcomes.filter(({ reasons }) => reasons.length > 0).map(({ window }) => window);
  await close(ports, request, lost);
}

const movedReason = ({ vmId }: Window): Reason => ({
  code: "PlaceChanged",
  message: `'${resourceName(vmId)}' is not where it was when the port was opened; the window follows it.`,
  target: vmId,
});

/**
 * Which of the windows ended while they were moved. NB. Read after they are wanted at the new place: an end, or the policy's
 * deletion, is either seen here, or comes later and finds the new gates in the request.
 */
async function endedSince(
  { requests, policies }: WindowPorts,
  { requestId, windows }: StandingWindows,
): Promise<readonly string[]> {
  const [request, policy] = await Promise.all([
    requests.get(requestId),
    policies.get(windows[0]?.policyId ?? ""),
  ]);
  const isWithdrawn = policy === undefined || policy.value.state === "deleting";
  const ended = (request?.windows ?? [])
    .filter((window) => window.state === "closing" || isOver(window))
    .map((window) => window.id);
  return windows.map((window) => window.windowId).filter((id) => isWithdrawn || ended.includes(id));
}

async function end(
  ports: WindowPorts,
  standing: StandingWindows,
  request: AccessRequest | undefined,
  windowIds: readonly string[],
): Promise<void> {
  await Promise.all(
    [...standing.places.keys()].map((gateId) =>
      ports.gates.change(gateId, { removeWindows: windowIds }),
    ),
  );
  if (request !== undefined) {
    await close(
      ports,
      request,
      request.windows.filter((window) => windowIds.includes(window.id)),
    );
  }
}

/** Ends windows of one VM before their time. */
async function close(
  ports: WindowPorts,
  request: AccessRequest,
  windows: readonly Window[],
): Promise<void> {
  const [first] = windows;
  if (first !== undefined) {
    await closeWindows(ports, {
      requestId: request.id,
      vmIndex: requestedVms(request).indexOf(first.vmId),
      windowIds: windows.map((window) => window.id),
      endReason: "Expired",
      attempt: 1,
    });
  }
}
