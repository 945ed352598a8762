import { stillAllowed } from "../access/decide.ts";
import { type AccessRequest, isOver, type Window, windowsOfVm } from "../access/request.ts";
import type { ActivityStore, Machine, PolicyStore, RequestStore } from "../ports.ts";
import type { Reason } from "../reasons.ts";
import { unprotectedPaths } from "../rules/unprotected-paths.ts";
import { windowFact } from "./facts.ts";
import { outcomeOf, type Reached, report } from "./opened.ts";
import { endReplaced } from "./replace-windows.ts";
import { guarded } from "./serial.ts";
import type { Settle } from "./settle.ts";
import { addressesByGate } from "./vm-gates.ts";
import { desiredWindow, hopelessReasons } from "./wanted-windows.ts";
import type { SettlePorts } from "./write-gate.ts";

/** What opening and closing need of the world. */
export interface WindowPorts extends SettlePorts {
  readonly policies: PolicyStore;
  readonly requests: RequestStore;
  readonly activity: ActivityStore;
  readonly settle: Settle;
}

/** The windows of one VM of a request: the unit in which rules are opened and closed. */
export interface VmOfRequest {
  readonly requestId: string;
  readonly vmIndex: number;
}

/** `ends` are the distinct ends of the windows that came to be open, soonest first; `failedIds` still have to be closed. */
export interface Opened {
  readonly ends: readonly string[];
  readonly failedIds: readonly string[];
}

/**
 * Opens the windows of one VM: finds its gates, wants the windows there, settles, and believes only what was read back.
 * A window that is blocked on one gate is not open at all. Safe to run twice; throws when it should be tried again.
 */
export async function openWindows(ports: WindowPorts, input: VmOfRequest): Promise<Opened> {
  const request = await ports.requests.get(input.requestId);
  if (request === undefined) {
    return { ends: [], failedIds: [] };
  }
  const windows = windowsOfVm(request, input.vmIndex).filter((window) => !isOver(window));
  const opening = windows.filter((window) => window.state === "opening");
  const now = ports.clock.now();
  const { activity } = ports;
  const [, machine] = await Promise.all([
    activity.record(
      opening.map((window) =>
        windowFact(request, window, { operation: "access.open", outcome: "asked", at: now }),
      ),
    ),
    opening.length === 0 ? undefined : ports.network.findMachine(opening[0]?.vmId ?? ""),
  ]);
  const hopeless = new Map<string, readonly Reason[]>(
    opening
      .map((window) => [window.id, hopelessReasons(window, machine, now)] as const)
      .filter(([, reasons]) => reasons.length > 0),
  );
  const hopeful = opening.filter((window) => !hopeless.has(window.id));
  const wanted = hopeful.length === 0 ? [] : await want(ports, request, hopeful, machine);
  // NB. Both are read after the windows are wanted: an end or a deletion is either seen here, or comes later and takes them away.
  const [policy, current] = await Promise.all([
    ports.policies.get(request.policyId),
    ports.requests.get(request.id),
  ]);
  for (const window of hopeful) {
    const reasons = stillAllowed(policy?.value, window);
    if (reasons.length > 0) {
      hopeless.set(window.id, reasons);
    }
  }
  // Another run of this very activity was quicker, and its windows have ended since: nothing of theirs is ours to tell.
  const endedIds = (current?.windows ?? [])
    .filter((window) => window.state === "closing" || isOver(window))
    .map((window) => window.id);
  const told = opening.filter((window) => !endedIds.includes(window.id));
  const unwanted = hopeful
    .map((window) => window.id)
    .filter((id) => hopeless.has(id) || endedIds.includes(id));
  const reached = await settleAll(ports, wanted, unwanted);
  const paths = machine === undefined ? [] : unprotectedPaths(machine);
  const outcomes = told.map((window) => outcomeOf(window, hopeless.get(window.id), reached, paths));
  const mine = windows.filter((window) => !opening.includes(window) || told.includes(window));
  const opened = await report(ports, request, mine, outcomes);
  // A fault here costs no access: a window that should have been replaced then lasts until its own end.
  await guarded(ports.log, `ending what ${request.id} replaces`, () => endReplaced(ports, input));
  return opened;
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
): Promise<readonly Wanted[]> {
  const addressesOf = addressesByGate(machine);
  const gates = [...addressesOf.keys()];
  const ids = windows.map((window) => window.id);
  // NB. The gates are remembered before the first rule is wanted: whoever closes later must find every one of them.
  await ports.requests.change(request.id, (current) => ({
    ...current,
    windows: current.windows.map((window) =>
      ids.includes(window.id)
        ? { ...window, gates: [...new Set([...(window.gates ?? []), ...gates])] }
        : window,
    ),
  }));
  return Promise.all(
    [...addressesOf].map(async ([gateId, addresses]) => {
      const addWindows = windows.map((window) => desiredWindow(request, window, addresses));
      return { gateId, revision: await ports.gates.change(gateId, { addWindows }) };
    }),
  );
}

/** NB. What turned out not to be allowed is taken out before anything is written: it is never open, not even for a moment. */
function settleAll(
  ports: WindowPorts,
  wanted: readonly Wanted[],
  unwanted: readonly string[],
): Promise<readonly Reached[]> {
  return Promise.all(
    wanted.map(async ({ gateId, revision: wantedRevision }) => {
      const revision =
        unwanted.length === 0
          ? wantedRevision
          : await ports.gates.change(gateId, { removeWindows: unwanted });
      const settled = await ports.settle(gateId, revision);
      return settled.outcome === "settled"
        ? { gateId, record: settled.record }
        : { gateId, reasons: settled.reasons };
    }),
  );
}
