import type { GateOperation, GateReading, GateRecord, Progress } from "../ports.ts";
import { type Reason, refused } from "../reasons.ts";
import { type GateRule, gateNoun, gateTitle } from "../rules/gate.ts";
import type { GatePlan } from "../rules/nsg-plan.ts";
import { leadOf, pauseFor } from "../rules/update-time.ts";
import { proofOf } from "../rules/writing.ts";
import { isAsWanted, type Over, planAhead, withoutEnding } from "./plan-ahead.ts";
import { goneSettlement, provenBy } from "./settlement.ts";
import { announce, complete, noteFound, tellFailed } from "./tell-writes.ts";
import { notRemoved, touchedBy } from "./touched.ts";
import {
  gathered,
  gatheringOf,
  type Settled,
  type SettlePorts,
  settleTimes,
  type Turn,
  type UnderWay,
} from "./turn.ts";

/** So often in a row an update may come to nothing before whoever asked for it is told; tried again it is in any case. */
const quietFailures = 2;
/** Until the next try of an update that came to nothing, in milliseconds; twice as long after each further one. */
const afterFailureMs = 5_000;
/** Plans of one step: what is asked for meanwhile goes along. */
const mostRounds = 8;

/**
 * One step of bringing a firewall to its rules: looks at the update that is under way, or begins the next one, or finds
 * everything as it should be. Updates take minutes, and only one runs at a time: nobody waits for one here, and whoever asks
 * while one runs goes along with the next. Safe to run twice, in any process.
 */
export async function stepFirewall(
  ports: SettlePorts,
  taken: GateRecord,
  turn: Turn,
): Promise<Settled | "again"> {
  turn.writing = taken.writing;
  const update = await lookAtUpdate(ports, taken, turn);
  if ("outcome" in update) {
    return update;
  }
  let record = await ports.gates.read(turn.gateId);
  for (let round = 1; round <= mostRounds && !turn.isLost; round += 1) {
    const reading = await ports.network.readGate(record.gateId);
    turn.readAt = ports.clock.now().toISOString();
    if (reading === undefined) {
      ports.log.gateGone({ gateId: record.gateId });
      return complete(ports, record, turn, goneSettlement(record, ports.clock.now()));
    }
    if (reading.isUpdating) {
      // Somebody else's update, or one of ours whose beginning was not stored: the next one has to wait for it.
      const pause = Math.max(settleTimes.pollOthers, pauseFor(record, 0));
      return underWay(record, pause, busy(record, "it is being updated"));
    }
    const { plan, seen } = planAhead(ports, record, reading);
    if (isAsWanted(plan, reading, record, update)) {
      const proof = proofOf(turn.readAt, reading.etag);
      const proven = provenBy(ports, record, { gate: seen, proof }, plan);
      return complete(ports, record, repairing(turn, record), proven, reading.gate);
    }
    if (update.failure !== undefined) {
      return await afterFailure(ports, taken, turn, update.failure);
    }
    const all = await gathered(ports, record, turn, gatheringOf(record, plan));
    const latest = await withoutEnding(ports, all);
    if (latest.desiredRevision > record.desiredRevision) {
      record = latest;
      continue;
    }
    const begun = await begin(ports, record, turn, reading, plan);
    if (begun !== undefined) {
      return begun;
    }
    // Azure was done with it at once: what it touched has been stored since.
    record = await ports.gates.read(turn.gateId);
  }
  return "again";
}

async function lookAtUpdate(
  ports: SettlePorts,
  taken: GateRecord,
  turn: Turn,
): Promise<Exclude<Settled, { readonly outcome: "settled" }> | Over> {
  const { gateId, operation, failures = 0 } = taken;
  if (operation === undefined) {
    return {};
  }
  const progress = await progressOf(ports, taken, operation);
  const tookMs = Math.max(ports.clock.now().getTime() - Date.parse(operation.startedAt), 0);
  if (progress.outcome === "running") {
    return underWay(taken, Math.max(progress.retryAfterMs, pauseFor(taken, tookMs)));
  }
  const isDone = progress.outcome === "written";
  if (!(await ports.gates.end(gateId, turn.holder, isDone ? tookMs : undefined))) {
    turn.isLost = true;
    return {};
  }
  if (isDone) {
    ports.log.updateEnded({ gateId, tookMs });
    return { isDone };
  }
  const reason: Reason =
    progress.outcome === "refused"
      ? progress.reason
      : {
          code: "GateUpdateFailed",
          message: `Azure did not bring an update of ${gateNoun(gateId)} '${gateId}' to its end: ${progress.detail}`,
          target: gateId,
        };
  ports.log.updateFailed({ gateId, tookMs, message: reason.message });
  if (taken.touched !== undefined && failures === 0 && progress.isUntold !== true) {
    // NB. What it was to remove may stand, and be in effect: no reading without it is believed before it was removed once more. Once
    // only: where no update can ever be asked about, what is there to read has to do.
    await ports.gates.touches(gateId, turn.holder, { ...taken.touched, removed: [] });
  }
  if (progress.outcome === "changed") {
    // NB. Perhaps only the way to ask about it is lost: what is there to read tells whether anything is missing.
    return { failure: { reason, retryAfterMs: progress.retryAfterMs } };
  }
  await tellFailed(ports, taken, repairing(turn, taken), reason);
  return refused(reason);
}

/** Leaves the firewall alone for a moment; whoever asked is told once updates keep coming to nothing. */
async function afterFailure(
  ports: SettlePorts,
  taken: GateRecord,
  turn: Turn,
  { reason, retryAfterMs }: NonNullable<Over["failure"]>,
): Promise<Settled> {
  const { failures = 0 } = taken;
  if (failures < quietFailures) {
    return underWay(taken, Math.max(retryAfterMs, afterFailureMs * 2 ** failures), reason);
  }
  await tellFailed(ports, taken, repairing(turn, taken), reason);
  return refused(reason);
}

/**
 * How an update goes. NB. Where Azure does not tell its end, for ever perhaps, the firewall itself does: one of which nobody is at
 * work any more is read and planned anew, or no window there would ever be closed.
 */
async function progressOf(
  { clock, network }: SettlePorts,
  record: GateRecord,
  { token, startedAt }: GateOperation,
): Promise<Progress & { readonly isUntold?: boolean }> {
  const progress = await network.progress(record.gateId, token);
  const elapsed = clock.now().getTime() - Date.parse(startedAt);
  if (progress.outcome !== "running" || elapsed < 2 * leadOf(record)) {
    return progress;
  }
  const reading = await network.readGate(record.gateId);
  return reading?.isUpdating === true
    ? progress
    : {
        outcome: "changed",
        detail: "Azure does not tell its end.",
        retryAfterMs: 0,
        isUntold: true,
      };
}

/** Begins an update; nothing when Azure was done with it at once. */
async function begin(
  ports: SettlePorts,
  record: GateRecord,
  turn: Turn,
  reading: GateReading,
  plan: GatePlan<GateRule>,
): Promise<Settled | "again" | undefined> {
  const { gates, network, clock, log } = ports;
  const { gateId, desiredRevision: revision } = record;
  noteFound(ports, record, turn, reading, plan);
  // NB. What it touches is stored before it is sent: whoever comes after one who died knows these rules for ours.
  const touched = touchedBy(record, turn, plan);
  const isOurs =
    (await gates.touches(gateId, turn.holder, touched)) &&
    (await announce(ports, record, turn, reading, plan));
  if (!isOurs) {
    turn.isLost = true;
    return "again";
  }
  turn.hasWritten = true;
  turn.hasGathered = false;
  const startedAt = clock.now().toISOString();
  const outcome = await network.write(reading, plan.changes);
  switch (outcome.outcome) {
    case "started": {
      const operation = { token: outcome.operation, startedAt, revision };
      // NB. Should this fail, the gate itself says that it is being updated.
      await gates.begin(gateId, turn.holder, operation);
      log.updateStarted({ gateId, changes: plan.changes.length, revision });
      return underWay({ ...record, operation }, pauseFor(record, 0));
    }
    case "written":
      log.gateWritten({ gateId, changes: plan.changes.length, revision });
      return undefined;
    case "changed":
      await gates.touches(gateId, turn.holder, notRemoved(touched, record));
      log.gateBusy({ gateId, detail: outcome.detail, retryAfterMs: outcome.retryAfterMs });
      return underWay(
        record,
        Math.max(outcome.retryAfterMs, settleTimes.pollOthers),
        busy(record, outcome.detail),
      );
    case "refused":
      log.gateRefused({ gateId, code: outcome.reason.code, message: outcome.reason.message });
      await tellFailed(ports, record, turn, outcome.reason);
      return refused(outcome.reason);
  }
}

/** The turn as the one that finishes what an earlier one found and began to put right. */
function repairing(turn: Turn, { touched }: GateRecord): Turn {
  if (touched?.repair !== undefined) {
    turn.found = touched.repair.found;
    turn.repairId = touched.repair.id;
  }
  return turn;
}

/** NB. How long Azure wants to be left alone comes from outside: meanwhile nothing would be closed there. */
const underWay = (record: GateRecord, retryAfterMs: number, why?: Reason): UnderWay => ({
  outcome: "under way",
  record,
  retryAfterMs: Math.min(retryAfterMs, settleTimes.pollLongestUpdate),
  why,
});

const busy = ({ gateId }: GateRecord, detail: string): Reason => ({
  code: "GateBusy",
  message: `${gateTitle(gateId)} does not take our update now; it is tried until it does: ${detail}`,
  target: gateId,
});
