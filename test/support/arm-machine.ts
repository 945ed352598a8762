import type { ArmResource } from "../../local/cloud/estate.ts";
import { resourceName } from "../../src/policy/resource-id.ts";
import type { Machine, MachineAddress } from "../../src/ports.ts";

/** Where the gate stands of an address that has only one. */
export type Side = "subnet" | "interface";

/**
 * The VM, its network interfaces and its virtual network (with a subnet for each interface) in ARM's shapes: what has to be
 * read for this VM to be found. All addresses of an interface have the gates of the first.
 */
export function armResourcesOf(machine: Machine, side: Side = "interface"): readonly ArmResource[] {
  const { id, name, location } = machine;
  const group = id.slice(0, id.indexOf("/providers/"));
  const networkId = `${group}/providers/Microsoft.Network/virtualNetworks/vnet-${name}`;
  const interfaces = [...Map.groupBy(machine.addresses, (one) => one.networkInterfaceId)];
  const subnetId = (nicId: string) => `${networkId}/subnets/${resourceName(nicId)}`;

  const subnets = interfaces.map(([nicId, addresses]) => ({
    name: resourceName(nicId),
    properties: gateMember(gatesOf(addresses, side).subnet),
  }));
  return [
    {
      id,
      name,
      type: "Microsoft.Compute/virtualMachines",
      location,
      properties: {
        networkProfile: { networkInterfaces: interfaces.map(([nic]) => ({ id: nic })) },
      },
    },
    ...interfaces.map(([nicId, addresses]) => ({
      id: nicId,
      name: resourceName(nicId),
      type: "Microsoft.Network/networkInterfaces",
      location,
      properties: {
        ...gateMember(gatesOf(addresses, side).interface),
        ipConfigurations: addresses.map(({ address, family }, index) => ({
          name: `ipconfig${index}`,
          properties: {
            privateIPAddress: address,
            privateIPAddressVersion: `IPv${family}`,
            subnet: { id: subnetId(nicId) },
          },
        })),
      },
    })),
    {
      id: networkId,
      name: `vnet-${name}`,
      type: "Microsoft.Network/virtualNetworks",
      location,
      properties: { addressSpace: { addressPrefixes: ["10.0.0.0/8"] }, subnets },
    },
  ];
}

function gatesOf(
  [first]: readonly MachineAddress[],
  side: Side,
): Readonly<Record<Side, string | undefined>> {
  const [one, other] = first?.gates ?? [];
  if (other !== undefined) {
    return { subnet: one, interface: other };
  }
  return side === "subnet"
    ? { subnet: one, interface: undefined }
    : { subnet: undefined, interface: one };
}

const gateMember = (id: string | undefined) =>
  id === undefined ? {} : { networkSecurityGroup: { id } };
