import { connectionOf } from "../access/connection.ts";
import { windowsOfVm } from "../access/request.ts";
import type { Machine } from "../ports.ts";
import type { VmOfRequest, WindowPorts } from "./open-windows.ts";

/** Notes with each open window of a VM where to connect to. It is a help to people and decides nothing. */
export async function noteConnections(
  { requests, network }: WindowPorts,
  vm: VmOfRequest,
  machine: Machine | undefined,
): Promise<void> {
  const guarded = (machine?.addresses ?? []).filter(({ gates }) => gates.length > 0);
  const reachable = await Promise.all(
    guarded.map(async ({ address, family, publicIpId }) => ({
      address,
      family,
      publicAddress: publicIpId && (await network.publicAddress(publicIpId)),
    })),
  );
  await requests.change(vm.requestId, (current) => {
    const ids = new Set(windowsOfVm(current, vm.vmIndex).map(({ id }) => id));
    return {
      ...current,
      windows: current.windows.map((window) =>
        ids.has(window.id) && window.state === "open"
          ? { ...window, connection: connectionOf(window, reachable) }
          : window,
      ),
    };
  });
}
