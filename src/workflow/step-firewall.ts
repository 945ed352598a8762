import type { GateOperation, GateReading, GateRecord, Progress } from "../ports.ts";
import { type Reason, refused } from "../reasons.ts";
import { type Gate, type GateRule, gateNoun, gateTitle } from "../rules/gate.ts";
import type { GatePlan } from "../rules/nsg-plan.ts";
import { sameName } from "../rules/owned.ts";
import { leadOf, pauseFor } from "../rules/update-time.ts";
import { goneSettlement, planFor, provenBy, withStrangers } from "./settlement.ts";
import { notRemoved, touchedBy, untouched } from "./touched.ts";
import {
  complete,
  gathered,
  gatheringOf,
  type Settled,
  type SettlePorts,
  settleTimes,
  type Turn,
  tell,
  tellFound,
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
  const update = await lookAtUpdate(ports, taken, turn);
  if ("outcome" in update) {
    return update;
  }
  let record = await ports.gates.read(turn.gateId);
  for (let round = 1; round <= mostRounds && !turn.isLost; round += 1) {
    const reading = await ports.network.readGate(record.gateId);
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
      return complete(ports, record, repairing(turn, record), provenBy(ports, record, seen, plan));
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

/** An update that is over, or that there was none: whether it came to its end as asked, or as far as Azure tells came to nothing. */
interface Over {
  readonly isDone?: boolean;
  readonly failure?: { readonly reason: Reason; readonly retryAfterMs: number };
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
  await tell(ports, taken, repairing(turn, taken), "failed", [reason]);
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
  await tell(ports, taken, repairing(turn, taken), "failed", [reason]);
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

/**
 * The plan for the moment by which an update could be in effect: a window that ends before is over for it. NB. A reading may be
 * older than the last write. That a rule is gone which was put, or proven to stand, is therefore not believed before it has been
 * taken away once.
 */
function planAhead(
  { clock, owner }: SettlePorts,
  record: GateRecord,
  reading: GateReading,
): { readonly plan: GatePlan<GateRule>; readonly seen: Gate } {
  const { touched = untouched, proven = [] } = record;
  const inEffectAt = new Date(clock.now().getTime() + leadOf(record));
  const seen = withStrangers(record, reading.gate, owner, touched.put);
  const plan = planFor(record, seen, inEffectAt, owner);
  if (plan.changes.length > 0) {
    return { plan, seen };
  }
  const rules: readonly GateRule[] = seen.rules;
  const isIn = (names: readonly string[], name: string) =>
    names.some((other) => sameName(other, name));
  const present = rules.map(({ name }) => name);
  const unseen = [...new Set([...touched.put, ...proven.map(({ name }) => name)])].filter(
    (name) => !(isIn(present, name) || isIn(touched.removed, name)),
  );
  const changes = unseen.map((name) => ({ kind: "delete", name }) as const);
  return { plan: { ...plan, changes }, seen };
}

/**
 * Whether nothing has to be written. NB. After a write that failed the rules may be there to read, and not in effect: it is sent
 * again. Not after one that came to its end: then something else has failed, such as another firewall of the policy.
 */
const isAsWanted = (
  { changes }: GatePlan<GateRule>,
  { isFailed }: GateReading,
  { failures = 0, touched, isInterrupted }: GateRecord,
  { isDone }: Over,
): boolean => {
  const wasWritten = failures > 0 || touched !== undefined || isInterrupted === true;
  const hasToRepeat = isFailed === true && isDone !== true && wasWritten;
  return changes.length === 0 && !hasToRepeat;
};

/**
 * The record without the windows that could not be closed in time by an update after the next one: they go with that one, as
 * no other update can begin while it runs. NB. They are wanted no longer from then on, so that none of them comes back.
 */
async function withoutEnding(
  { clock, gates }: SettlePorts,
  record: GateRecord,
): Promise<GateRecord> {
  const tooLate = clock.now().getTime() + 2 * leadOf(record);
  const removeWindows = record.intent.windows
    .filter(({ closesAt }) => Date.parse(closesAt) <= tooLate)
    .map(({ windowId }) => windowId);
  if (removeWindows.length === 0) {
    return record;
  }
  await gates.change(record.gateId, { removeWindows });
  return gates.read(record.gateId);
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
  await tellFound(ports, record, turn, reading, plan);
  // NB. What it touches is stored before it is sent: whoever comes after one who died knows these rules for ours.
  const touched = touchedBy(record, turn, plan);
  const isOurs =
    (await gates.touches(gateId, turn.holder, touched)) &&
    (await gates.beat(gateId, turn.holder, true));
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
      await tell(ports, record, turn, "failed", [outcome.reason]);
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
