import type { ArmResource, Estate } from "../../local/cloud/estate.ts";
import { type Access, machinesOf, personName, resourceOf, vmName, withPeople } from "../crowd.ts";
import type { ParallelWrites } from "./options.ts";

export const nsgName = "nsg-crowd";

/** Everybody from an address of their own. */
export function crowdOf(count: number): readonly Access[] {
  return Array.from({ length: count }, (_, index) => ({
    person: personName(index),
    vmName: vmName(index),
    vmAddress: `10.20.${Math.floor(index / 200)}.${(index % 200) + 10}`,
    // RFC 2544's addresses for benchmarks.
    source: `198.18.${Math.floor(index / 200)}.${(index % 200) + 1}`,
  }));
}

export interface Circumstances {
  readonly accesses: readonly Access[];
  readonly writeMs: number;
  readonly parallelWrites: ParallelWrites;
}

/** The sample estate and beside it the crowd: their VMs on one subnet behind one group, and everybody's right to request. */
export function crowdEstate(sample: Estate, circumstances: Circumstances): Estate {
  const { accesses, writeMs, parallelWrites } = circumstances;
  return {
    ...sample,
    ...withPeople(sample, accesses),
    resources: [...sample.resources, ...resourcesOf(sample.subscriptionId, accesses)],
    timing: { ...sample.timing, nsgWriteMs: writeMs },
    behaviour: { ...sample.behaviour, parallelWrites },
  };
}

function resourcesOf(subscriptionId: string, accesses: readonly Access[]): readonly ArmResource[] {
  const nsg = resourceOf(subscriptionId, "Microsoft.Network/networkSecurityGroups", nsgName, {
    securityRules: [webRule],
  });
  const network = resourceOf(subscriptionId, "Microsoft.Network/virtualNetworks", "vnet-crowd", {
    addressSpace: { addressPrefixes: ["10.20.0.0/16"] },
    subnets: [
      {
        name: "snet-crowd",
        properties: { addressPrefix: "10.20.0.0/22", networkSecurityGroup: { id: nsg.id } },
      },
    ],
  });
  return [
    nsg,
    network,
    ...machinesOf(subscriptionId, accesses, `${network.id}/subnets/snet-crowd`),
  ];
}

/** Something of the customer's, that has nothing to do with the port asked for. */
const webRule = {
  name: "allow-web",
  properties: {
    protocol: "Tcp",
    sourcePortRange: "*",
    destinationPortRange: "443",
    sourceAddressPrefix: "*",
    destinationAddressPrefix: "*",
    access: "Allow",
    priority: 1_000,
    direction: "Inbound",
  },
} as const;
