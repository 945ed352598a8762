import { idKey } from "../policy/resource-id.ts";
import type { GateLease, GateRecord } from "../ports.ts";
import { refused } from "../reasons.ts";
import { isFirewallGate } from "../rules/gate.ts";
import { surelyStillTakes } from "../rules/update-time.ts";
import { createSerial } from "./serial.ts";
import { stepFirewall } from "./step-firewall.ts";
import { type Settled, type SettlePorts, settleTimes, type UnderWay, underLease } from "./turn.ts";
import { writeUntilProven } from "./write-gate.ts";

/** As a revision: settle now, even if everything that was wanted has been applied before. Drops windows that are over. */
export const anew = Number.POSITIVE_INFINITY;

/** As a revision of a firewall: all that is wanted by now. */
export const latest = Number.MAX_SAFE_INTEGER;

export type Settle = (gateId: string, revision: number) => Promise<Settled>;

/**
 * Builds `settle`: brings a gate to its desired state up to a revision, by one writer at a time. Whoever gets the lease
 * settles for everybody who asked before it read; the others find their revision applied and are done without a call to
 * Azure. Safe to run twice, from any number of processes.
 */
export function createSettle(ports: SettlePorts): Settle {
  // Within one process the gate's settles queue up here, so that only one of them contends for the stored lease.
  const serial = createSerial();
  const seen = createSeen();
  return (gateId, revision) => {
    if (isFirewallGate(gateId)) {
      return serial(idKey(gateId), () => stepOnce(ports, seen, gateId, revision));
    }
    // The patience counts from the asking, not from the turn: who queues behind a stuck gate does not wait twice.
    const giveUpAt = ports.clock.now().getTime() + settleTimes.giveUpAfter;
    return serial(gateId, () => settleAlone(ports, { gateId, revision, giveUpAt }));
  };
}

interface Asking {
  readonly gateId: string;
  readonly revision: number;
  readonly giveUpAt: number;
}

async function settleAlone(ports: SettlePorts, asking: Asking): Promise<Settled> {
  const { gateId, revision, giveUpAt } = asking;
  const { clock, gates } = ports;
  let wanted = revision;
  let watched: Watched | undefined;
  let pause: number = settleTimes.pollFirst;
  for (;;) {
    // Looked at before the time: whoever queued too long may find that others have done it.
    const record = await gates.read(gateId);
    if (wanted !== anew && record.desiredRevision < wanted) {
      // The gate was let go meanwhile, and only what is settled is: it counts anew from there.
      wanted = record.desiredRevision;
    }
    if (record.appliedRevision >= wanted) {
      return { outcome: "settled", record };
    }
    if (clock.now().getTime() >= giveUpAt) {
      return notInTime(gateId);
    }
    watched = watch(watched, record.lease, clock.now().getTime());
    // NB. Each turn by a name of its own: facts are named after it, and one of a turn before would pass for the next one's.
    const holder = ports.ids.next();
    const taken = await takeLease(ports, record, holder, watched);
    if (taken !== undefined) {
      const outcome = await underLease(ports, { ...asking, holder }, (turn) =>
        writeUntilProven(ports, taken, turn),
      );
      if (typeof outcome === "object") {
        return outcome;
      }
      wanted = Math.max(wanted, outcome);
    }
    await clock.pause(pause);
    pause = Math.min(pause * 2, settleTimes.pollLongest);
  }
}

/** What this process remembers of firewalls between two steps. */
interface Seen {
  /** When it makes sense to look again, in milliseconds since 1970, and what was told then. */
  readonly notBefore: Map<string, { readonly at: number; readonly why: UnderWay["why"] }>;
  readonly watched: Map<string, Watched>;
}

const createSeen = (): Seen => ({ notBefore: new Map(), watched: new Map() });

/**
 * One step of a firewall, unless others have brought it to the revision, are at it, or have looked at it a moment ago: of fifty who
 * wait for the same update, one asks Azure how it goes, and the others come back when it should be over.
 */
async function stepOnce(
  ports: SettlePorts,
  { notBefore, watched }: Seen,
  gateId: string,
  revision: number,
): Promise<Settled> {
  const key = idKey(gateId);
  const record = await ports.gates.read(gateId);
  const wanted = revision === anew ? anew : Math.min(revision, record.desiredRevision);
  if (record.appliedRevision >= wanted) {
    return { outcome: "settled", record };
  }
  const now = ports.clock.now().getTime();
  const { at = now, why } = notBefore.get(key) ?? {};
  if (at > now) {
    const { operation } = record;
    const elapsedMs = operation === undefined ? Infinity : now - Date.parse(operation.startedAt);
    const retryAfterMs = Math.max(at - now, surelyStillTakes(record, elapsedMs));
    return { outcome: "under way", record, retryAfterMs, why };
  }
  const lease = watch(watched.get(key), record.lease, now);
  remember(watched, key, lease);
  const holder = ports.ids.next();
  const taken = await takeLease(ports, record, holder, lease);
  if (taken === undefined) {
    return { outcome: "under way", record, retryAfterMs: settleTimes.pollLongest };
  }
  const giveUpAt = now + settleTimes.giveUpAfter;
  const outcome = await underLease(ports, { gateId, holder, giveUpAt }, (turn) =>
    stepFirewall(ports, taken, turn),
  );
  const settled: Settled =
    typeof outcome === "object" ? outcome : again(await ports.gates.read(gateId));
  remember(notBefore, key, nextLook(settled, ports.clock.now().getTime()));
  return settled;
}

function nextLook(settled: Settled, now: number) {
  switch (settled.outcome) {
    case "settled":
      return undefined;
    case "under way":
      return { at: now + settled.retryAfterMs, why: settled.why };
    case "refused":
      return { at: now + settleTimes.afterRefusal, why: settled.reasons[0] };
  }
}

const again = (record: GateRecord): UnderWay => ({
  outcome: "under way",
  record,
  retryAfterMs: settleTimes.pollFirst,
});

function remember<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  if (value === undefined) {
    map.delete(key);
  } else {
    map.set(key, value);
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
    (lease?.quietForMs ?? 0) >= settleTimes.stalledAfter ||
    (watched !== undefined &&
      ports.clock.now().getTime() - watched.since >= settleTimes.stalledAfter);
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

function notInTime(gateId: string): Settled {
  const message = `'${gateId}' could not be brought to its rules within ${settleTimes.giveUpAfter / 1_000} seconds; it is tried again.`;
  return refused({ code: "NotSettledInTime", message, target: gateId });
}
