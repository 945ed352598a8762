import type { Log } from "../log.ts";
import { mapLimited } from "../map-limited.ts";
import type { Policy } from "../policy/policy.ts";
import { idKey } from "../policy/resource-id.ts";
import type { Ids, Machine } from "../ports.ts";
import { createFindLeftovers } from "./clean.ts";
import { denyRowsByGate } from "./deny-rows.ts";
import type { Foresee, Foreseen, ForeseePorts } from "./foresee.ts";
import { parallelWork } from "./protect.ts";

/** What a policy would do, and where its VMs are. */
export interface ForeseenPolicy {
  readonly machines: readonly Machine[];
  readonly gates: readonly Foreseen[];
}

/** What a policy would make of its gates, those that it would leave included. */
export async function foreseePolicy(
  ports: ForeseePorts & { readonly ids: Ids; readonly log: Log; readonly foresee: Foresee },
  policy: Omit<Policy, "changedAt">,
): Promise<ForeseenPolicy> {
  const read = await mapLimited(policy.virtualMachines, parallelWork, (vm) =>
    ports.network.findMachine(vm.id),
  );
  const machines = read.filter((machine) => machine !== undefined);
  const byKey = new Map(machines.map((machine) => [idKey(machine.id), machine]));
  const rows = denyRowsByGate(ports.ids, policy, (vmId) => byKey.get(idKey(vmId)));
  const gateIds = [...new Set([...policy.gates.map(idKey), ...rows.keys()])];
  const findLeftovers = createFindLeftovers(ports);
  const gates = await mapLimited(gateIds, parallelWork, async (gateId) =>
    ports.foresee(gateId, {
      denies: { policyId: policy.id, rows: rows.get(gateId) ?? [] },
      addLeftovers: await findLeftovers(gateId),
    }),
  );
  return { machines, gates: gates.filter((gate) => gate !== undefined) };
}
