import type { FactOutcome } from "../activity/fact.ts";
import { type MovedVm, placeFacts } from "../activity/repair-facts.ts";
import { mapLimited } from "../map-limited.ts";
import type { Policy, PolicyVirtualMachine } from "../policy/policy.ts";
import { idKey } from "../policy/resource-id.ts";
import type { GateRecord, Machine } from "../ports.ts";
import type { Reason } from "../reasons.ts";
import { gateName, isFirewallGate } from "../rules/gate.ts";
import type { WindowPorts } from "./open-windows.ts";
import { pathsSeen, tellPaths } from "./paths-seen.ts";
import { parallelWork, protect } from "./protect.ts";
import { type PlaceBehind, placesByGate, placeText } from "./vm-gates.ts";

/** By gate key, what is held closed there for a VM: its addresses, and in words ports and precedence. */
type Place = ReadonlyMap<string, PlaceBehind>;

/** What is held closed for a policy's VMs, by VM key. */
export type Whereabouts = ReadonlyMap<string, Place>;

/** A VM of a policy that is not where the policy's deny rules hold it. */
interface Moved {
  readonly vmId: string;
  readonly before: Place;
  readonly now: Place;
  readonly machine: Machine | undefined;
}

/**
 * Brings a policy's deny rules to where its VMs are: after a VM was moved, deleted or restored, got another address, or
 * another gate was put before it. `machineOf` tells where to look; each VM that seems to have moved is
 * read alone before anything is done. Tells whether anything was.
 */
export async function healPlaces(
  ports: WindowPorts,
  policy: Policy,
  places: Whereabouts,
  machineOf: (vmId: string) => Machine | undefined,
): Promise<boolean> {
  const compared = policy.virtualMachines.map((vm) => {
    const before = places.get(idKey(vm.id)) ?? new Map();
    return { vm, before, now: placeIn(policy, vm, machineOf(vm.id)) };
  });
  const read = await mapLimited(
    compared.filter(isElsewhere),
    parallelWork,
    async ({ vm, before }): Promise<Moved> => {
      const machine = await ports.network.findMachine(vm.id);
      return { vmId: vm.id, before, machine, now: placeIn(policy, vm, machine) };
    },
  );
  const moved = read.filter(isElsewhere);
  if (moved.length === 0) {
    await notePaths(ports, policy, machineOf);
    return false;
  }
  if (!(await markUpdating(ports, policy))) {
    // Somebody is changing the policy at this moment, and looks at its VMs, too.
    return false;
  }
  const id = ports.ids.next();
  const inFacts = moved.map(movedVm);
  const tell = (outcome: FactOutcome, faults: readonly Reason[] = []) =>
    ports.activity.record(
      placeFacts(policy, inFacts, { id, outcome, at: ports.clock.now(), faults }),
    );
  await tell("asked");
  ports.log.placesChanged({ policyId: policy.id, vms: moved.length });
  const result = await protect(ports, policy.id);
  await tell(result.outcome === "settled" ? "done" : "failed", result.reasons);
  return true;
}

/**
 * NB. From here on the policy's rules are not where they should be, and the sweep takes up what is not finished. No change of a
 * person is kept with it: what the service does by itself is not to be told as theirs.
 */
async function markUpdating({ policies }: WindowPorts, seen: Policy): Promise<boolean> {
  const stored = await policies.get(seen.id);
  if (stored?.value.state !== "settled" || stored.value.changedAt !== seen.changedAt) {
    return false;
  }
  const { change: _, ...policy } = stored.value;
  return (await policies.put({ ...policy, state: "updating" }, stored.etag)) !== undefined;
}

/** Notes ways to the policy's VMs that came to be uncovered, or covered, without anything of ours having to move. */
async function notePaths(
  ports: WindowPorts,
  policy: Policy,
  machineOf: (vmId: string) => Machine | undefined,
): Promise<void> {
  const machines = policy.virtualMachines.map(({ id }) => machineOf(id));
  const paths = pathsSeen(machines);
  if (machines.includes(undefined)) {
    // A list that leaves a VM out tells nothing of its paths.
    return;
  }
  const { unprotectedPaths = [], exposed = [] } = policy;
  if (JSON.stringify(paths) === JSON.stringify({ unprotectedPaths, exposed })) {
    return;
  }
  const stored = await ports.policies.get(policy.id);
  if (stored?.value.state === "settled") {
    const told = await tellPaths(ports, stored.value, paths.exposed);
    // Somebody else who changes the policy at this moment looks at its VMs, too.
    await ports.policies.put({ ...stored.value, ...paths, ...told }, stored.etag);
  }
}

const isElsewhere = ({ before, now }: { readonly before: Place; readonly now: Place }): boolean =>
  placeText(before) !== placeText(now);

/** Where the policy wants a VM held closed, with what it wants closed. */
function placeIn(policy: Policy, vm: PolicyVirtualMachine, machine: Machine | undefined): Place {
  const ports = vm.ports.map((port) => port.number);
  return new Map(
    [...placesByGate(machine)].map(([gate, { addresses }]) => {
      const wish = isFirewallGate(gate) ? vm.publicIpAddress : undefined;
      return [gate, held(addresses, ports, policy.takePriority, wish)];
    }),
  );
}

/** What is held closed on a gate, in words. */
const held = (
  addresses: readonly string[],
  ports: readonly number[],
  takePriority: boolean | undefined,
  publicIpAddress: string | undefined,
): PlaceBehind => ({
  addresses: [
    ...addresses,
    `ports ${ports.toSorted((one, other) => one - other).join(" ")}`,
    ...(takePriority === true ? ["before other rules"] : []),
    ...(publicIpAddress === undefined ? [] : [`by ${publicIpAddress}`]),
  ],
});

/** What the deny rows of all policies hold, by policy key and VM key: gathered once, as gates hold those of many. */
export function heldRows(records: readonly GateRecord[]): ReadonlyMap<string, Whereabouts> {
  const all = new Map<string, Map<string, Map<string, PlaceBehind>>>();
  for (const { gateId, intent } of records) {
    for (const deny of intent.denies) {
      const { policyId, vmId, addresses, ports, takePriority, publicIpAddress } = deny;
      const ofPolicy = all.get(idKey(policyId)) ?? new Map();
      const place = ofPolicy.get(idKey(vmId)) ?? new Map();
      place.set(idKey(gateId), held(addresses, ports, takePriority, publicIpAddress));
      all.set(idKey(policyId), ofPolicy.set(idKey(vmId), place));
    }
  }
  return all;
}

const movedVm = ({ vmId, before, now, machine }: Moved): MovedVm => ({
  vmId,
  gates: [...new Set([...before.keys(), ...now.keys()])],
  before: inWords(before),
  now: machine === undefined ? undefined : inWords(now),
});

function inWords(place: Place): string {
  const gates = [...place].map(
    ([gate, { addresses }]) => `${gateName(gate)} (${addresses.join(", ")})`,
  );
  return gates.length === 0 ? "no gate" : gates.join(" and ");
}
