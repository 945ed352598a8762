import type { ActivityStore } from "../activity/store.ts";
import type { Log } from "../log.ts";
import type { Clock, GateRecord, GateStore, Ids, Network } from "../ports.ts";
import type { Reason, Refusal } from "../reasons.ts";
import type { Found } from "../rules/drift.ts";
import type { GateRule } from "../rules/gate.ts";
import type { Owner } from "../rules/intent.ts";
import type { GatePlan } from "../rules/nsg-plan.ts";
import { type Gathering, gatheringFor } from "../rules/update-time.ts";
import type { GateWriting } from "../rules/writing.ts";

/** What settling needs of the world. */
export interface SettlePorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly gates: GateStore;
  readonly network: Network;
  readonly activity: ActivityStore;
  readonly owner: Owner;
  readonly log: Log;
}

/**
 * `settled`: written, read back and recorded up to the revision asked for. `under way`: a firewall needs minutes for its update,
 * and nobody waits for it; settle again after `retryAfterMs`. What of the record is proven already is told by its results, but
 * for those windows that it calls waiting.
 */
export type Settled =
  | { readonly outcome: "settled"; readonly record: GateRecord }
  | UnderWay
  | Refusal;

export interface UnderWay {
  readonly outcome: "under way";
  readonly record: GateRecord;
  readonly retryAfterMs: number;
  /** What keeps the next update from being begun, where something does. */
  readonly why?: Reason | undefined;
}

/**
 * Times in milliseconds. A lease whose beat stands still for `stalledAfter`, by the clock of the storage alone or watched on
 * the watcher's own, is taken over: no two clocks are ever compared, so skew between machines does not matter.
 */
export const settleTimes = {
  beat: 4_000,
  stalledAfter: 15_000,
  pollFirst: 50,
  pollLongest: 1_000,
  pollUpdating: 500,
  /** Of a firewall that somebody else updates, at the least. */
  pollOthers: 5_000,
  /** A lease that was shown so long ago is shown once more before a write. */
  shownLongAgo: 1_000,
  /** A firewall is looked at so often whatever pause Azure names. */
  pollLongestUpdate: 60_000,
  /** Before another update of a firewall of which Azure refused one. */
  afterRefusal: 10_000,
  /** While others keep asking for the same gate, a write waits for them: so often it looks, so long at most. */
  gatherEvery: 100,
  gatherLongest: 1_000,
  /** Below the 230 s after which Azure's front end gives up on an HTTP call. */
  giveUpAfter: 200_000,
} as const;

/** On what terms a writer has the lease. */
export interface Terms {
  readonly gateId: string;
  readonly holder: string;
  readonly giveUpAt: number;
}

/** One writer's time with the lease. */
export interface Turn extends Terms {
  /** What was found beside what had been proven, and is put right with the writes of this turn. */
  found: readonly Found[];
  /** Names the facts of what was found. */
  repairId: string;
  isWorking: boolean;
  /** Never taken back: a lease once seen lost belongs to somebody else. */
  isLost: boolean;
  hasWritten: boolean;
  /** Names of the rules it has put on the gate, or tried to. What is wanted may change before they are proven. */
  readonly written: Set<string>;
  /** The write that was told last, by this turn or one before; until it is told what became of it. */
  writing: GateWriting | undefined;
  /** When the gate was read last, ISO 8601. */
  readAt: string;
  /** How many writes it has told: they are named after it. */
  told: number;
  /** Since the last write; others are waited for once a write. */
  hasGathered: boolean;
}

/**
 * Works under the lease and gives it back, unless the work has recorded a settlement. Where the work comes to nothing it answers a
 * revision from which on the gate has to be settled again, 0 where nothing is known of one.
 */
export async function underLease(
  ports: SettlePorts,
  terms: Terms,
  work: (turn: Turn) => Promise<Settled | "again">,
): Promise<Settled | number> {
  const turn: Turn = {
    ...terms,
    found: [],
    repairId: terms.holder,
    isWorking: true,
    isLost: false,
    hasWritten: false,
    written: new Set(),
    writing: undefined,
    readAt: "",
    told: 0,
    hasGathered: false,
  };
  void keepBeating(ports, turn);
  try {
    const outcome = await work(turn);
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

/**
 * The gate's record once nobody has asked for anything more for a moment. One who asks alone does not wait, unless it is to be
 * `patient`; of a hundred who ask at once, those who come while the first is reading go with the first write.
 */
export async function gathered(
  { clock, gates }: SettlePorts,
  record: GateRecord,
  turn: Turn,
  patient?: Gathering,
): Promise<GateRecord> {
  if (turn.hasGathered) {
    return record;
  }
  turn.hasGathered = true;
  const { everyMs, longestMs } = patient ?? usualGathering;
  const until = clock.now().getTime() + longestMs;
  let before = record;
  if (patient !== undefined) {
    await clock.pause(everyMs);
  }
  for (;;) {
    const latest = await gates.read(record.gateId);
    const isQuiet = latest.desiredRevision === before.desiredRevision;
    if (isQuiet || clock.now().getTime() >= until) {
      return latest;
    }
    before = latest;
    await clock.pause(everyMs);
  }
}

const usualGathering: Gathering = {
  everyMs: settleTimes.gatherEvery,
  longestMs: settleTimes.gatherLongest,
};

/**
 * How the step of a firewall waits for others; as usual where something is to be closed, and nothing is answered: that is begun no
 * earlier than it has to.
 */
export function gatheringOf(
  record: GateRecord,
  { changes }: GatePlan<GateRule>,
): Gathering | undefined {
  return changes.every(({ kind }) => kind === "put") ? gatheringFor(record) : undefined;
}
