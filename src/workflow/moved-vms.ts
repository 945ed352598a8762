import type { Fact, FactOutcome } from "../activity/fact.ts";
import type { Policy } from "../policy/policy.ts";
import { idKey, resourceName } from "../policy/resource-id.ts";
import type { GateRecord, Machine } from "../ports.ts";
import type { Reason } from "../reasons.ts";
import { pathsOfAll } from "../rules/unprotected-paths.ts";
import type { WindowPorts } from "./open-windows.ts";
import { parallelWork, protect } from "./protect.ts";
import { mapLimited } from "./serial.ts";
import { addressesByGate, placeText } from "./vm-gates.ts";

/** A VM's addresses by gate key. */
type Place = ReadonlyMap<string, readonly string[]>;

/** The places of a policy's VMs, by VM key. */
export type Places = ReadonlyMap<string, Place>;

/** A VM of a policy that is not where the policy's deny rules hold it. */
interface Moved {
  readonly vmId: string;
  readonly before: Place;
  readonly machine: Machine | undefined;
}

/**
 * Brings a policy's deny rules to where its VMs are: after a VM was moved, deleted or restored, got another address, or
 * another network security group was put before it. `machineOf` tells where to look; each VM that seems to have moved is
 * read alone before anything is done. Tells whether anything was.
 */
export async function healPlaces(
  ports: WindowPorts,
  policy: Policy,
  places: Places,
  machineOf: (vmId: string) => Machine | undefined,
): Promise<boolean> {
  const seeming = policy.virtualMachines
    .map(({ id: vmId }) => ({ vmId, before: places.get(idKey(vmId)) ?? new Map() }))
    .filter(({ vmId, before }) => isElsewhere(before, machineOf(vmId)));
  const read = await mapLimited(
    seeming,
    parallelWork,
    async (vm): Promise<Moved> => ({
      ...vm,
      machine: await ports.network.findMachine(vm.vmId),
    }),
  );
  const moved = read.filter(({ before, machine }) => isElsewhere(before, machine));
  if (moved.length === 0) {
    await notePaths(ports, policy, machineOf);
    return false;
  }
  const id = ports.ids.next();
  const tell = (outcome: FactOutcome, faults: readonly Reason[] = []) =>
    ports.activity.record(
      moved.map((vm, index) => ({
        ...placeFact(policy, vm, faults),
        id: `gate.repair.${id}.${outcome}.${index}`,
        at: ports.clock.now().toISOString(),
        outcome,
      })),
    );
  await tell("asked");
  ports.log.placesChanged({ policyId: policy.id, vms: moved.length });
  const result = await protect(ports, policy.id);
  await tell(result.outcome === "settled" ? "done" : "failed", result.reasons);
  return true;
}

/** Notes ways to the policy's VMs that came to be uncovered, or covered, without anything of ours having to move. */
async function notePaths(
  { policies }: WindowPorts,
  policy: Policy,
  machineOf: (vmId: string) => Machine | undefined,
): Promise<void> {
  const paths = pathsOfAll(policy.virtualMachines.map(({ id }) => machineOf(id)));
  if (JSON.stringify(paths) === JSON.stringify(policy.unprotectedPaths ?? [])) {
    return;
  }
  const stored = await policies.get(policy.id);
  if (stored?.value.state === "settled") {
    // Somebody else who changes the policy at this moment looks at its VMs, too.
    await policies.put({ ...stored.value, unprotectedPaths: paths }, stored.etag);
  }
}

function isElsewhere(before: Place, machine: Machine | undefined): boolean {
  return placeText(before) !== placeText(addressesByGate(machine));
}

/** Where the deny rules of all policies are wanted, by policy key and VM key: gathered once, as gates hold those of many. */
export function heldPlaces(records: readonly GateRecord[]): ReadonlyMap<string, Places> {
  const held = new Map<string, Map<string, Map<string, readonly string[]>>>();
  for (const { gateId, intent } of records) {
    for (const { policyId, vmId, addresses } of intent.denies) {
      const ofPolicy = held.get(idKey(policyId)) ?? new Map();
      const place = ofPolicy.get(idKey(vmId)) ?? new Map();
      held.set(idKey(policyId), ofPolicy.set(idKey(vmId), place.set(idKey(gateId), addresses)));
    }
  }
  return held;
}

function placeFact(
  policy: Policy,
  { vmId, before, machine }: Moved,
  faults: readonly Reason[],
): Omit<Fact, "id" | "at" | "outcome"> {
  const now = addressesByGate(machine);
  const found: Reason = {
    code: machine === undefined ? "VirtualMachineNotFound" : "PlaceChanged",
    message:
      machine === undefined
        ? `'${resourceName(vmId)}' does not exist any more; it was known behind ${inWords(before)}.`
        : `'${resourceName(vmId)}' is behind ${inWords(now)}; it was known behind ${inWords(before)}.`,
    target: vmId,
  };
  return {
    operation: "gate.repair",
    subscriptionId: policy.subscriptionId,
    policyId: policy.id,
    vmId,
    gates: [...new Set([...before.keys(), ...now.keys()])].map((gate) => ({ id: gate, rules: [] })),
    reasons: [...faults, found],
  };
}

function inWords(place: Place): string {
  const gates = [...place].map(([gate, list]) => `${resourceName(gate)} (${list.join(", ")})`);
  return gates.length === 0 ? "no network security group" : gates.join(" and ");
}
