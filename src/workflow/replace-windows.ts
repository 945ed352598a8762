import { type Asked, isSameDoor, replaces } from "../access/replaced.ts";
import { type AccessRequest, requestedVms, windowsOfVm } from "../access/request.ts";
import { closeWindows } from "./close-windows.ts";
import type { VmOfRequest, WindowPorts } from "./open-windows.ts";

/**
 * Ends windows whose place newer ones have taken. Only what is proven open takes a place, so there is no gap, and a newer
 * request that fails leaves the older one as it was. Looks both ways: of two that open at the same moment, whoever comes
 * last finds the other one open. Safe to run twice.
 */
export async function endReplaced(ports: WindowPorts, vm: VmOfRequest): Promise<void> {
  const request = await ports.requests.get(vm.requestId);
  const open = request === undefined ? [] : openOf(request, vm.vmIndex);
  const [gateId] = open[0]?.window.gates ?? [];
  if (gateId === undefined) {
    return;
  }
  // Every window of a VM is wanted on each of its gates: one of them tells of all.
  const { intent } = await ports.gates.read(gateId);
  const rivalIds = intent.windows
    .filter((wanted) => open.some(({ window }) => isSameDoor(window, wanted)))
    .map((wanted) => wanted.requestId);
  const followed = [request?.follows?.requestId ?? [], request?.followedBy ?? []].flat();
  const others = [...new Set([...rivalIds, ...followed])].filter((id) => id !== vm.requestId);
  const rivals = await Promise.all(others.map((id) => ports.requests.get(id)));
  const all = [...open, ...rivals.flatMap((rival) => (rival === undefined ? [] : openOf(rival)))];
  const replaced = all.filter((older) => all.some((newer) => replaces(newer, older)));
  await Promise.all(
    [...Map.groupBy(replaced, vmOf).values()].map(async (ofVm) => {
      const [{ request: older, window }] = ofVm as [Asked];
      await closeWindows(ports, {
        requestId: older.id,
        vmIndex: requestedVms(older).indexOf(window.vmId),
        windowIds: ofVm.map((one) => one.window.id),
        endReason: "NewerRequestInitiated",
        attempt: 1,
      });
    }),
  );
}

const vmOf = ({ request, window }: Asked): string => `${request.id} ${window.vmId}`;

function openOf(request: AccessRequest, vmIndex?: number): readonly Asked[] {
  const windows = vmIndex === undefined ? request.windows : windowsOfVm(request, vmIndex);
  return windows.filter((window) => window.state === "open").map((window) => ({ request, window }));
}
