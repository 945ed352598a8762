import type { TableClient, TransactionAction } from "@azure/data-tables";
import { idKey } from "../policy/resource-id.ts";
import type { GateStore, IntentChange, Settlement } from "../ports.ts";
import { tellsEndsOnly } from "../rules/changed-intent.ts";
import { afterUpdate, leadOf } from "../rules/update-time.ts";
import type { GateWriting } from "../rules/writing.ts";
import type { Tables } from "./client.ts";
import { type Pause, unlessMissing, untilUndisturbed } from "./etag.ts";
import {
  applyChange,
  applySettlement,
  earliestRemoved,
  withoutLeftovers,
  withUpdates,
} from "./gate-changes.ts";
import { knownGates, overdueGates, type Reading, readGate, unsettledGates } from "./gate-reads.ts";
import {
  closingTime,
  entityRow,
  type GateMeta,
  type GateRows,
  metaRow,
  metaRowKey,
  never,
  nextClosesAt,
  readMeta,
  recordOf,
  type UpdatesRow,
  writingKey,
} from "./gate-rows.ts";
import { groupCommit } from "./group-commit.ts";
import { encodeId } from "./keys.ts";

/** An entity-group transaction takes 100 operations, one of which is the meta row's. A row takes a few KB, far from the 4 MiB in all. */
const mostRowsAtOnce = 99;

interface WantedChange {
  readonly gateId: string;
  readonly change: IntentChange;
}

/** Desired state per gate: one partition each, all of it under the ETag of its meta row. */
export function createGateStore(tables: Tables, pause: Pause): GateStore {
  const changeInTurn = groupCommit<WantedChange, number>(async (_key, group) => {
    const client = await tables.gates();
    const wanted = group.map((waiting) => waiting.input);
    const revision = await changeTogether(client, pause, wanted);
    for (const waiting of group) {
      waiting.resolve(revision);
    }
  });

  /** Reads the meta row and, if the lease is `holder`'s, writes it anew, with a write that begins; false when it is not. */
  const underLease = async (
    gateId: string,
    holder: string,
    next: (meta: GateMeta) => GateMeta,
    writing?: GateWriting,
  ) => {
    const client = await tables.gates();
    const partitionKey = encodeId(gateId);
    return untilUndisturbed(pause, async () => {
      const row = await unlessMissing(client.getEntity(partitionKey, metaRowKey));
      const meta = row && readMeta(row);
      if (row === undefined || meta?.leaseHolder !== holder) {
        return false;
      }
      const { nextClosesAt: closesAt } = row;
      const written = metaRow(partitionKey, next(meta), String(closesAt));
      if (writing === undefined) {
        await client.updateEntity(written, "Replace", { etag: row.etag });
      } else {
        const noted = entityRow(partitionKey, writingKey, { writing }, meta.desired);
        await client.submitTransaction([
          ["update", written, "Replace", { etag: row.etag }],
          ["upsert", noted, "Replace"],
        ]);
      }
      return true;
    });
  };

  /** As {@link underLease}, of the gate's updates. */
  const updatesUnderLease = async (
    gateId: string,
    holder: string,
    next: (updates: UpdatesRow["updates"]) => UpdatesRow["updates"],
  ) => {
    const client = await tables.gates();
    return untilUndisturbed(pause, async () => {
      const reading = await readGate(client, gateId);
      if (reading.meta.leaseHolder !== holder) {
        return false;
      }
      const rows = withUpdates(reading.rows, next);
      const { updateTimes } = recordOf(reading.meta, rows);
      const meta = {
        ...reading.meta,
        leaseBeat: reading.meta.leaseBeat + 1,
        beatAt: "",
        leadMs: leadOf({ gateId, updateTimes }),
      };
      const actions = difference(reading, rows, meta.desired);
      await write(client, reading, meta, actions, nextClosesAt(rows));
      return true;
    });
  };

  return {
    async read(gateId) {
      const { meta, rows, writtenAt, readAt } = await readGate(await tables.gates(), gateId);
      return recordOf(meta, rows, millisecondsBetween(meta.beatAt || writtenAt, readAt));
    },

    async change(gateId, change) {
      // Here, so that a window without a proper end fails alone and not with its group.
      for (const window of [...(change.addWindows ?? []), ...(change.endWindows ?? [])]) {
        closingTime(window);
      }
      return changeInTurn(idKey(gateId), { gateId, change });
    },

    async takeLease(gateId, holder, seen) {
      const client = await tables.gates();
      return untilUndisturbed(pause, async () => {
        const reading = await readGate(client, gateId);
        const { meta, rows } = reading;
        if (meta.leaseHolder === holder) {
          return recordOf(meta, rows);
        }
        if (
          meta.leaseHolder !== "" &&
          !(seen?.holder === meta.leaseHolder && seen.beat === meta.leaseBeat)
        ) {
          return undefined;
        }
        const taken = {
          ...meta,
          leaseHolder: holder,
          leaseBeat: meta.leaseBeat + 1,
          beatAt: "",
          completedBy: "",
        };
        await write(client, reading, taken, [], nextClosesAt(rows));
        return recordOf(taken, rows);
      });
    },

    beat: (gateId, holder, writing) =>
      underLease(
        gateId,
        holder,
        (meta) => ({
          ...meta,
          leaseBeat: meta.leaseBeat + 1,
          beatAt: "",
          isInterrupted: meta.isInterrupted || writing !== undefined,
        }),
        writing,
      ),

    async complete(gateId, holder, settlement) {
      const client = await tables.gates();
      return completeUnderLease(client, pause, gateId, holder, settlement);
    },

    touches: (gateId, holder, touched) =>
      updatesUnderLease(gateId, holder, (updates) => ({ ...updates, touched })),

    begin: (gateId, holder, operation) =>
      updatesUnderLease(gateId, holder, (updates) => ({ ...updates, operation })),

    end: (gateId, holder, tookMs) =>
      updatesUnderLease(gateId, holder, (updates) => afterUpdate(updates, tookMs)),

    release: (gateId, holder) =>
      underLease(gateId, holder, (meta) => ({ ...meta, leaseHolder: "" })),

    async touch(gateId) {
      const client = await tables.gates();
      return untilUndisturbed(pause, async () => {
        const reading = await readGate(client, gateId);
        const meta = { ...keptBeat(reading), desired: reading.meta.desired + 1 };
        await write(client, reading, meta, [], nextClosesAt(reading.rows));
        return meta.desired;
      });
    },

    async forget(gateId) {
      const client = await tables.gates();
      return untilUndisturbed(pause, async () => {
        const reading = await readGate(client, gateId);
        const { meta, etag, rows, partitionKey } = reading;
        const isWanted = [...rows.values()].some((row) => "deny" in row || "window" in row);
        if (isWanted || meta.leaseHolder !== "" || meta.applied < meta.desired) {
          return false;
        }
        if (etag !== undefined) {
          // A transaction cannot delete under an ETag: it marks the meta row, which then goes by itself.
          const none = difference(reading, new Map(), meta.desired);
          const written = await write(client, reading, meta, none, never);
          await client.deleteEntity(partitionKey, metaRowKey, { etag: written });
        }
        return true;
      });
    },

    known: async () => knownGates(await tables.gates()),
    unsettled: async (now) => unsettledGates(await tables.gates(), now),
    overdue: async (before) => overdueGates(await tables.gates(), before),
  };
}

/** Carries out the changes of a group in order; answers a revision that covers all of them. */
async function changeTogether(
  client: TableClient,
  pause: Pause,
  wanted: readonly WantedChange[],
): Promise<number> {
  const [{ gateId } = { gateId: "" }] = wanted;
  const isAboutRules = !wanted.every(({ change }) => tellsEndsOnly(change));
  for (;;) {
    const done = await untilUndisturbed(pause, async () => {
      const reading = await readGate(client, gateId);
      const next = wanted.reduce((rows, { change }) => applyChange(rows, change), reading.rows);
      const removed = earliestRemoved(reading.rows, next);
      const meta = {
        ...keptBeat(reading),
        desired: reading.meta.desired + (isAboutRules ? 1 : 0),
        owedSince: removed < reading.meta.owedSince ? removed : reading.meta.owedSince,
      };
      const actions = difference(reading, next, meta.desired);
      if (actions.length === 0) {
        return reading.meta.desired;
      }
      const all = actions.length <= mostRowsAtOnce;
      const ends = all ? nextClosesAt(next) : nextClosesAt(reading.rows, next);
      await write(client, reading, meta, actions.slice(0, mostRowsAtOnce), ends);
      return all ? meta.desired : undefined;
    });
    if (done !== undefined) {
      return done;
    }
  }
}

async function completeUnderLease(
  client: TableClient,
  pause: Pause,
  gateId: string,
  holder: string,
  settlement: Settlement,
): Promise<boolean> {
  for (;;) {
    const done = await untilUndisturbed(pause, async () => {
      const reading = await readGate(client, gateId);
      const { meta, rows } = reading;
      if (meta.leaseHolder !== holder) {
        return meta.completedBy === holder;
      }
      // NB. What was wanted after the settler had read is not proven by it: its debts and leftovers stay.
      const isWhole = settlement.revision >= meta.desired;
      const settled = applySettlement(rows, settlement);
      const next = isWhole ? withoutLeftovers(settled) : settled;
      const actions = difference(reading, next, meta.desired);
      if (actions.length > mostRowsAtOnce) {
        // The lease is kept and the applied revision waits until the last of the results is written.
        await write(client, reading, meta, actions.slice(0, mostRowsAtOnce), nextClosesAt(rows));
        return undefined;
      }
      const applied = Math.max(meta.applied, settlement.revision);
      const completed = {
        ...meta,
        applied,
        leaseHolder: "",
        completedBy: holder,
        isInterrupted: false,
        provenAt: settlement.proof?.readAt ?? "",
        provenEtag: settlement.proof?.etag ?? "",
        owedSince: isWhole ? never : meta.owedSince,
      };
      await write(client, reading, completed, actions, nextClosesAt(next));
      return true;
    });
    if (done !== undefined) {
      return done;
    }
  }
}

/** The meta row for a write that is no sign of life of the lease's holder: it remembers when the last one was. */
function keptBeat({ meta, writtenAt }: Reading): GateMeta {
  return meta.leaseHolder === "" ? meta : { ...meta, beatAt: meta.beatAt || writtenAt };
}

/** Nothing where one of the times cannot be read. */
function millisecondsBetween(from: string, to: string): number | undefined {
  const passed = Date.parse(to) - Date.parse(from);
  return Number.isNaN(passed) ? undefined : Math.max(passed, 0);
}

/** What turns the rows that were read into the next ones. Puts come before removals, so that new deny rules are there before the ones they replace go. */
function difference(
  reading: Reading,
  next: GateRows,
  revision: number,
): readonly TransactionAction[] {
  const { partitionKey, rows } = reading;
  const puts = [...next].flatMap(([rowKey, row]): TransactionAction[] =>
    rows.get(rowKey) === row
      ? []
      : [["upsert", entityRow(partitionKey, rowKey, row, revision), "Replace"]],
  );
  const removals = [...rows.keys()].flatMap((rowKey): TransactionAction[] =>
    next.has(rowKey) ? [] : [["delete", { partitionKey, rowKey }]],
  );
  return [...puts, ...removals];
}

/** One entity-group transaction, or nothing when the partition has changed since it was read; answers the meta row's new ETag. */
async function write(
  client: TableClient,
  { partitionKey, etag }: Reading,
  meta: GateMeta,
  actions: readonly TransactionAction[],
  closesAt: string,
): Promise<string> {
  const row = metaRow(partitionKey, meta, closesAt);
  const guarded: TransactionAction =
    etag === undefined ? ["create", row] : ["update", row, "Replace", { etag }];
  const { subResponses } = await client.submitTransaction([guarded, ...actions]);
  return subResponses[0]?.etag ?? "";
}
