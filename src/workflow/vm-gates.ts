import type { PolicyVirtualMachine } from "../policy/policy.ts";
import { idKey, locationKey } from "../policy/resource-id.ts";
import type { Machine, MachineAddress } from "../ports.ts";
import { firstFew, quote, type Reason } from "../reasons.ts";
import { isFirewallGate } from "../rules/gate.ts";

/** What of a VM is behind one gate. */
export interface PlaceBehind {
  readonly addresses: readonly string[];
  /** Of a network security group: subnets of the firewalls through which some of these addresses are reached. */
  readonly through?: readonly string[];
  /** Of a firewall: its public addresses. */
  readonly publicAddresses?: readonly string[];
}

/** Where a VM is in the network, by the key of each of its gates. */
export function placesByGate(machine: Machine | undefined): ReadonlyMap<string, PlaceBehind> {
  const behind = (machine?.addresses ?? []).flatMap((address) =>
    address.gates.map((gate) => ({ key: idKey(gate), address })),
  );
  return new Map(
    [...Map.groupBy(behind, ({ key }) => key)].map(([key, all]) => [
      key,
      placeBehind(
        key,
        all.map(({ address }) => address),
      ),
    ]),
  );
}

function placeBehind(gateKey: string, all: readonly MachineAddress[]): PlaceBehind {
  const addresses = all.map(({ address }) => address);
  const paths = all.flatMap(({ firewalls = [] }) => firewalls);
  if (isFirewallGate(gateKey)) {
    const own = paths.filter(({ gateId }) => idKey(gateId) === gateKey);
    const publicAddresses = [...new Set(own.flatMap((path) => path.publicAddresses))];
    return { addresses, publicAddresses };
  }
  const through = [...new Set(paths.flatMap(({ subnets }) => subnets))];
  return through.length === 0 ? { addresses } : { addresses, through };
}

/** Where windows of a VM belong (by gate key) as text: equal for equal places. */
export function placeText(place: ReadonlyMap<string, PlaceBehind>): string {
  const entries = [...place].map(
    ([gate, { addresses, through = [], publicAddresses = [] }]) =>
      [gate, addresses.toSorted(), through.toSorted(), publicAddresses] as const,
  );
  return JSON.stringify(entries.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

/** Why a machine cannot be put under a policy, or nothing when it can. */
export function machineFaults(
  machine: Machine | undefined,
  vmId: string,
  location: string,
  target: string,
): readonly Reason[] {
  if (machine === undefined) {
    return [
      {
        code: "VirtualMachineNotFound",
        message: `'${vmId}' does not exist, or this service may not read it.`,
        target,
      },
    ];
  }
  if (locationKey(machine.location) !== locationKey(location)) {
    const message = `'${vmId}' is in '${machine.location}', the policy in '${location}'. Put it under a policy of its own location.`;
    return [{ code: "VirtualMachineInAnotherLocation", message, target }];
  }
  if (machine.addresses.every((address) => address.gates.length === 0)) {
    const message = `Neither a network security group nor an Azure Firewall that this service can manage stands in front of '${vmId}', so nothing can hold its ports closed. Attach a network security group to its network interface or subnet first.`;
    return [{ code: "NetworkSecurityGroupMissing", message, target }];
  }
  return [];
}

/**
 * Why the public address that a policy names does not lead to its VM. Only of a VM behind a firewall: of others the address
 * says nothing, and policies that were written for another product may carry one.
 */
export function entranceFaults(
  machine: Machine | undefined,
  { id, publicIpAddress }: PolicyVirtualMachine,
  target: string,
): readonly Reason[] {
  const paths = machine?.addresses.flatMap(({ firewalls = [] }) => firewalls) ?? [];
  const all = [...new Set(paths.flatMap(({ publicAddresses }) => publicAddresses))];
  if (publicIpAddress === undefined || paths.length === 0 || all.includes(publicIpAddress)) {
    return [];
  }
  const expected = all.length === 0 ? "has none" : `has ${firstFew(all, 5)}`;
  const message = `${quote(publicIpAddress)} is no public address of the firewall in front of '${id}', which ${expected}. Leave it out to take the first.`;
  return [{ code: "InvalidPolicy", message, target }];
}
