import type { Estate } from "../../local/cloud/estate.ts";
import { protect } from "../../src/workflow/protect.ts";
import { withCloud } from "./cloud.ts";
import { type BigEstate, policiesFor, withRulesOf } from "./estate.ts";
import { createService, type Service, type Storage } from "./service.ts";

/** Nobody measures these writes. */
const pollMs = 5;

/**
 * Protects every VM by the service's own code, gate by gate written and proven; answers the estate with the rules that stand
 * then. Throws unless everything is settled: a sweep over half of it would look better than it is.
 */
export async function protectAll(
  big: BigEstate,
  vmsPerPolicy: number,
  storage: Storage,
): Promise<Estate> {
  return withCloud(big.estate, async (cloud) => {
    const service = createService(cloud.arm, storage, pollMs);
    const { ports } = service;
    for (const policy of policiesFor(big, vmsPerPolicy, ports.clock.now())) {
      await ports.policies.put(policy);
      const { outcome, reasons } = await protect(ports, policy.id);
      if (outcome !== "settled") {
        throw new Error(`${policy.id} could not be settled: ${JSON.stringify(reasons)}`);
      }
    }
    await checkSettled(service, big);
    const survey = await ports.network.survey(big.estate.subscriptionId);
    if (survey === undefined) {
      throw new Error("The subscription is gone.");
    }
    return withRulesOf(big.estate, survey);
  });
}

async function checkSettled({ ports }: Service, { vmIds, gateIds }: BigEstate): Promise<void> {
  const [policies, gates] = await Promise.all([ports.policies.all(), ports.gates.known()]);
  const found = {
    vms: policies.flatMap((policy) => (policy.state === "settled" ? policy.virtualMachines : []))
      .length,
    gates: gates.filter((gate) => gate.appliedRevision === gate.desiredRevision).length,
    denies: gates.flatMap((gate) => gate.intent.denies).length,
    proven: gates.flatMap((gate) => gate.proven ?? []).length,
  };
  const { length: vms } = vmIds;
  const wanted = { vms, gates: gateIds.length, denies: vms, proven: vms };
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(
      `Not everything is settled: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}.`,
    );
  }
}
