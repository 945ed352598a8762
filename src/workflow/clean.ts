import { idKey, subscriptionOf } from "../policy/resource-id.ts";
import type { Machine } from "../ports.ts";
import { defenderLeftovers, type MachinesByName, namedVms } from "../rules/cleaner.ts";
import type { Leftover } from "../rules/intent.ts";
import type { SettlePorts } from "./write-gate.ts";

/** Tells which rules of a gate another product left behind and may go. */
export type FindLeftovers = (gateId: string) => Promise<readonly Leftover[]>;

/**
 * Builds the cleaner of one policy change. The VMs of a subscription are listed once, and only where a gate carries rules
 * that name some. Cleaning is a courtesy: a fault of it is logged, and never keeps a policy from its deny rules.
 */
export function createFindLeftovers(ports: SettlePorts): FindLeftovers {
  const listed = new Map<string, Promise<ReadonlyMap<string, readonly Machine[]> | undefined>>();

  const machinesIn = (subscriptionId: string) => {
    const known = listed.get(subscriptionId) ?? machinesByName(ports, subscriptionId);
    listed.set(subscriptionId, known);
    return known;
  };

  return async (gateId) => {
    try {
      const reading = await ports.network.readGate(gateId);
      const names = reading === undefined ? [] : namedVms(reading.group);
      if (reading === undefined || names.length === 0) {
        return [];
      }
      const machines = await machinesIn(subscriptionOf(gateId) ?? "");
      const known: MachinesByName = new Map(
        machines === undefined ? [] : names.map((name) => [name, machines.get(name) ?? []]),
      );
      return defenderLeftovers(reading.group, known).map(({ leftover }) => leftover);
    } catch (error) {
      ports.log.sweepFault({ what: `cleaning ${gateId}`, error });
      return [];
    }
  };
}

async function machinesByName({ network }: SettlePorts, subscriptionId: string) {
  const survey = await network.survey(subscriptionId);
  return survey && Map.groupBy(survey.machines.values(), (machine) => idKey(machine.name));
}
