import { stillAllowed } from "../access/decide.ts";
import {
  type AccessRequest,
  isOver,
  moveWindow,
  type Window,
  windowsOfVm,
} from "../access/request.ts";
import { idKey } from "../policy/resource-id.ts";
import type { ActivityStore, GateRecord, Machine, PolicyStore, RequestStore } from "../ports.ts";
import type { Reason } from "../reasons.ts";
import { isPrefix, parsePrefix } from "../rules/cidr.ts";
import type { DesiredWindow } from "../rules/intent.ts";
import { windowFact } from "./facts.ts";
import type { Settle, SettlePorts } from "./settle.ts";

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
    opening.flatMap((window) => hopelessReasons(window, machine, now)),
  );
  const hopeful = opening.filter((window) => !hopeless.has(window.id));
  const wanted = hopeful.length === 0 ? [] : await want(ports, request, hopeful, machine);
  // NB. The policy is read after the windows are wanted: a deletion is either seen here, or comes later and takes them away.
  const policy = await ports.policies.get(request.policyId);
  for (const window of hopeful) {
    const reasons = stillAllowed(policy?.value, window);
    if (reasons.length > 0) {
      hopeless.set(window.id, reasons);
    }
  }
  const unwanted = hopeful.filter((window) => hopeless.has(window.id)).map((window) => window.id);
  const reached = await settleAll(ports, wanted, unwanted);
  const outcomes = opening.map((window) => outcomeOf(window, hopeless.get(window.id), reached));
  return report(ports, request, windows, outcomes);
}

/** Why a window cannot be opened at all, before any gate is asked. */
function hopelessReasons(
  window: Window,
  machine: Machine | undefined,
  now: Date,
): readonly [string, readonly Reason[]][] {
  const target = window.vmId;
  const reasons: Reason[] = [];
  if (Date.parse(window.closesAt) <= now.getTime()) {
    reasons.push({
      code: "WindowOver",
      message: `The window ended at ${window.closesAt}, before it could be opened.`,
      target,
    });
  }
  if (machine === undefined) {
    reasons.push({
      code: "VirtualMachineNotFound",
      message: `'${window.vmId}' does not exist any more.`,
      target,
    });
  } else if (machine.addresses.every((address) => address.gates.length === 0)) {
    reasons.push({
      code: "NetworkSecurityGroupMissing",
      message: `No network security group stands in front of '${window.vmId}' any more.`,
      target,
    });
  } else {
    const families = new Set(
      machine.addresses
        .filter((address) => address.gates.length > 0)
        .map((address) => address.family),
    );
    const lost = window.sources.filter((source) => !reachable(source, families));
    if (lost.length > 0) {
      reasons.push({
        code: "NoAddressForSource",
        message: `'${window.vmId}' has no address of the family of ${lost.join(", ")}.`,
        target,
      });
    }
  }
  return reasons.length > 0 ? [[window.id, reasons]] : [];
}

function reachable(source: string, families: ReadonlySet<number>): boolean {
  const prefix = parsePrefix(source);
  return source === "*" || (isPrefix(prefix) && families.has(prefix.family));
}

/** A gate on which the windows are wanted, from that revision on. */
interface Wanted {
  readonly gateId: string;
  readonly revision: number;
}

interface Reached {
  readonly gateId: string;
  readonly record?: GateRecord;
  readonly reasons?: readonly Reason[];
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

/** The VM's addresses behind each of its gates, by gate id. */
export function addressesByGate(
  machine: Machine | undefined,
): ReadonlyMap<string, readonly string[]> {
  const byGate = new Map<string, string[]>();
  for (const { address, gates } of machine?.addresses ?? []) {
    for (const gate of gates) {
      byGate.set(idKey(gate), [...(byGate.get(idKey(gate)) ?? []), address]);
    }
  }
  return byGate;
}

function desiredWindow(
  request: AccessRequest,
  window: Window,
  addresses: readonly string[],
): DesiredWindow {
  return {
    windowId: window.id,
    requestId: request.id,
    policyId: request.policyId,
    vmId: window.vmId,
    addresses,
    port: window.port,
    protocol: window.protocol,
    sources: window.sources,
    closesAt: window.closesAt,
  };
}

interface WindowOutcome {
  readonly window: Window;
  readonly reasons: readonly Reason[];
  readonly gates: readonly { readonly id: string; readonly rules: readonly string[] }[];
}

function outcomeOf(
  window: Window,
  hopeless: readonly Reason[] | undefined,
  reached: readonly Reached[],
): WindowOutcome {
  if (hopeless !== undefined) {
    return { window, reasons: hopeless, gates: [] };
  }
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
  };
}

async function report(
  ports: WindowPorts,
  request: AccessRequest,
  windows: readonly Window[],
  outcomes: readonly WindowOutcome[],
): Promise<Opened> {
  const now = ports.clock.now();
  const byId = new Map(outcomes.map((outcome) => [outcome.window.id, outcome]));
  const facts = outcomes.map(({ window, reasons, gates }) =>
    windowFact(request, window, {
      operation: "access.open",
      outcome: reasons.length === 0 ? "done" : "failed",
      at: now,
      gates,
      reasons: reasons.length === 0 ? undefined : reasons,
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
        ? moveWindow(window, "open", { openedAt: now.toISOString() })
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
