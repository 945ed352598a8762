import { type AccessRequest, isOver, requestedVms, type Window } from "../access/request.ts";
import { idKey } from "../policy/resource-id.ts";
import type { GateRecord, Machine } from "../ports.ts";
import type { DesiredWindow } from "../rules/intent.ts";
import { closeWindows } from "./close-windows.ts";
import type { WindowPorts } from "./open-windows.ts";
import { addressesByGate, placeText } from "./vm-gates.ts";

/** The windows of one VM of one request as they stand on the gates: addresses by gate id, by window id. */
export interface StandingWindows {
  readonly requestId: string;
  readonly vmId: string;
  readonly windows: readonly DesiredWindow[];
  readonly addressesOn: ReadonlyMap<string, readonly string[]>;
}

/** All windows that are not over, gathered from the gates on which they are wanted. */
export function standingWindows(
  records: readonly GateRecord[],
  now: Date,
): readonly StandingWindows[] {
  const standing = records.flatMap((record) =>
    record.intent.windows
      .filter((window) => Date.parse(window.closesAt) > now.getTime())
      .map((window) => ({ gateId: record.gateId, window })),
  );
  const byVm = Map.groupBy(standing, ({ window }) => `${window.requestId} ${idKey(window.vmId)}`);
  return [...byVm.values()].map((ofVm) => {
    const [{ window: first }] = ofVm as [(typeof ofVm)[0]];
    return {
      requestId: first.requestId,
      vmId: first.vmId,
      windows: [...new Map(ofVm.map(({ window }) => [window.windowId, window])).values()],
      addressesOn: new Map(ofVm.map(({ gateId, window }) => [idKey(gateId), window.addresses])),
    };
  });
}

/** Whether the windows stand exactly where the VM is. */
export function standsWhere(
  { addressesOn }: StandingWindows,
  machine: Machine | undefined,
): boolean {
  return placeText(addressesOn) === placeText(addressesByGate(machine));
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
  const places = addressesByGate(machine);
  const request = await ports.requests.get(standing.requestId);
  const ids = standing.windows.map((window) => window.windowId);
  if (places.size === 0) {
    await end(ports, standing, request, ids);
    return;
  }
  // NB. The gates are remembered before the first rule is wanted there: whoever closes later must find every one of them.
  await ports.requests.change(standing.requestId, (current) => ({
    ...current,
    windows: current.windows.map((window) => withGates(window, ids, [...places.keys()])),
  }));
  const left = [...standing.addressesOn.keys()].filter((gateId) => !places.has(gateId));
  await Promise.all([
    ...[...places].map(([gateId, addresses]) =>
      ports.gates.change(gateId, {
        addWindows: standing.windows.map((window) => ({ ...window, addresses })),
      }),
    ),
    ...left.map((gateId) => ports.gates.change(gateId, { removeWindows: ids })),
  ]);
  const removeWindows = await endedSince(ports, standing);
  await Promise.all(
    [...new Set([...places.keys(), ...left])].map(async (gateId) => {
      const revision = await ports.gates.change(gateId, { removeWindows });
      await ports.settle(gateId, revision);
    }),
  );
}

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

function withGates(window: Window, ids: readonly string[], gates: readonly string[]): Window {
  return ids.includes(window.id)
    ? { ...window, gates: [...new Set([...(window.gates ?? []), ...gates])] }
    : window;
}

async function end(
  ports: WindowPorts,
  standing: StandingWindows,
  request: AccessRequest | undefined,
  windowIds: readonly string[],
): Promise<void> {
  await Promise.all(
    [...standing.addressesOn.keys()].map((gateId) =>
      ports.gates.change(gateId, { removeWindows: windowIds }),
    ),
  );
  const vmIndex = request === undefined ? -1 : requestedVms(request).indexOf(standing.vmId);
  if (request !== undefined && vmIndex >= 0) {
    await closeWindows(ports, {
      requestId: request.id,
      vmIndex,
      windowIds,
      endReason: "Expired",
      attempt: 1,
    });
  }
}
