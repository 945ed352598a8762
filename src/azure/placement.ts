import { isIP } from "node:net";
import { idKey } from "../policy/resource-id.ts";
import type { MachineAddress } from "../ports.ts";

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

/** Every address of the interface with the gates before it. `gateOfSubnet` is asked for the gate of a subnet by its id's key. */
export function addressesOf(
  found: PlacedInterface,
  gateOfSubnet: (subnetKey: string) => string | undefined,
): readonly MachineAddress[] {
  return found.configurations.flatMap(({ address = "", subnetId = "", publicIpId }) => {
    const family = isIP(address);
    if (family !== 4 && family !== 6) {
      return [];
    }
    const gates = gatesBefore(gateOfSubnet(idKey(subnetId)), found.gateId);
    const leading = publicIpId === undefined ? {} : { publicIpId };
    return [
      {
        address,
        family,
        networkInterfaceId: found.id,
        ...leading,
        gates,
      } satisfies MachineAddress,
    ];
  });
}

/** In the order in which inbound traffic meets them. One NSG may stand at both places; it is one gate. */
function gatesBefore(...ids: readonly (string | undefined)[]): readonly string[] {
  const present = ids.flatMap((id) => id ?? []);
  return [...new Map(present.map((id) => [idKey(id), id])).values()];
}
