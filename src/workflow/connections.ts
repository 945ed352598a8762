import { connectionOf } from "../access/connection.ts";
import { changeWindows, windowsOfVm } from "../access/request.ts";
import type { Machine } from "../ports.ts";
import type { VmOfRequest, WindowPorts } from "./open-windows.ts";

/**
 * Notes with each open window of a VM where to connect to. It is a help to people and decides nothing. `found` is the VM, where
 * somebody has just read it. Safe to run twice.
 */
export async function noteConnections(
  { requests, network }: WindowPorts,
  vm: VmOfRequest,
  found: Machine | undefined,
): Promise<void> {
  const request = await requests.get(vm.requestId);
  const unknown = (request === undefined ? [] : windowsOfVm(request, vm.vmIndex)).find(
    (window) => window.state === "open" && window.connection === undefined,
  );
  if (unknown === undefined) {
    return;
  }
  const machine = found ?? (await network.findMachine(unknown.vmId));
  const guarded = (machine?.addresses ?? []).filter(({ gates }) => gates.length > 0);
  const reachable = await Promise.all(
    guarded.map(async ({ address, family, publicIpId }) => ({
      address,
      family,
      publicAddress: publicIpId && (await network.publicAddress(publicIpId)),
    })),
  );
  await requests.change(vm.requestId, (current) => {
    const open = windowsOfVm(current, vm.vmIndex).filter(({ state }) => state === "open");
    const ids = open.map(({ id }) => id);
    return changeWindows(current, ids, (window) => ({
      ...window,
      connection: connectionOf(window, reachable),
    }));
  });
}
