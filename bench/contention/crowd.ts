import type { ArmResource, Estate, Person } from "../../local/cloud/estate.ts";
import type { ParallelWrites } from "./options.ts";

export const group = "rg-demo";
export const nsgName = "nsg-crowd";
export const port = 22;
const location = "westeurope";

/** One person who wants one port of one VM, from an address of their own. */
export interface Access {
  readonly person: string;
  readonly vmName: string;
  readonly vmAddress: string;
  readonly source: string;
}

export function crowdOf(count: number): readonly Access[] {
  return Array.from({ length: count }, (_, index) => ({
    person: `crowd${lettersOf(index)}`,
    vmName: `vm-crowd-${String(index + 1).padStart(3, "0")}`,
    vmAddress: `10.20.${Math.floor(index / 200)}.${(index % 200) + 10}`,
    // RFC 2544's addresses for benchmarks.
    source: `198.18.${Math.floor(index / 200)}.${(index % 200) + 1}`,
  }));
}

/** Names of people are letters only. */
function lettersOf(index: number): string {
  return [index / 26, index].map((digit) => String.fromCharCode(97 + (digit % 26))).join("");
}

export interface Circumstances {
  readonly accesses: readonly Access[];
  readonly writeMs: number;
  readonly parallelWrites: ParallelWrites;
}

/** The sample estate and beside it the crowd: their VMs on one subnet behind one group, and everybody's right to request. */
export function crowdEstate(sample: Estate, circumstances: Circumstances): Estate {
  const { accesses, writeMs, parallelWrites } = circumstances;
  const people = accesses.map(personOf);
  return {
    ...sample,
    people: [...sample.people, ...people],
    roleAssignments: [...sample.roleAssignments, ...rightsOf(sample, people)],
    resources: [...sample.resources, ...resourcesOf(sample.subscriptionId, accesses)],
    timing: { ...sample.timing, nsgWriteMs: writeMs },
    behaviour: { ...sample.behaviour, parallelWrites },
  };
}

function personOf({ person }: Access, index: number): Person {
  return {
    name: person,
    displayName: person,
    userPrincipalName: `${person}@contoso.example`,
    objectId: guidOf(1, index),
    about: "one of the crowd",
  };
}

/** What Bob of the sample may: request access to every VM of the resource group. */
function rightsOf(sample: Estate, people: readonly Person[]): readonly ArmResource[] {
  const bob = sample.people.find(({ name }) => name === "bob");
  const his = sample.roleAssignments.find(
    ({ properties }) => properties["principalId"] === bob?.objectId,
  );
  if (his === undefined) {
    throw new Error("The sample estate has no Bob with a right to request access.");
  }
  return people.map(({ objectId }, index) => {
    const name = guidOf(2, index);
    return {
      ...his,
      id: his.id.replace(his.name, name),
      name,
      properties: { ...his.properties, principalId: objectId },
    };
  });
}

function resourcesOf(subscriptionId: string, accesses: readonly Access[]): readonly ArmResource[] {
  const idOf = (type: string, name: string) =>
    `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/${type}/${name}`;
  const resource = (type: string, name: string, properties: ArmResource["properties"]) => ({
    id: idOf(type, name),
    name,
    type,
    location,
    properties,
  });
  const networkId = idOf("Microsoft.Network/virtualNetworks", "vnet-crowd");
  const nsgId = idOf("Microsoft.Network/networkSecurityGroups", nsgName);
  return [
    resource("Microsoft.Network/networkSecurityGroups", nsgName, { securityRules: [webRule] }),
    resource("Microsoft.Network/virtualNetworks", "vnet-crowd", {
      addressSpace: { addressPrefixes: ["10.20.0.0/16"] },
      subnets: [
        {
          name: "snet-crowd",
          properties: { addressPrefix: "10.20.0.0/22", networkSecurityGroup: { id: nsgId } },
        },
      ],
    }),
    ...accesses.flatMap(({ vmName, vmAddress }, index) => {
      const nicId = idOf("Microsoft.Network/networkInterfaces", `nic-${vmName}`);
      return [
        resource("Microsoft.Network/networkInterfaces", `nic-${vmName}`, {
          primary: true,
          ipConfigurations: [
            {
              name: "ipconfig1",
              properties: {
                privateIPAddress: vmAddress,
                privateIPAddressVersion: "IPv4",
                privateIPAllocationMethod: "Dynamic",
                primary: true,
                subnet: { id: `${networkId}/subnets/snet-crowd` },
              },
            },
          ],
        }),
        resource("Microsoft.Compute/virtualMachines", vmName, {
          vmId: guidOf(3, index),
          hardwareProfile: { vmSize: "Standard_D2s_v5" },
          storageProfile: { osDisk: { osType: "Linux", createOption: "FromImage" } },
          networkProfile: {
            networkInterfaces: [{ id: nicId, properties: { primary: true } }],
          },
        }),
      ];
    }),
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

function guidOf(kind: number, index: number): string {
  return `0000000${kind}-0000-4000-8000-${String(index).padStart(12, "0")}`;
}
