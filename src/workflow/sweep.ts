import type { Log } from "../log.ts";
import { type ProtectPorts, parallelWork, protect } from "./protect.ts";
import { guarded, mapLimited } from "./serial.ts";
import { anew } from "./settle.ts";

export interface SweepPorts extends ProtectPorts {
  readonly log: Log;
}

/**
 * Takes up what others left: gates whose intent is not written yet or holds windows that are over, and policies whose
 * change was cut short. Independent of every orchestration; a fault of one task does not keep the others.
 */
export async function sweep(ports: SweepPorts): Promise<void> {
  const gates = await ports.gates.unsettled(ports.clock.now());
  await mapLimited(gates, parallelWork, (gateId) =>
    guarded(ports.log, `settling ${gateId}`, async () => {
      await ports.settle(gateId, anew);
    }),
  );
  const policies = await ports.policies.unsettled();
  await mapLimited(policies, parallelWork, (policy) =>
    guarded(ports.log, `protecting ${policy.id}`, () => protect(ports, policy.id)),
  );
  if (gates.length + policies.length > 0) {
    ports.log.sweepSettled({ gates: gates.length, policies: policies.length });
  }
}
