import { type AccessRequest, requestedVms, type Window, windowsOfVm } from "../access/request.ts";
import { mapLimited } from "../map-limited.ts";
import { idKey } from "../policy/resource-id.ts";
import type { Machine } from "../ports.ts";
import type { Reason } from "../reasons.ts";
import type { DesiredWindow } from "../rules/intent.ts";
import type { Foresee, Foreseen, ForeseePorts } from "./foresee.ts";
import { parallelWork } from "./protect.ts";
import { placesByGate } from "./vm-gates.ts";
import { desiredWindow, hopelessReasons } from "./wanted-windows.ts";

/** One VM of a request, and why windows of it would fail; no reasons when all would come to be open. */
export interface ForeseenVm {
  readonly vmId: string;
  readonly machine: Machine | undefined;
  readonly windows: readonly Window[];
  readonly reasons: readonly Reason[];
}

/** What a request would do. */
export interface ForeseenRequest {
  readonly vms: readonly ForeseenVm[];
  readonly gates: readonly Foreseen[];
  /** When everything will probably be open, where a firewall takes its time. */
  readonly expectedAt: Date | undefined;
}

/** What a request would do to its gates. A look ahead and no promise: opening decides by what stands there then. */
export async function foreseeRequest(
  ports: ForeseePorts & { readonly foresee: Foresee },
  request: AccessRequest,
): Promise<ForeseenRequest> {
  const vms = await mapLimited(requestedVms(request), parallelWork, async (vmId, index) => ({
    vmId,
    machine: await ports.network.findMachine(vmId),
    windows: windowsOfVm(request, index),
  }));
  const wanted = vms.flatMap(({ machine, windows }) =>
    [...placesByGate(machine)].flatMap(([gateId, place]) =>
      windows.map((window) => ({ gateId, window: desiredWindow(request, window, place) })),
    ),
  );
  const found = await Promise.all(
    [...Map.groupBy(wanted, ({ gateId }) => gateId)].map(([gateId, onGate]) =>
      ports.foresee(gateId, { addWindows: onGate.map(({ window }): DesiredWindow => window) }),
    ),
  );
  const gates = found.filter((gate) => gate !== undefined);
  const now = ports.clock.now();
  const leadOn = new Map(gates.map(({ gateId, leadMs }) => [idKey(gateId), leadMs]));
  const leadFor = (machine: Machine | undefined) =>
    Math.max(0, ...[...placesByGate(machine).keys()].map((key) => leadOn.get(key) ?? 0));
  const expected = gates.flatMap(({ expectedAt }) => expectedAt ?? []);
  return {
    gates,
    expectedAt: expected.length === 0 ? undefined : new Date(Math.max(...expected)),
    vms: vms.map((vm) => ({
      ...vm,
      reasons: vm.windows.flatMap((window) => [
        ...hopelessReasons(window, vm.machine, now, leadFor(vm.machine)),
        ...gates.flatMap(({ plan }) => {
          const result = plan.results[window.id];
          return result?.state === "failed" ? result.reasons : [];
        }),
      ]),
    })),
  };
}

/** Findings of the gates that speak about a VM of the request, or about none in particular. */
export function findingsAbout({ vms, gates }: ForeseenRequest) {
  const asked = new Set(vms.map((vm) => idKey(vm.vmId)));
  return gates
    .flatMap(({ plan }) => plan.findings)
    .filter(({ vmId }) => vmId === undefined || asked.has(idKey(vmId)));
}
