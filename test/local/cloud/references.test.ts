import { describe, expect, it } from "@jest/globals";
import {
  ipConfigurationsAt,
  machineOfNic,
  usersOfNsg,
} from "../../../local/cloud/network/references.ts";
import { createResources } from "../../../local/cloud/resources.ts";

const group = "/subscriptions/s/resourceGroups/rg/providers";
const id = (type: string, name: string) => `${group}/Microsoft.Network/${type}/${name}`;
const [nsgA, nsgB] = [id("networkSecurityGroups", "a"), id("networkSecurityGroups", "b")];
const subnetId = `${id("virtualNetworks", "net")}/subnets/one`;

const nic = (nsg: string) => ({
  id: id("networkInterfaces", "nic"),
  name: "nic",
  type: "Microsoft.Network/networkInterfaces",
  properties: {
    networkSecurityGroup: { id: nsg },
    ipConfigurations: [{ name: "first", properties: { subnet: { id: subnetId.toUpperCase() } } }],
  },
});
const vnet = (nsg: string) => ({
  id: id("virtualNetworks", "net"),
  name: "net",
  type: "microsoft.network/VirtualNetworks",
  properties: { subnets: [{ name: "one", properties: { networkSecurityGroup: { id: nsg } } }] },
});
const vm = (name: string) => ({
  id: `${group}/Microsoft.Compute/virtualMachines/${name}`,
  name,
  type: "Microsoft.Compute/virtualMachines",
  properties: { networkProfile: { networkInterfaces: [{ id: nic(nsgA).id }] } },
});

function open() {
  const resources = createResources([], () => undefined);
  for (const resource of [nic(nsgA), vnet(nsgA), vm("vm")]) resources.put(resource);
  return resources;
}
const names = (users: ReturnType<typeof usersOfNsg>) =>
  [...users.networkInterfaces, ...users.subnets].map((user) => user.id);

describe("who refers to whom", () => {
  it("is told whatever the case of ids and types", () => {
    const resources = open();

    expect(names(usersOfNsg(resources, nsgA.toUpperCase()))).toEqual([nic(nsgA).id, subnetId]);
    expect(ipConfigurationsAt(resources, "subnet", subnetId)).toEqual([
      { id: `${nic(nsgA).id}/ipConfigurations/first` },
    ]);
    expect(machineOfNic(resources, nic(nsgA).id)).toEqual({ id: vm("vm").id });
  });

  it("follows every change at once", () => {
    const resources = open();
    expect(names(usersOfNsg(resources, nsgA))).toHaveLength(2);

    resources.put(nic(nsgB));
    expect(names(usersOfNsg(resources, nsgA))).toEqual([subnetId]);
    expect(names(usersOfNsg(resources, nsgB))).toEqual([nic(nsgB).id]);

    resources.put(vnet(nsgB));
    expect(names(usersOfNsg(resources, nsgA))).toEqual([]);

    resources.remove(nic(nsgB).id);
    resources.remove(vm("vm").id);
    expect(ipConfigurationsAt(resources, "subnet", subnetId)).toEqual([]);
    expect(machineOfNic(resources, nic(nsgA).id)).toBeUndefined();
  });

  it("knows a resource group from its first resource to its last", () => {
    const resources = createResources([], () => undefined);
    expect(resources.hasGroup("rg")).toBe(false);

    resources.put(vm("vm"));
    resources.put(vm("vm"));
    expect(resources.hasGroup("RG")).toBe(true);

    resources.remove(vm("vm").id);
    expect(resources.hasGroup("rg")).toBe(false);
  });
});
