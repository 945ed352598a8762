import { isIP } from "node:net";
import { idKey } from "../policy/resource-id.ts";
import type { MachineAddress } from "../ports.ts";
import type { Paths } from "./firewall-paths.ts";

/** What a network interface tells about its VM's place in the network, however it was read. */
export interface PlacedInterface {
  readonly id: string;
  readonly gateId: string | undefined;
  readonly configurations: readonly {
    readonly address: string | undefined;
    readonly subnetId: string | undefined;
    readonly publicIpId: string | undefined;
  }[];
}

/** What a subnet tells about the addresses in it. */
export interface PlacedSubnet {
  readonly gateId: string | undefined;
  /** Where its routes lead through; nothing where it has none of its own. */
  readonly paths?: Paths | undefined;
}

/** Every address of the interface with the gates before it. `subnetOf` is asked for a subnet by its id's key. */
export function addressesOf(
  found: PlacedInterface,
  subnetOf: (subnetKey: string) => PlacedSubnet | undefined,
): readonly MachineAddress[] {
  return found.configurations.flatMap(({ address = "", subnetId = "", publicIpId }) => {
    const family = isIP(address);
    if (family !== 4 && family !== 6) {
      return [];
    }
    const subnet = subnetOf(idKey(subnetId));
    const { firewalls = [], detours = [] } = (family === 4 ? subnet?.paths : undefined) ?? {};
    return [
      {
        address,
        family,
        networkInterfaceId: found.id,
        ...(publicIpId === undefined ? {} : { publicIpId }),
        gates: gatesBefore(...firewalls.map(({ gateId }) => gateId), subnet?.gateId, found.gateId),
        ...(firewalls.length === 0 ? {} : { firewalls }),
        ...(detours.length === 0 ? {} : { detours }),
      } satisfies MachineAddress,
    ];
  });
}

/** In the order in which inbound traffic meets them. One gate may stand at two places; it is one gate. */
function gatesBefore(...ids: readonly (string | undefined)[]): readonly string[] {
  const present = ids.flatMap((id) => id ?? []);
  return [...new Map(present.map((id) => [idKey(id), id])).values()];
}

/** The virtual network of a subnet. */
export const networkOf = (subnetId: string): string => subnetId.split("/").slice(0, -2).join("/");
