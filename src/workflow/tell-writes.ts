import { isDeepStrictEqual } from "node:util";
import { exposureFacts } from "../activity/exposure.ts";
import type { Fact } from "../activity/fact.ts";
import { writeAsked, writeTold } from "../activity/gate-facts.ts";
import { repairFacts } from "../activity/repair-facts.ts";
import { idKey } from "../policy/resource-id.ts";
import type { GateReading, GateRecord, Settlement } from "../ports.ts";
import type { Reason } from "../reasons.ts";
import { foundBeside } from "../rules/drift.ts";
import { type Gate, type GateRule, gateTitle, isFirewallGate } from "../rules/gate.ts";
import type { GatePlan } from "../rules/nsg-plan.ts";
import { isOwned } from "../rules/owned.ts";
import { vmsOfRecord } from "../rules/rule-vms.ts";
import {
  carriedOut,
  type GateProof,
  type GateWriting,
  proofOf,
  type WrittenVm,
  writtenVms,
} from "../rules/writing.ts";
import { printOf, settledRecord } from "./settlement.ts";
import { type Settled, type SettlePorts, settleTimes, type Turn } from "./turn.ts";

/** Notes what a plan puts right that was not brought about by us. It is told with the write. */
export function noteFound(
  { ids, log }: SettlePorts,
  taken: GateRecord,
  turn: Turn,
  { gate }: GateReading,
  plan: GatePlan<GateRule>,
): void {
  if (turn.hasWritten) {
    // Differences from what was proven are from now on our own work, or half of it.
    return;
  }
  turn.found = foundBeside(taken, gate, plan, (rule) => printOf(ids, rule));
  if (turn.found.length > 0) {
    log.gateRepaired({ gateId: taken.gateId, found: turn.found.map((one) => one.code) });
  }
}

/**
 * Shows the lease, stores what is going to be written, and tells it. Only then may it be sent: false when the lease is lost.
 * NB. In this order: what is stored and not told is told by whoever comes next as not carried out; what is told has its end told,
 * whatever becomes of this process; and nothing is written that was not told.
 */
export async function announce(
  ports: SettlePorts,
  record: GateRecord,
  turn: Turn,
  reading: GateReading,
  plan: GatePlan<GateRule>,
): Promise<boolean> {
  const { activity, clock, gates, owner } = ports;
  const { gateId } = record;
  const writing = writingOf(ports, record, turn, reading, plan);
  await tellBefore(ports, record, turn, reading, writing);
  const shownAt = clock.now().getTime();
  if (!(await gates.beat(gateId, turn.holder, writing))) {
    turn.isLost = true;
    return false;
  }
  turn.writing = writing;
  const { gate, etag } = reading;
  const at = clock.now();
  const repairs = turn.hasWritten ? [] : turn.found;
  await activity.record([
    ...repairFacts(record, owner, repairs, { id: turn.repairId, outcome: "asked", at, faults: [] }),
    ...writeAsked(writing, { gate, etag, changes: plan.changes, at }),
  ]);
  // NB. Nobody writes who cannot show the lease: where the telling took long, it is asked for again.
  const isLongAgo = clock.now().getTime() - shownAt > settleTimes.shownLongAgo;
  if (turn.isLost || (isLongAgo && !(await gates.beat(gateId, turn.holder)))) {
    turn.isLost = true;
  }
  return !turn.isLost;
}

/** NB. A write that is the same as one that came to nothing is that one, tried once more: it is not told a hundred times. */
function writingOf(
  { ids, owner }: SettlePorts,
  record: GateRecord,
  turn: Turn,
  { gate }: GateReading,
  { changes }: GatePlan<GateRule>,
): GateWriting {
  const { put = [], removed = [] } = record.touched ?? {};
  const vms = writtenVms({
    gate,
    changes,
    again: [...put, ...removed],
    vmIdOf: vmsOfRecord(owner, { ...record, writing: turn.writing }),
    printOf: (rule) => printOf(ids, rule),
  });
  if (turn.writing !== undefined && isDeepStrictEqual(turn.writing.vms, vms)) {
    return turn.writing;
  }
  turn.told += 1;
  return { id: `${turn.holder}-${turn.told}`, vms };
}

/** What became of the write before, where this is another: by what is there to read. */
async function tellBefore(
  ports: SettlePorts,
  record: GateRecord,
  turn: Turn,
  reading: GateReading,
  next: GateWriting,
): Promise<void> {
  if (turn.writing === undefined || turn.writing.id === next.id) {
    return;
  }
  const { owner } = ports;
  const rules: readonly GateRule[] = reading.gate.rules;
  const vmIdOf = vmsOfRecord(owner, { ...record, writing: turn.writing });
  const standing = rules
    .filter((rule) => isOwned(rule, owner))
    .map((rule) => ({ name: rule.name, vmId: vmIdOf(rule.name, rule) }));
  await ports.activity.record(
    outcomes(ports, turn.writing, {
      gateId: record.gateId,
      // NB. After an update that failed the rules may be there to read, and not in effect.
      gate: reading.isFailed === true ? undefined : reading.gate,
      proof: proofOf(turn.readAt, reading.etag),
      standing,
      reasons: [notCarriedOut(record)],
      by: turn,
    }),
  );
}

interface Outcome {
  readonly gateId: string;
  /** Nothing where what is there to read proves nothing. */
  readonly gate: Gate | undefined;
  readonly proof: GateProof | undefined;
  /** Our rules there. */
  readonly standing: readonly { readonly name: string; readonly vmId?: string | undefined }[];
  /** Why what is not there is not. */
  readonly reasons: readonly Reason[];
  /** Who tells. */
  readonly by: Turn;
}

/** `done` for each VM of which everything is as it was to be written, `failed` for the others. */
function outcomes(
  { clock, ids }: SettlePorts,
  writing: GateWriting,
  { gateId, gate, proof, standing, reasons, by }: Outcome,
): readonly Fact[] {
  const at = clock.now();
  const done: ReadonlySet<WrittenVm> =
    gate === undefined ? new Set() : carriedOut(writing, gate, (rule) => printOf(ids, rule));
  const failed = new Set(writing.vms.filter((vm) => !done.has(vm)));
  const byVm = Map.groupBy(standing, ({ vmId = "" }) => idKey(vmId));
  const rulesOf = ({ vmId = "" }: WrittenVm) => (byVm.get(idKey(vmId)) ?? []).map(nameOf);
  const told = { gateId, at, proof };
  // NB. Of a turn that died before it told, a write that had nothing to change is there to read: it is not told as done and never as asked.
  const isOfOther = !writing.id.startsWith(`${by.holder}-`);
  const untold = gate !== undefined && isOfOther && done.size > 0;
  return [
    ...(untold ? writeAsked(writing, { gate, etag: proof?.etag ?? "", changes: [], at }) : []),
    ...writeTold(writing, { ...told, outcome: "done", vms: done, standing: rulesOf }),
    ...writeTold(writing, { ...told, outcome: "failed", vms: failed, reasons }),
  ];
}

const nameOf = ({ name }: { readonly name: string }): string => name;

const notCarriedOut = ({ gateId }: GateRecord): Reason => ({
  code: "WriteNotCarriedOut",
  message: `${gateTitle(gateId)} does not show what was to be written: that was cut off, or something else took its place.`,
  target: gateId,
});

/** Tells that what was asked for last has failed: what was found is not put right, and what was to be written is not proven. */
export async function tellFailed(
  { activity, clock, owner }: SettlePorts,
  taken: GateRecord,
  turn: Turn,
  reason: Reason,
): Promise<void> {
  const at = clock.now();
  const { gateId } = taken;
  const faults = [reason];
  const facts = [
    ...repairFacts(taken, owner, turn.found, { id: turn.repairId, outcome: "failed", at, faults }),
    ...(turn.writing === undefined
      ? []
      : writeTold(turn.writing, {
          gateId,
          at,
          outcome: "failed",
          vms: surelyFailed(turn.writing, gateId),
          reasons: faults,
        })),
  ];
  if (facts.length > 0) {
    await activity.record(facts);
  }
}

/** NB. Of a group, rules that only go are taken away although the whole is refused: of those VMs the next reading tells. */
function surelyFailed({ vms }: GateWriting, gateId: string): ReadonlySet<WrittenVm> {
  const isOne = vms.flatMap(({ rules }) => rules).length === 1;
  return new Set(
    isOne || isFirewallGate(gateId)
      ? vms
      : vms.filter(({ rules }) => rules.some(({ after }) => after !== undefined)),
  );
}

/** Tells what was put right, written and found, and records the settlement. `gate` is what was read; nothing where it is gone. */
export async function complete(
  ports: SettlePorts,
  taken: GateRecord,
  turn: Turn,
  settlement: Settlement,
  gate?: Gate,
): Promise<Settled | "again"> {
  const { activity, clock, gates, owner } = ports;
  const at = clock.now();
  const facts = [
    ...repairFacts(taken, owner, turn.found, {
      id: turn.repairId,
      outcome: "done",
      at,
      faults: [],
    }),
    ...writesSettled(ports, taken, turn, settlement, gate),
    ...exposuresSettled(ports, taken, settlement, at),
  ];
  // NB. The audit first: once the settlement is stored nobody looks at what it was to tell.
  if (facts.length > 0) {
    await activity.record(facts);
  }
  const isRecorded = await gates.complete(taken.gateId, turn.holder, settlement);
  // A lost lease means that another writer is at work on a newer reading: look again.
  return isRecorded ? { outcome: "settled", record: settledRecord(taken, settlement) } : "again";
}

function writesSettled(
  ports: SettlePorts,
  taken: GateRecord,
  turn: Turn,
  { proof, proven, findings }: Settlement,
  gate: Gate | undefined,
): readonly Fact[] {
  const { writing } = turn;
  if (writing === undefined) {
    return [];
  }
  const { gateId } = taken;
  const reasons = gate === undefined ? findings : [notCarriedOut(taken)];
  return outcomes(ports, writing, { gateId, gate, proof, standing: proven, reasons, by: turn });
}

function exposuresSettled(
  { ids }: SettlePorts,
  { gateId, proof, exposed = [], intent }: GateRecord,
  settlement: Settlement,
  at: Date,
): readonly Fact[] {
  return exposureFacts({
    on: { gateId, proof: settlement.proof },
    before: exposed,
    after: settlement.exposed ?? [],
    since: JSON.stringify(proof ?? ["first", settlement.proof?.etag]),
    at,
    portsOf: (vmId) => [
      ...new Set(
        intent.denies
          .filter((deny) => idKey(deny.vmId) === idKey(vmId))
          .flatMap(({ ports }) => ports),
      ),
    ],
    digest: ids.digest,
  });
}
