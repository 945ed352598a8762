import { isDeepStrictEqual } from "node:util";
import { idKey } from "../../src/policy/resource-id.ts";
import type { GateRecord, GateStore } from "../../src/ports.ts";
import { changedIntent, tellsEndsOnly } from "../../src/rules/changed-intent.ts";
import type { DesiredWindow } from "../../src/rules/intent.ts";
import { afterUpdate, leadOf } from "../../src/rules/update-time.ts";

interface Gate {
  record: GateRecord;
  beat: number;
  completedBy?: string;
  /** Ends of windows that were taken away and are not proven gone yet. */
  owed: string[];
  /** By window id, the revision with which it last changed. */
  readonly changedAt: Map<string, number>;
}

/** Gates in memory; keeps the same promises as the store in Table Storage, shown by the same contract tests. */
export function createFakeGateStore(): GateStore {
  const gates = new Map<string, Gate>();

  const gateOf = (gateId: string): Gate => gates.get(idKey(gateId)) ?? newGate(gateId);
  const held = (gateId: string, holder: string): Gate | undefined => {
    const gate = gateOf(gateId);
    return gate.record.lease?.holder === holder ? gate : undefined;
  };

  return {
    read: async (gateId) => shown(gateOf(gateId)),

    async change(gateId, change) {
      const gate = gateOf(gateId);
      const before = gate.record;
      for (const window of [...(change.addWindows ?? []), ...(change.endWindows ?? [])]) {
        new Date(window.closesAt).toISOString();
      }
      const intent = copy(changedIntent(before.intent, copy(change)));
      if (sameIntent(intent, before.intent)) {
        return before.desiredRevision;
      }
      if (tellsEndsOnly(change)) {
        gate.record = { ...before, intent };
        return before.desiredRevision;
      }
      const desiredRevision = before.desiredRevision + 1;
      for (const window of intent.windows) {
        const old = before.intent.windows.find((each) => each.windowId === window.windowId);
        if (!isDeepStrictEqual(old, window)) {
          gate.changedAt.set(window.windowId, desiredRevision);
        }
      }
      const isStill = ({ windowId }: DesiredWindow) =>
        intent.windows.some((window) => window.windowId === windowId);
      for (const window of before.intent.windows.filter((each) => !isStill(each))) {
        gate.owed.push(window.closesAt);
      }
      gate.record = {
        ...before,
        intent,
        desiredRevision,
        results: resultsOf(before, intent.windows),
      };
      gates.set(idKey(gateId), gate);
      return desiredRevision;
    },

    async takeLease(gateId, holder, seen) {
      const gate = gateOf(gateId);
      const { lease } = gate.record;
      if (lease?.holder === holder) {
        return shown(gate);
      }
      if (lease !== undefined && !(seen?.holder === lease.holder && seen.beat === lease.beat)) {
        return undefined;
      }
      gate.beat += 1;
      delete gate.completedBy;
      gate.record = { ...gate.record, lease: { holder, beat: gate.beat } };
      gates.set(idKey(gateId), gate);
      return shown(gate);
    },

    async beat(gateId, holder, writing) {
      const gate = held(gateId, holder);
      if (gate !== undefined) {
        gate.beat += 1;
        gate.record = {
          ...gate.record,
          lease: { holder, beat: gate.beat },
          ...(writing === undefined ? {} : { isInterrupted: true, writing: copy(writing) }),
        };
      }
      return gate !== undefined;
    },

    async complete(gateId, holder, settlement) {
      const { revision, results, findings, expired, proven, proof, exposed = [] } = settlement;
      const gate = held(gateId, holder);
      if (gate === undefined) {
        const { completedBy } = gateOf(gateId);
        return completedBy === holder;
      }
      const record = withoutWork(gate.record);
      const isWhole = revision >= record.desiredRevision;
      const { leftovers, ...rest } = record.intent;
      const kept = isWhole || leftovers === undefined ? rest : { ...rest, leftovers };
      gate.owed = isWhole ? [] : gate.owed;
      const windows = record.intent.windows.filter(
        ({ windowId }) =>
          !expired.includes(windowId) || (gate.changedAt.get(windowId) ?? 0) > revision,
      );
      const all = { ...record, results: { ...record.results, ...copy(results) } };
      gate.completedBy = holder;
      gate.record = {
        ...record,
        intent: { ...kept, windows },
        proven: copy(proven),
        ...(proof === undefined ? {} : { proof }),
        ...(exposed.length === 0 ? {} : { exposed: copy(exposed) }),
        appliedRevision: Math.max(record.appliedRevision, revision),
        findings: copy(findings),
        results: resultsOf(all, windows),
      };
      return true;
    },

    async touches(gateId, holder, touched) {
      const gate = held(gateId, holder);
      if (gate !== undefined) {
        beatOf(gate, holder);
        gate.record = { ...gate.record, touched: copy(touched) };
      }
      return gate !== undefined;
    },

    async begin(gateId, holder, operation) {
      const gate = held(gateId, holder);
      if (gate !== undefined) {
        beatOf(gate, holder);
        gate.record = { ...gate.record, operation: copy(operation) };
      }
      return gate !== undefined;
    },

    async end(gateId, holder, tookMs) {
      const gate = held(gateId, holder);
      if (gate !== undefined) {
        beatOf(gate, holder);
        gate.record = afterUpdate(gate.record, tookMs);
      }
      return gate !== undefined;
    },

    async release(gateId, holder) {
      const gate = held(gateId, holder);
      if (gate !== undefined) {
        const { lease: _, ...record } = gate.record;
        gate.record = record;
      }
      return gate !== undefined;
    },

    async touch(gateId) {
      const gate = gateOf(gateId);
      const desiredRevision = gate.record.desiredRevision + 1;
      gate.record = { ...gate.record, desiredRevision };
      gates.set(idKey(gateId), gate);
      return desiredRevision;
    },

    async forget(gateId) {
      const { record } = gateOf(gateId);
      const isWanted = record.intent.denies.length + record.intent.windows.length > 0;
      const isBusy = record.lease !== undefined || record.appliedRevision < record.desiredRevision;
      if (isWanted || isBusy) {
        return false;
      }
      gates.delete(idKey(gateId));
      return true;
    },

    known: async () => [...gates.values()].map(shown),

    async unsettled(now) {
      return [...gates.values()]
        .map((gate) => gate.record)
        .filter(
          (record) =>
            record.appliedRevision < record.desiredRevision ||
            record.isInterrupted === true ||
            record.intent.windows.some(
              (window) => Date.parse(window.closesAt) - leadOf(record) <= now.getTime(),
            ),
        )
        .map((record) => record.gateId);
    },

    async overdue(before) {
      return [...gates.values()].flatMap(({ record, owed }) => {
        const ends = [...owed, ...record.intent.windows.map((window) => window.closesAt)];
        const [closesAt] = ends.filter((end) => Date.parse(end) <= before.getTime()).toSorted();
        return closesAt === undefined ? [] : [{ gateId: record.gateId, closesAt }];
      });
    },
  };
}

/** The record without what a settlement ends, or tells anew. */
function withoutWork(record: GateRecord): GateRecord {
  const { lease: _, isInterrupted: __, touched: ___, failures: ____, ...rest } = record;
  const { writing: _____, proof: ______, exposed: _______, ...kept } = rest;
  return kept;
}

function beatOf(gate: Gate, holder: string): void {
  gate.beat += 1;
  gate.record = { ...gate.record, lease: { holder, beat: gate.beat } };
}

/** The record as it is read, with the windows that nobody has settled as they are wanted now. */
function shown({ record, changedAt }: Gate): GateRecord {
  const waiting = record.intent.windows
    .map(({ windowId }) => windowId)
    .filter((id) => (changedAt.get(id) ?? 0) > record.appliedRevision);
  return copy(waiting.length === 0 ? record : { ...record, waiting });
}

function newGate(gateId: string): Gate {
  const intent = { denies: [], windows: [] };
  return {
    record: { gateId, intent, desiredRevision: 0, appliedRevision: 0, results: {}, findings: [] },
    beat: 0,
    owed: [],
    changedAt: new Map(),
  };
}

function sameIntent(one: GateRecord["intent"], other: GateRecord["intent"]): boolean {
  const sorted = (intent: GateRecord["intent"]) => ({
    denies: [...intent.denies].sort(by((deny) => idKey(deny.policyId) + idKey(deny.vmId))),
    windows: [...intent.windows].sort(by((window) => window.windowId)),
    leftovers: [...(intent.leftovers ?? [])].sort(by((leftover) => leftover.name)),
  });
  return isDeepStrictEqual(sorted(one), sorted(other));
}

function by<T>(key: (value: T) => string): (one: T, other: T) => number {
  return (one, other) => (key(one) < key(other) ? -1 : 1);
}

function resultsOf(record: GateRecord, windows: readonly DesiredWindow[]): GateRecord["results"] {
  return Object.fromEntries(
    Object.entries(record.results).filter(([id]) =>
      windows.some((window) => window.windowId === id),
    ),
  );
}

/** As it would come back from storage. */
function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}
