import type { ArmResource, Estate, Person } from "../local/cloud/estate.ts";

/** Where the crowd's VMs are. */
export const group = "rg-demo";
export const location = "westeurope";
/** What everybody wants of their VM. */
export const port = 22;

/** One person who wants one port of one VM. */
export interface Access {
  readonly person: string;
  readonly vmName: string;
  readonly vmAddress: string;
  /** Where the person comes from. */
  readonly source: string;
}

/** The name of one of the crowd: names of people are letters only. */
export function personName(index: number): string {
  const letters = [index / 26, index].map((digit) => String.fromCharCode(97 + (digit % 26)));
  return `crowd${letters.join("")}`;
}

export function vmName(index: number): string {
  return `vm-crowd-${String(index + 1).padStart(3, "0")}`;
}

/** The sample's people and rights, and beside them the crowd with everybody's right to request. */
export function withPeople(
  sample: Estate,
  accesses: readonly Access[],
): Pick<Estate, "people" | "roleAssignments"> {
  const people = accesses.map(personOf);
  return {
    people: [...sample.people, ...people],
    roleAssignments: [...sample.roleAssignments, ...rightsOf(sample, people)],
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

/** Everybody's VM with its network interface on that subnet. */
export function machinesOf(
  subscriptionId: string,
  accesses: readonly Access[],
  subnetId: string,
): readonly ArmResource[] {
  return accesses.flatMap((access, index) => {
    const nicName = `nic-${access.vmName}`;
    const nic = resourceOf(subscriptionId, "Microsoft.Network/networkInterfaces", nicName, {
      primary: true,
      ipConfigurations: [
        {
          name: "ipconfig1",
          properties: {
            privateIPAddress: access.vmAddress,
            privateIPAddressVersion: "IPv4",
            privateIPAllocationMethod: "Dynamic",
            primary: true,
            subnet: { id: subnetId },
          },
        },
      ],
    });
    const vm = resourceOf(subscriptionId, "Microsoft.Compute/virtualMachines", access.vmName, {
      vmId: guidOf(3, index),
      hardwareProfile: { vmSize: "Standard_D2s_v5" },
      storageProfile: { osDisk: { osType: "Linux", createOption: "FromImage" } },
      networkProfile: { networkInterfaces: [{ id: nic.id, properties: { primary: true } }] },
    });
    return [nic, vm];
  });
}

/** A resource in the crowd's resource group. */
export function resourceOf(
  subscriptionId: string,
  type: string,
  name: string,
  properties: ArmResource["properties"],
): ArmResource {
  const id = `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/${type}/${name}`;
  return { id, name, type, location, properties };
}

function guidOf(kind: number, index: number): string {
  return `0000000${kind}-0000-4000-8000-${String(index).padStart(12, "0")}`;
}
