import type { Estate } from "../../local/cloud/estate.ts";
import { type Access, machinesOf, personName, vmName, withPeople } from "../crowd.ts";
import type { Kind } from "./options.ts";

/** Where everybody comes from, an address of RFC 2544: one loopback address then stands for all of them. */
const office = "198.18.0.1";

/** The sample's firewall of either kind, and the subnet behind it. */
export const firewalls = {
  classic: {
    name: "fw-edge",
    publicAddress: "192.0.2.40",
    subnet: "virtualNetworks/vnet-edge/subnets/snet-edge",
    addresses: "10.20.1",
    /** What is written when its rules change, below the network provider of `networkGroup`. */
    written: "azureFirewalls/fw-edge",
  },
  policy: {
    name: "fw-hub",
    publicAddress: "192.0.2.50",
    subnet: "virtualNetworks/vnet-spoke/subnets/snet-spoke",
    addresses: "10.31.1",
    written: "firewallPolicies/fwp-hub/ruleCollectionGroups/",
  },
} as const satisfies Readonly<Record<Kind, object>>;

export const networkGroup = "rg-network";

/** The id of something of the sample's network. */
function networkId(subscriptionId: string, path: string): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${networkGroup}/providers/Microsoft.Network/${path}`;
}

export interface Circumstances {
  readonly kind: Kind;
  readonly accesses: readonly Access[];
  readonly updateMs: number;
}

export function crowdBehind(kind: Kind, count: number): readonly Access[] {
  return Array.from({ length: count }, (_, index) => ({
    person: personName(index),
    vmName: vmName(index),
    vmAddress: `${firewalls[kind].addresses}.${index + 10}`,
    source: office,
  }));
}

/** The sample estate and beside it the crowd, their VMs on the subnet behind the firewall; from the office it can be connected to. */
export function firewallEstate(
  sample: Estate,
  { kind, accesses, updateMs }: Circumstances,
): Estate {
  const { subscriptionId } = sample;
  const { name, publicAddress, subnet } = firewalls[kind];
  const machines = machinesOf(subscriptionId, accesses, networkId(subscriptionId, subnet));
  return {
    ...sample,
    ...withPeople(sample, accesses),
    resources: [...sample.resources, ...machines],
    dataPlane: [
      {
        firewall: networkId(subscriptionId, `azureFirewalls/${name}`),
        publicIpAddress: publicAddress,
        listenOn: "127.0.2.60",
        source: office,
      },
    ],
    timing: { ...sample.timing, firewallUpdateMs: updateMs },
  };
}
