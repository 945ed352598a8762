import type { ArmResource, Estate } from "../../local/cloud/estate.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { idKey } from "../../src/policy/resource-id.ts";
import type { Survey } from "../../src/ports.ts";
import type { Size } from "./options.ts";

const location = "westeurope";
/** As many virtual networks as gates divided by this; each gate has a subnet of its own. */
const subnetsPerNetwork = 10;
/** Customer rules on every gate. */
const customerRules = 20;

const types = {
  vm: "Microsoft.Compute/virtualMachines",
  nic: "Microsoft.Network/networkInterfaces",
  network: "Microsoft.Network/virtualNetworks",
  gate: "Microsoft.Network/networkSecurityGroups",
} as const;

/** What the sweep has to look through. */
export interface BigEstate {
  readonly estate: Estate;
  readonly vmIds: readonly string[];
  readonly gateIds: readonly string[];
  /** How many of each kind ARM lists, by the last part of the type; subscriptions beside them. */
  readonly listed: Readonly<Record<string, number>>;
}

/**
 * Nothing of the sample but its people and its subscription: VMs with one network interface each, spread evenly over the
 * gates. Every second gate stands before a subnet, the others before network interfaces.
 */
export function bigEstate(sample: Estate, { vms, gates }: Size, nsgWriteMs: number): BigEstate {
  const idOf = (type: string, kind: string, index: number) =>
    `/subscriptions/${sample.subscriptionId}/resourceGroups/rg-${index % 50}/providers/${type}/${kind}-${index}`;
  const gateId = (gate: number) => idOf(types.gate, "nsg", gate);
  const networkId = (gate: number) =>
    idOf(types.network, "vnet", Math.floor(gate / subnetsPerNetwork));
  const standsBefore = (gate: number, side: "subnet" | "interface") =>
    (gate % 2 === 0) === (side === "subnet") ? { networkSecurityGroup: { id: gateId(gate) } } : {};

  const networks = range(Math.ceil(gates / subnetsPerNetwork)).map((network) => {
    const first = network * subnetsPerNetwork;
    const subnets = range(Math.min(subnetsPerNetwork, gates - first)).map((offset) => ({
      name: `snet-${first + offset}`,
      properties: standsBefore(first + offset, "subnet"),
    }));
    return resource(types.network, networkId(first), { subnets });
  });
  const machines = range(vms).flatMap((vm) => {
    const gate = Math.floor((vm * gates) / vms);
    const nicId = idOf(types.nic, "nic", vm);
    const subnet = { id: `${networkId(gate)}/subnets/snet-${gate}` };
    const address = `10.${vm >> 16}.${(vm >> 8) & 255}.${vm & 255}`;
    return [
      resource(types.vm, idOf(types.vm, "vm", vm), {
        networkProfile: { networkInterfaces: [{ id: nicId }] },
      }),
      resource(types.nic, nicId, {
        ...standsBefore(gate, "interface"),
        ipConfigurations: [
          {
            name: "ipconfig1",
            properties: { privateIPAddress: address, privateIPAddressVersion: "IPv4", subnet },
          },
        ],
      }),
    ];
  });
  const groups = range(gates).map((gate) =>
    resource(types.gate, gateId(gate), { securityRules: range(customerRules).map(customerRule) }),
  );
  const { dataPlane: _, ...people } = sample;
  return {
    estate: {
      ...people,
      resources: [...networks, ...groups, ...machines],
      timing: { ...sample.timing, nsgWriteMs },
      // Without request limits: what is read one by one would otherwise wait for them most of its time.
      behaviour: { throttlingScale: 1_000_000, pageSize: 1_000 },
    },
    vmIds: range(vms).map((vm) => idOf(types.vm, "vm", vm)),
    gateIds: range(gates).map(gateId),
    listed: {
      subscriptions: 1,
      virtualMachines: vms,
      networkInterfaces: vms,
      virtualNetworks: networks.length,
      networkSecurityGroups: gates,
    },
  };
}

/** The estate with the rules that stand on its gates now. */
export function withRulesOf(estate: Estate, { gates }: Survey): Estate {
  const resources = estate.resources.map((one) => {
    const raw = gates.get(idKey(one.id))?.raw as ArmGate | undefined;
    const securityRules = raw?.properties.securityRules.map(({ name, properties }) => ({
      name,
      properties,
    }));
    return securityRules === undefined
      ? one
      : { ...one, properties: { ...one.properties, securityRules } };
  });
  return { ...estate, resources };
}

interface ArmGate {
  readonly properties: { readonly securityRules: readonly ArmResource[] };
}

/** Policies that close SSH and RDP of all VMs. */
export function policiesFor(
  { estate, vmIds }: BigEstate,
  vmsPerPolicy: number,
  changedAt: Date,
): readonly Policy[] {
  const { subscriptionId } = estate;
  const terms = {
    protocol: "TCP",
    allowedSourceAddressPrefix: "*",
    maxRequestAccessDuration: "PT3H",
  } as const;
  const ports = [22, 3389].map((number) => ({ number, ...terms }));
  return range(Math.ceil(vmIds.length / vmsPerPolicy)).map((index) => {
    const name = `bench-${index}`;
    const group = `/subscriptions/${subscriptionId}/resourceGroups/rg-0`;
    const mine = vmIds.slice(index * vmsPerPolicy, (index + 1) * vmsPerPolicy);
    return {
      id: `${group}/providers/Microsoft.Security/locations/${location}/jitNetworkAccessPolicies/${name}`,
      subscriptionId,
      resourceGroup: "rg-0",
      location,
      name,
      kind: "Basic",
      virtualMachines: mine.map((id) => ({ id, ports })),
      gates: [],
      state: "updating",
      changedAt: changedAt.toISOString(),
    };
  });
}

/** The first lets the office reach SSH: what a gate tells of it has to be compared too. */
function customerRule(index: number): Pick<ArmResource, "name" | "properties"> {
  return {
    name: index === 0 ? "allow-ssh-from-office" : `allow-service-${index}`,
    properties: {
      protocol: "Tcp",
      access: "Allow",
      direction: "Inbound",
      priority: 1_000 + index,
      sourceAddressPrefix: "198.51.100.0/24",
      sourcePortRange: "*",
      destinationAddressPrefix: "*",
      destinationPortRange: index === 0 ? "22" : String(8_000 + index),
    },
  };
}

function resource(type: string, id: string, properties: ArmResource["properties"]): ArmResource {
  return { id, name: id.slice(id.lastIndexOf("/") + 1), type, location, properties };
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}
