import { mapLimited } from "../map-limited.ts";
import { leadOf } from "../rules/update-time.ts";
import type { WindowPorts } from "./open-windows.ts";
import { parallelWork, protect } from "./protect.ts";
import { guarded } from "./serial.ts";
import { anew } from "./settle.ts";
import { type SweepPorts, sweepRequests } from "./sweep-requests.ts";

/** Facts that somebody began to record so long ago, in milliseconds, are finished by others. */
const factsAbandoned = 60_000;

/**
 * Takes up what others left: facts that do not lie everywhere yet, gates whose intent is not written or not proven yet, or holds windows that are over, policies whose change
 * was cut short, and requests that wait, or that nobody looks after any more. Independent of every orchestration; a fault of one
 * task does not keep the others.
 */
export async function sweep(ports: SweepPorts): Promise<void> {
  const { clock, ledger, log } = ports;
  const before = new Date(clock.now().getTime() - factsAbandoned);
  await Promise.all([
    guarded(log, "finishing the recording of facts", () => ledger.complete(before)),
    sweepGates(ports),
  ]);
}

async function sweepGates(ports: SweepPorts): Promise<void> {
  const gates = await ports.gates.unsettled(ports.clock.now());
  await mapLimited(gates, parallelWork, (gateId) =>
    guarded(ports.log, `settling ${gateId}`, () => settleLeft(ports, gateId)),
  );
  const policies = await ports.policies.unsettled();
  await mapLimited(policies, parallelWork, (policy) =>
    guarded(ports.log, `protecting ${policy.id}`, () => protect(ports, policy.id)),
  );
  const requests = await sweepRequests(ports);
  if (gates.length + policies.length + requests > 0) {
    ports.log.sweepSettled({ gates: gates.length, policies: policies.length, requests });
  }
}

/**
 * What somebody else is just about to finish is waited for, without a call to Azure; only what is over, or has to be taken off a
 * firewall by now, or was written and never proven, is looked at anew.
 */
async function settleLeft({ gates, settle, clock }: WindowPorts, gateId: string): Promise<void> {
  const record = await gates.read(gateId);
  const { intent, desiredRevision, appliedRevision, isInterrupted } = record;
  const due = clock.now().getTime() + leadOf(record);
  const isOver = intent.windows.some((window) => Date.parse(window.closesAt) <= due);
  const isUnproven = isInterrupted === true && appliedRevision >= desiredRevision;
  await settle(gateId, isOver || isUnproven ? anew : desiredRevision);
}
