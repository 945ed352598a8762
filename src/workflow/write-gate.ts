import type { GateReading, GateRecord } from "../ports.ts";
import { type Refusal, refused } from "../reasons.ts";
import type { Gate, GateRule } from "../rules/gate.ts";
import type { GatePlan } from "../rules/nsg-plan.ts";
import { sameName } from "../rules/owned.ts";
import { proofOf } from "../rules/writing.ts";
import { goneSettlement, planFor, provenBy, withStrangers } from "./settlement.ts";
import { announce, complete, noteFound, tellFailed } from "./tell-writes.ts";
import { gathered, type Settled, type SettlePorts, settleTimes, type Turn } from "./turn.ts";

/** Read, plan, write, and again, until the plan is empty and nothing is under way: that reading is the proof. */
export async function writeUntilProven(
  ports: SettlePorts,
  taken: GateRecord,
  turn: Turn,
): Promise<Settled | "again"> {
  const { clock, network, log } = ports;
  let record = taken;
  turn.writing = taken.writing;
  while (!turn.isLost && clock.now().getTime() < turn.giveUpAt) {
    const reading = await network.readGate(record.gateId);
    turn.readAt = clock.now().toISOString();
    if (reading === undefined) {
      log.gateGone({ gateId: record.gateId });
      return complete(ports, record, turn, goneSettlement(record, clock.now()));
    }
    if (reading.isUpdating) {
      // Writing now would cancel what is under way; believing the rules now would be early.
      await clock.pause(settleTimes.pollUpdating);
      continue;
    }
    const seen = withStrangers(record, reading.gate, ports.owner, [...turn.written]);
    const plan = withUnseen(record, turn, seen, planFor(record, seen, clock.now(), ports.owner));
    if (plan.changes.length === 0) {
      const proof = proofOf(turn.readAt, reading.etag);
      const proven = provenBy(ports, record, { gate: seen, proof }, plan);
      return complete(ports, record, turn, proven, reading.gate);
    }
    const latest = await gathered(ports, record, turn);
    if (latest.desiredRevision > record.desiredRevision) {
      record = latest;
      continue;
    }
    const refusal = await writePlan(ports, record, turn, reading, plan);
    if (refusal !== undefined) {
      return refusal;
    }
  }
  return "again";
}

/**
 * NB. A reading may be older than the last write. That a rule which was proven to stand is gone is therefore not believed
 * at first sight: it is taken away once more.
 */
function withUnseen(
  { proven = [] }: GateRecord,
  { hasWritten }: Turn,
  gate: Gate,
  plan: GatePlan<GateRule>,
): GatePlan<GateRule> {
  if (plan.changes.length > 0 || hasWritten) {
    return plan;
  }
  const rules: readonly GateRule[] = gate.rules;
  const unseen = proven.filter(({ name }) => !rules.some((rule) => sameName(rule.name, name)));
  return { ...plan, changes: unseen.map(({ name }) => ({ kind: "delete", name }) as const) };
}

/** Carries out one plan under the lease; tells when Azure refuses it. Whatever else becomes of it, reading again shows. */
async function writePlan(
  ports: SettlePorts,
  record: GateRecord,
  turn: Turn,
  reading: GateReading,
  plan: GatePlan<GateRule>,
): Promise<Refusal | undefined> {
  const { network, clock, log } = ports;
  const { gateId, desiredRevision: revision } = record;
  noteFound(ports, record, turn, reading, plan);
  if (!(await announce(ports, record, turn, reading, plan))) {
    return undefined;
  }
  turn.hasWritten = true;
  turn.hasGathered = false;
  for (const change of plan.changes) {
    if (change.kind === "put") {
      turn.written.add(change.rule.name);
    }
  }
  const outcome = await network.write(reading, plan.changes);
  if (outcome.outcome === "refused") {
    log.gateRefused({ gateId, code: outcome.reason.code, message: outcome.reason.message });
    await tellFailed(ports, record, turn, outcome.reason);
    return refused(outcome.reason);
  }
  if (outcome.outcome === "changed") {
    log.gateBusy({ gateId, detail: outcome.detail, retryAfterMs: outcome.retryAfterMs });
    await clock.pause(outcome.retryAfterMs);
  } else {
    log.gateWritten({ gateId, changes: plan.changes.length, revision });
  }
  return undefined;
}
