import {
  completedTask,
  eventTypes,
  type HistoryEvent,
  type NewEvent,
  newEvent,
} from "./history.ts";
import { hasEnded, type InstanceRow } from "./store.ts";

/** Something that happened to an instance: one of its tasks is over, or a stored message (named by `key`) came from outside. */
export type Message =
  | { readonly event: NewEvent; readonly executionId: string; readonly key?: never }
  | { readonly event: NewEvent; readonly key: string; readonly executionId?: never };

/** What one turn takes from the queue, and what it throws away as doubles or as meant for an earlier execution. */
export interface Batch {
  readonly taken: readonly Message[];
  readonly dropped: readonly Message[];
  readonly pausesAfter: boolean;
}

/** One open instance in memory: its row, its whole history and what waits for its next turn. Knows no store and no clock. */
export class LiveInstance {
  row: InstanceRow;
  past: HistoryEvent[] = [];
  /** Number of the next turn of this execution. */
  turn = 0;
  queue: Message[] = [];
  /** True while a turn runs or the instance is being made: no second turn starts. */
  isBusy = false;
  /** Stored messages taken up but perhaps not yet removed. */
  readonly unacked: Set<string>;
  /** Ways to cancel the pending timers, by their ids. */
  readonly timers = new Map<number, () => void>();
  /** The write of the row that is under way; it writes the row as it is by then. */
  saving: Promise<void> | undefined;
  /** A write that has not begun yet will include whatever the row becomes until then. */
  hasUnsavedRow = false;
  #seen = new Set<string>();

  constructor(row: InstanceRow) {
    this.row = row;
    this.unacked = new Set(row.consumed);
    this.#seen = new Set(row.consumed);
  }

  get isOver(): boolean {
    return hasEnded(this.row.runtimeStatus);
  }

  get isPaused(): boolean {
    return this.row.runtimeStatus === "Suspended";
  }

  get hasWork(): boolean {
    if (this.isOver) return false;
    if (this.turn === 0 && !this.isPaused) return true;
    return this.queue.some(({ event }) => !this.isPaused || isControl(event));
  }

  /** Changes nothing: the turn may fail and be tried again. */
  nextBatch(order: (queue: readonly Message[]) => readonly Message[]): Batch {
    const seen = new Set(this.#seen);
    const taken: Message[] = [];
    const dropped: Message[] = [];
    let pausesAfter = this.isPaused;
    for (const message of order(this.queue)) {
      const mark = this.#markOf(message);
      if (mark === undefined || seen.has(mark)) {
        dropped.push(message);
      } else if (!pausesAfter || isControl(message.event)) {
        seen.add(mark);
        taken.push(message);
        pausesAfter = pauses(message.event) ?? pausesAfter;
        if (endsBatch(message.event)) break;
      }
    }
    return { taken, dropped, pausesAfter };
  }

  /** The events of a turn at `now`: what starts it, the execution's start if this is its first, what it takes up. */
  begin(batch: Batch, now: Date): HistoryEvent[] {
    const timestamp = new Date(this.#turnTimeMs(batch, now)).toISOString();
    const start = this.turn === 0 ? [this.#started()] : [];
    const events = batch.taken.map(({ event, key }) =>
      key === undefined ? event : { ...event, MessageKey: key },
    );
    return [newEvent("OrchestratorStarted", {}), ...start, ...events].map((event) => ({
      ...event,
      Timestamp: timestamp,
    }));
  }

  /** The turn is on record: its messages leave the queue, its events are past. */
  finish(batch: Batch, events: readonly HistoryEvent[], row: InstanceRow): void {
    this.forget(batch);
    this.remember(events);
    this.turn++;
    this.row = row;
  }

  /** What still waits comes too late. */
  end(): void {
    this.#cancelTimers();
    this.forget({ taken: this.queue, dropped: [], pausesAfter: false });
  }

  forget({ taken, dropped }: Batch): void {
    const gone = new Set<Message>([...taken, ...dropped]);
    this.queue = this.queue.filter((message) => !gone.has(message));
    for (const { key } of gone) if (key !== undefined) this.unacked.add(key);
  }

  remember(events: readonly HistoryEvent[]): void {
    this.past.push(...events);
    for (const event of events) {
      const task = completedTask(event);
      if (task !== undefined) this.#seen.add(`task ${task}`);
      if (event.MessageKey !== undefined) this.#seen.add(event.MessageKey);
    }
  }

  /** Takes up what an earlier process stored. History counts where the row is behind it. */
  restore(turns: readonly (readonly HistoryEvent[])[]): void {
    this.remember(turns.flat());
    this.turn = turns.length;
    const last = this.past.at(-1);
    if (last) this.row = { ...this.row, ...statusOf(this.past, last) };
  }

  /** Starts over as a new execution; what waits in the queue from outside stays. */
  startOver(row: InstanceRow): void {
    this.#cancelTimers();
    this.row = row;
    this.past = [];
    this.turn = 0;
    this.#seen = new Set(row.consumed);
  }

  #cancelTimers(): void {
    for (const cancel of this.timers.values()) cancel();
    this.timers.clear();
  }

  /** By what a double is known; undefined for what was meant for another execution. */
  #markOf({ event, executionId, key }: Message): string | undefined {
    if (key !== undefined) return key;
    return executionId === this.row.executionId ? `task ${completedTask(event)}` : undefined;
  }

  #started(): NewEvent {
    const { name, version, input, instanceId, executionId } = this.row;
    return newEvent("ExecutionStarted", {
      Name: name,
      Version: version,
      Input: input,
      Tags: null,
      OrchestrationInstance: { InstanceId: instanceId, ExecutionId: executionId },
      ParentInstance: null,
    });
  }

  /** Never before the turn before, nor before a timer it takes up was due: a long timer would be armed again. */
  #turnTimeMs({ taken }: Batch, now: Date): number {
    const due = taken.flatMap(({ event }) =>
      event.EventType === eventTypes.TimerFired ? [Date.parse(event.FireAt)] : [],
    );
    const last = this.past.at(-1);
    return Math.max(now.getTime(), last ? Date.parse(last.Timestamp) : 0, ...due);
  }
}

function statusOf(past: readonly HistoryEvent[], last: HistoryEvent): Partial<InstanceRow> {
  if (last.EventType === eventTypes.ExecutionCompleted) {
    const { OrchestrationStatus: runtimeStatus, Result: output, CustomStatus: customStatus } = last;
    return { runtimeStatus, output, customStatus, updatedAt: last.Timestamp };
  }
  const isPaused = past.reduce((paused, event) => pauses(event) ?? paused, false);
  return { runtimeStatus: isPaused ? "Suspended" : "Running", updatedAt: last.Timestamp };
}

function isControl(event: NewEvent): boolean {
  return pauses(event) !== undefined || event.EventType === eventTypes.ExecutionTerminated;
}

function pauses(event: NewEvent): boolean | undefined {
  if (event.EventType === eventTypes.ExecutionSuspended) return true;
  if (event.EventType === eventTypes.ExecutionResumed) return false;
  return undefined;
}

/** What waited during a pause comes in its old order, so a resume is taken up alone; after an end nothing counts. */
function endsBatch(event: NewEvent): boolean {
  return (
    event.EventType === eventTypes.ExecutionResumed ||
    event.EventType === eventTypes.ExecutionTerminated
  );
}
