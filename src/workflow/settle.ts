import type { Log } from "../log.ts";
import type {
  Clock,
  GateLease,
  GateRecord,
  GateStore,
  Ids,
  Network,
  Settlement,
} from "../ports.ts";
import { type Reason, type Refusal, refused } from "../reasons.ts";
import type { Owner } from "../rules/intent.ts";
import { planGate } from "../rules/nsg-plan.ts";
import { createSerial } from "./serial.ts";

/** What settling needs of the world. */
export interface SettlePorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly gates: GateStore;
  readonly network: Network;
  readonly owner: Owner;
  readonly log: Log;
}

/** `settled`: written, read back and recorded up to the revision asked for. */
export type Settled = { readonly outcome: "settled"; readonly record: GateRecord } | Refusal;

/** As a revision: settle now, even if everything that was wanted has been applied before. Drops windows that are over. */
export const anew = Number.POSITIVE_INFINITY;

export type Settle = (gateId: string, revision: number) => Promise<Settled>;

/**
 * Times in milliseconds. A lease whose beat stands still for `stalledAfter`, watched on the watcher's own clock, is
 * taken over: no two clocks are ever compared, so skew between machines does not matter.
 */
export const settleTimes = {
  beat: 4_000,
  stalledAfter: 15_000,
  pollFirst: 50,
  pollLongest: 1_000,
  pollUpdating: 500,
  /** Below the 230 s after which Azure's front end gives up on an HTTP call. */
  giveUpAfter: 200_000,
} as const;

/**
 * Builds `settle`: brings a gate to its desired state up to a revision, by one writer at a time. Whoever gets the lease
 * settles for everybody who asked before it read; the others find their revision applied and are done without a call to
 * Azure. Safe to run twice, from any number of processes.
 */
export function createSettle(ports: SettlePorts): Settle {
  // Within one process the gate's settles queue up here, so that only one of them contends for the stored lease.
  const serial = createSerial();
  return (gateId, revision) => {
    // The patience counts from the asking, not from the turn: who queues behind a stuck gate does not wait twice.
    const giveUpAt = ports.clock.now().getTime() + settleTimes.giveUpAfter;
    return serial(gateId, () => settleAlone(ports, gateId, revision, giveUpAt));
  };
}

async function settleAlone(
  ports: SettlePorts,
  gateId: string,
  revision: number,
  giveUpAt: number,
): Promise<Settled> {
  const { clock, gates } = ports;
  const holder = ports.ids.next();
  let wanted = revision;
  let watched: Watched | undefined;
  let pause: number = settleTimes.pollFirst;
  for (;;) {
    // Looked at before the time: whoever queued too long may find that others have done it.
    const record = await gates.read(gateId);
    if (record.appliedRevision >= wanted) {
      return { outcome: "settled", record };
    }
    if (clock.now().getTime() >= giveUpAt) {
      return notInTime(gateId);
    }
    watched = watch(watched, record.lease, clock.now().getTime());
    const taken = await takeLease(ports, record, holder, watched);
    if (taken !== undefined) {
      const outcome = await writeUnderLease(ports, taken, holder, giveUpAt);
      if (typeof outcome === "object") {
        return outcome;
      }
      wanted = Math.max(wanted, outcome);
    }
    await clock.pause(pause);
    pause = Math.min(pause * 2, settleTimes.pollLongest);
  }
}

/** A lease that somebody else holds, and since when it has stood exactly as it stands. */
interface Watched {
  readonly lease: GateLease;
  readonly since: number;
}

async function takeLease(
  ports: SettlePorts,
  record: GateRecord,
  holder: string,
  watched: Watched | undefined,
): Promise<GateRecord | undefined> {
  const { gateId, lease } = record;
  const isStalled =
    watched !== undefined &&
    ports.clock.now().getTime() - watched.since >= settleTimes.stalledAfter;
  if (lease !== undefined && !isStalled) {
    return undefined;
  }
  const taken = await ports.gates.takeLease(gateId, holder, lease);
  if (taken !== undefined && lease !== undefined) {
    ports.log.leaseTakenOver({ gateId, from: lease.holder });
  }
  return taken;
}

function watch(
  watched: Watched | undefined,
  lease: GateLease | undefined,
  now: number,
): Watched | undefined {
  if (lease === undefined) {
    return undefined;
  }
  const isSame = watched?.lease.holder === lease.holder && watched.lease.beat === lease.beat;
  return isSame ? watched : { lease, since: now };
}

/** One writer's time with the lease. */
interface Turn {
  readonly gateId: string;
  readonly holder: string;
  readonly giveUpAt: number;
  isWorking: boolean;
  /** Never taken back: a lease once seen lost belongs to somebody else. */
  isLost: boolean;
  hasWritten: boolean;
}

/** Settles under the lease; or a revision from which on the gate has to be settled again, 0 where nothing is known of one. */
async function writeUnderLease(
  ports: SettlePorts,
  taken: GateRecord,
  holder: string,
  giveUpAt: number,
): Promise<Settled | number> {
  const { gateId } = taken;
  const turn: Turn = {
    gateId,
    holder,
    giveUpAt,
    isWorking: true,
    isLost: false,
    hasWritten: false,
  };
  void keepBeating(ports, turn);
  try {
    const outcome = await writeUntilProven(ports, taken, turn);
    if (outcome !== "again" && outcome.outcome === "settled") {
      return outcome;
    }
    const revision = await letGo(ports, turn);
    return outcome === "again" ? revision : outcome;
  } catch (fault) {
    await letGo(ports, turn);
    throw fault;
  } finally {
    turn.isWorking = false;
  }
}

async function keepBeating({ clock, gates }: SettlePorts, turn: Turn): Promise<void> {
  await clock.pause(settleTimes.beat);
  while (turn.isWorking && !turn.isLost) {
    // A beat that fails for a fault of storage is no loss yet: the lease stands until somebody sees it stall.
    if (!(await gates.beat(turn.gateId, turn.holder).catch(() => true))) {
      turn.isLost = true;
    }
    await clock.pause(settleTimes.beat);
  }
}

/**
 * Gives the lease back. NB. Whoever wrote and lost the lease meanwhile (a frozen process, storage out of reach) may have
 * written after somebody else had proven the gate: everything proven then has to be proven again.
 */
async function letGo({ gates }: SettlePorts, turn: Turn): Promise<number> {
  const wasOurs = await gates.release(turn.gateId, turn.holder);
  return wasOurs || !turn.hasWritten ? 0 : gates.touch(turn.gateId);
}

/** Read, plan, write, and again, until the plan is empty and nothing is under way: that reading is the proof. */
async function writeUntilProven(
  ports: SettlePorts,
  taken: GateRecord,
  turn: Turn,
): Promise<Settled | "again"> {
  const { clock, gates, network, owner, log } = ports;
  const { gateId } = taken;
  while (!turn.isLost && clock.now().getTime() < turn.giveUpAt) {
    const reading = await network.readGate(gateId);
    if (reading === undefined) {
      log.gateGone({ gateId });
      return complete(ports, taken, turn.holder, goneSettlement(taken, clock.now()));
    }
    if (reading.isUpdating) {
      // Writing now would cancel what is under way; believing the rules now would be early.
      await clock.pause(settleTimes.pollUpdating);
      continue;
    }
    const plan = planGate(reading.group, taken.intent, clock.now(), owner);
    if (plan.changes.length === 0) {
      const { results, findings, expired } = plan;
      const revision = taken.desiredRevision;
      return complete(ports, taken, turn.holder, { revision, results, findings, expired });
    }
    // NB. Asked for right before every write, not only now and then: nobody writes who cannot show the lease.
    if (!(await gates.beat(gateId, turn.holder))) {
      turn.isLost = true;
      return "again";
    }
    turn.hasWritten = true;
    const outcome = await network.write(reading, plan.changes);
    if (outcome.outcome === "refused") {
      log.gateRefused({ gateId, code: outcome.reason.code, message: outcome.reason.message });
      return refused(outcome.reason);
    }
    if (outcome.outcome === "changed") {
      log.gateBusy({ gateId, detail: outcome.detail, retryAfterMs: outcome.retryAfterMs });
      await clock.pause(outcome.retryAfterMs);
    } else {
      log.gateWritten({ gateId, changes: plan.changes.length, revision: taken.desiredRevision });
    }
  }
  return "again";
}

async function complete(
  ports: SettlePorts,
  taken: GateRecord,
  holder: string,
  settlement: Settlement,
): Promise<Settled | "again"> {
  const isRecorded = await ports.gates.complete(taken.gateId, holder, settlement);
  // A lost lease means that another writer is at work on a newer reading: look again.
  return isRecorded ? { outcome: "settled", record: settledRecord(taken, settlement) } : "again";
}

function settledRecord(taken: GateRecord, settlement: Settlement): GateRecord {
  const { revision: appliedRevision, results, findings } = settlement;
  const windows = taken.intent.windows.filter(
    (window) => !settlement.expired.includes(window.windowId),
  );
  return {
    ...taken,
    intent: { ...taken.intent, windows },
    appliedRevision,
    results,
    findings,
    lease: undefined,
  };
}

/** Nothing can be open or closed on a gate that is gone. */
function goneSettlement(taken: GateRecord, now: Date): Settlement {
  const reason: Reason = {
    code: "GateNotFound",
    message: `'${taken.gateId}' does not exist any more.`,
    target: taken.gateId,
  };
  return {
    revision: taken.desiredRevision,
    results: Object.fromEntries(
      taken.intent.windows.map((window) => [
        window.windowId,
        { state: "failed", reasons: [reason] } as const,
      ]),
    ),
    findings: [reason],
    expired: taken.intent.windows
      .filter((window) => Date.parse(window.closesAt) <= now.getTime())
      .map((window) => window.windowId),
  };
}

function notInTime(gateId: string): Settled {
  const message = `'${gateId}' could not be brought to its rules within ${settleTimes.giveUpAfter / 1_000} seconds; it is tried again.`;
  return refused({ code: "NotSettledInTime", message, target: gateId });
}
