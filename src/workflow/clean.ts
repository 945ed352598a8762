import type { Log } from "../log.ts";
import { subscriptionOf } from "../policy/resource-id.ts";
import type { Machine, Network } from "../ports.ts";
import { defenderLeftovers, type MachinesByName, namedVms } from "../rules/cleaner.ts";
import { isFirewall, isFirewallGate } from "../rules/gate.ts";
import type { Leftover } from "../rules/intent.ts";

/** Tells which rules of a gate another product left behind and may go. */
export type FindLeftovers = (gateId: string) => Promise<readonly Leftover[]>;

export interface CleanPorts {
  readonly network: Network;
  readonly log: Log;
}

/** Ids of VMs by their lower-cased names. */
type IdsByName = ReadonlyMap<string, readonly string[]>;

/**
 * Builds the cleaner of one policy change. The VMs of a subscription are listed once, and only where a gate carries rules
 * that name some. Cleaning is a courtesy: a fault of it is logged, and never keeps a policy from its deny rules.
 */
export function createFindLeftovers(ports: CleanPorts): FindLeftovers {
  const listed = new Map<string, Promise<IdsByName>>();

  const idsIn = (subscriptionId: string) => {
    const ids = listed.get(subscriptionId) ?? listVms(ports, subscriptionId);
    listed.set(subscriptionId, ids);
    return ids;
  };

  return async (gateId) => {
    if (isFirewallGate(gateId)) {
      // Of firewalls nobody has told what Defender's rules there look like: they are the customer's.
      return [];
    }
    try {
      const reading = await ports.network.readGate(gateId);
      if (reading === undefined || isFirewall(reading.gate)) {
        return [];
      }
      const names = namedVms(reading.gate);
      if (names.length === 0) {
        return [];
      }
      const known = await knownMachines(ports, names, await idsIn(subscriptionOf(gateId) ?? ""));
      return defenderLeftovers(reading.gate, known).map(({ leftover }) => leftover);
    } catch (error) {
      ports.log.taskFault({ what: `cleaning ${gateId}`, error });
      return [];
    }
  };
}

async function listVms({ network }: CleanPorts, subscriptionId: string): Promise<IdsByName> {
  const survey = await network.survey(subscriptionId);
  const byName = Map.groupBy(survey?.machines.values() ?? [], ({ name }) => name.toLowerCase());
  return new Map([...byName].map(([name, machines]) => [name, machines.map(({ id }) => id)]));
}

/**
 * The named VMs as they are found when each is read alone. NB. One that is not in the list stays unknown: lists leave out what
 * this service may not read, and a rule that holds a VM we cannot see must not go.
 */
async function knownMachines(
  { network }: CleanPorts,
  names: readonly string[],
  ids: IdsByName,
): Promise<MachinesByName> {
  const found = await Promise.all(
    names.map(async (name) => {
      const machines = await Promise.all(
        (ids.get(name) ?? []).map((id) => network.findMachine(id)),
      );
      return [name, machines.filter((machine) => machine !== undefined)] as const;
    }),
  );
  return new Map(
    found.filter((entry): entry is [string, Machine[]] => {
      const [name, machines] = entry;
      return machines.length > 0 && machines.length === ids.get(name)?.length;
    }),
  );
}
