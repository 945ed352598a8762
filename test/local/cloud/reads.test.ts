import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { apiVersion, type Laboratory, openLaboratory } from "./support/running-cloud.ts";

let lab: Laboratory;
let cloud: Cloud;
beforeAll(async () => {
  lab = await openLaboratory();
  cloud = await lab.start({ behaviour: { pageSize: 10 } });
});
afterAll(() => lab.dispose());

async function names(list: AsyncIterable<{ name?: string }>): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of list) found.push(name ?? "");
  return found;
}

describe("reading the estate with the real SDK clients", () => {
  it("lists every virtual machine of the subscription over several pages, each once", async () => {
    const machines = await names(lab.compute(cloud).virtualMachines.listAll());

    expect(new Set(machines).size).toBe(28);
    expect(machines).toHaveLength(28);
    const pages = cloud.requests.all().filter(({ path }) => /virtualMachines\?/i.test(path));
    expect(pages).toHaveLength(3);
  });

  it("lists only the group asked for, however it is spelled", async () => {
    const network = lab.network(cloud);

    const inNetworkGroup = await names(network.networkSecurityGroups.list("RG-Network"));

    expect(inNetworkGroup).toEqual([
      "nsg-shared-subnet",
      "nsg-both-subnet",
      "nsg-edge",
      "nsg-spoke",
    ]);
    expect(await names(network.networkSecurityGroups.listAll())).toHaveLength(9);
  });

  it("leads from a machine to its interfaces, subnet, groups and public address", async () => {
    const network = lab.network(cloud);
    const machine = await lab.compute(cloud).virtualMachines.get("rg-demo", "VM-BOTH");

    const [attached] = machine.networkProfile?.networkInterfaces ?? [];
    const nic = await network.networkInterfaces.get(
      "rg-demo",
      attached?.id?.split("/").at(-1) ?? "",
    );
    const subnet = await network.subnets.get("rg-network", "vnet-demo", "snet-both");
    const address = await network.publicIPAddresses.get("rg-demo", "pip-vm-both");

    expect(nic.virtualMachine?.id).toBe(machine.id);
    expect(nic.networkSecurityGroup?.id).toMatch(/nsg-both-nic$/);
    expect(nic.ipConfigurations?.[0]?.subnet?.id).toBe(subnet.id);
    expect(subnet.networkSecurityGroup?.id).toMatch(/nsg-both-subnet$/);
    expect(subnet.ipConfigurations?.map(({ id }) => id)).toEqual([nic.ipConfigurations?.[0]?.id]);
    expect(address.ipConfiguration?.id).toBe(nic.ipConfigurations?.[0]?.id);
  });

  it("shows an NSG with its rules, the six default rules and who uses it", async () => {
    const group = await lab
      .network(cloud)
      .networkSecurityGroups.get("rg-network", "nsg-shared-subnet");

    expect(group.securityRules?.map(({ name }) => name)).toEqual([
      "allow-web",
      "allow-build-agents",
      "allow-ping-from-vnet",
      "deny-all-inbound",
    ]);
    expect(group.securityRules?.map(({ etag }) => etag)).toEqual(Array(4).fill(group.etag));
    expect(group.securityRules?.[3]).toMatchObject({
      sourceAddressPrefix: "*",
      sourceAddressPrefixes: [],
      provisioningState: "Succeeded",
    });
    expect(group.defaultSecurityRules?.map(({ priority }) => priority)).toEqual([
      65_000, 65_001, 65_500, 65_000, 65_001, 65_500,
    ]);
    expect(group.subnets?.map(({ id }) => id)).toEqual([expect.stringMatching(/snet-shared$/)]);
  });

  it("inlines the NSG of an interface when asked to expand it", async () => {
    const nic = await lab
      .network(cloud)
      .networkInterfaces.get("rg-demo", "nic-vm-linux", { expand: "networkSecurityGroup" });

    expect(nic.networkSecurityGroup?.securityRules).toHaveLength(3);
  });

  it("shows both interfaces and the IPv6 address of vm-dual", async () => {
    const network = lab.network(cloud);

    const front = await network.networkInterfaces.get("rg-demo", "nic-vm-dual-front");
    const back = await network.networkInterfaces.get("rg-demo", "nic-vm-dual-back");

    expect([front.primary, back.primary]).toEqual([true, false]);
    expect(front.ipConfigurations?.map((each) => each.privateIPAddressVersion)).toEqual([
      "IPv4",
      "IPv6",
    ]);
    expect(back.virtualMachine?.id).toBe(front.virtualMachine?.id);
  });

  it("lists the classic machine under its own provider", async () => {
    const { body } = await lab.send(
      cloud,
      "GET",
      `/subscriptions/${lab.estate.subscriptionId}/providers/Microsoft.ClassicCompute/virtualMachines?${apiVersion}`,
    );

    expect(body.value.map((each: { name: string }) => each.name)).toEqual(["vm-classic"]);
  });

  it("says which part of a path does not exist", async () => {
    const network = lab.network(cloud);

    await expect(network.networkSecurityGroups.get("rg-none", "a")).rejects.toMatchObject({
      statusCode: 404,
      code: "ResourceGroupNotFound",
    });
    await expect(network.networkSecurityGroups.get("rg-demo", "a")).rejects.toMatchObject({
      statusCode: 404,
      code: "ResourceNotFound",
    });
    await expect(network.securityRules.get("rg-demo", "a", "b")).rejects.toMatchObject({
      statusCode: 404,
      code: "ParentResourceNotFound",
    });
    await expect(network.securityRules.get("rg-demo", "nsg-farm", "b")).rejects.toMatchObject({
      statusCode: 404,
      code: "NotFound",
    });
  });
});
