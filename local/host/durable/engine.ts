import { randomUUID } from "node:crypto";
import type { App, HostClock, HostLog } from "../app.ts";
import { type ChildCall, Dispatcher } from "./dispatch.ts";
import { type NewEvent, newEvent, type ParentLink } from "./history.ts";
import { Instances, type Opened } from "./instances.ts";
import type { LiveInstance, Message } from "./live-instance.ts";
import { Persistence } from "./persistence.ts";
import { type DurableStore, hasEnded, type InstanceRow } from "./store.ts";
import { type TurnResult, takeTurn } from "./turn.ts";
import { Work } from "./work.ts";

/** Ways for tests to make the world unkind. */
export interface Chaos {
  /** The queue in another order, with doubles, or less of it. At least one message must be left. */
  order?(queue: readonly Message[]): readonly Message[];
  /** How often an activity runs instead of once. */
  activityRuns?(name: string): number;
}

export interface NewInstance {
  readonly instanceId: string;
  readonly name: string;
  readonly version?: string;
  /** JSON text. */
  readonly input: string | null;
}

export interface EngineOptions {
  readonly store: DurableStore;
  readonly app: App;
  readonly clock: HostClock;
  readonly log: HostLog;
  readonly chaos: Chaos;
}

/**
 * Runs orchestrations: one turn at a time per instance, many instances at once. A turn is committed by ONE write of its history; the row
 * follows it, and everything else (activities, timers, children, what a parent is told) is derived from histories, so it needs no write of
 * its own and a restart finds it again. Only what comes from outside is stored as a message, and removed last.
 */
export class Engine {
  readonly instances: Instances;
  readonly #store: DurableStore;
  readonly #app: App;
  readonly #clock: HostClock;
  readonly #log: HostLog;
  readonly #chaos: Chaos;
  readonly #work = new Work();
  readonly #persistence: Persistence;
  readonly #dispatcher: Dispatcher;
  #lastKey = 0;

  constructor({ store, app, clock, log, chaos }: EngineOptions) {
    this.#store = store;
    this.#app = app;
    this.#clock = clock;
    this.#log = log;
    this.#chaos = chaos;
    this.#persistence = new Persistence(clock, log);
    this.instances = new Instances(store, this.#work, this.#persistence);
    this.#dispatcher = new Dispatcher({
      app,
      clock,
      work: this.#work,
      activityRuns: (name) => chaos.activityRuns?.(name) ?? 1,
      deliver: (instanceId, message) => this.#deliver(instanceId, message),
      openChild: (parent, call) => this.#openChild(parent, call),
    });
  }

  /** Takes up what an earlier process left. */
  async resume(): Promise<void> {
    await this.instances.load();
    for (const message of await this.#store.inbox()) {
      const instance = this.instances.find(message.instanceId);
      if (instance) instance.queue.push({ key: message.key, event: message.event });
      else this.instances.tidy(this.#store.ack(message.instanceId, [message.key]));
    }
    const { open } = this.instances;
    if (open.length > 0) this.#log("information", `Resuming ${open.length} orchestrations.`);
    for (const instance of open) this.#dispatcher.resume(instance);
    for (const instance of open) this.#pump(instance);
  }

  /** Resolves when nothing runs and nothing is about to: only timers and the outside can start work. */
  quiet(): Promise<void> {
    return this.#work.quiet();
  }

  /** Waits for running activities and stores what they answered; starts nothing new. */
  async stop(): Promise<void> {
    this.#persistence.isStopping = true;
    for (const { timers } of this.instances.open) for (const cancel of timers.values()) cancel();
    await this.#work.quiet();
  }

  /** The instance in the way, if an open one has that id; an ended one is replaced, with its history. */
  async start(instance: NewInstance): Promise<InstanceRow | undefined> {
    const opened = await this.#work.track(this.#open(this.#newRow(instance, null), () => true));
    return "inWay" in opened ? opened.inWay : undefined;
  }

  /** Stores a message for an open instance, then lets it act. */
  send(instanceId: string, event: NewEvent): Promise<"accepted" | "ended" | "unknown"> {
    return this.#work.track(this.#send(instanceId, event));
  }

  async #send(instanceId: string, event: NewEvent): Promise<"accepted" | "ended" | "unknown"> {
    const row = await this.instances.row(instanceId);
    if (!row) return "unknown";
    if (hasEnded(row.runtimeStatus)) return "ended";
    const key = this.#nextKey();
    await this.#store.enqueue({ key, instanceId, event });
    if (this.instances.find(instanceId)) this.#deliver(instanceId, { key, event });
    else this.instances.tidy(this.#store.ack(instanceId, [key]));
    return "accepted";
  }

  async #open(row: InstanceRow, mayReplace: (old: InstanceRow) => boolean): Promise<Opened> {
    const opened = await this.instances.make(row, mayReplace);
    const instance = "made" in opened ? opened.made : opened.adopted;
    if (instance) {
      instance.isBusy = false;
      this.#dispatcher.resume(instance);
      this.#pump(instance);
    }
    return opened;
  }

  /** Starts a child, or looks what became of it when it was started before. */
  async #openChild(parent: LiveInstance, call: ChildCall): Promise<void> {
    const { instanceId, executionId } = parent.row;
    const link = { instanceId, executionId, taskId: call.id };
    const isOurs = (row: InstanceRow) => isSameLink(row.parent, link);
    const opened = await this.#persistence.retrying(() =>
      this.#open(this.#newRow(call, link), (old) => !isOurs(old)),
    );
    if ("made" in opened) return;
    const { inWay } = opened;
    if (isOurs(inWay)) this.#tellParent(inWay);
    else this.#deliver(instanceId, { executionId, event: refusedChild(call.id, inWay) });
  }

  #newRow(
    { instanceId, name, version, input }: NewInstance,
    parent: ParentLink | null,
  ): InstanceRow {
    const now = this.#clock.now().toISOString();
    return {
      instanceId,
      name,
      version: version ?? "",
      executionId: newExecutionId(),
      runtimeStatus: "Pending",
      input,
      output: null,
      customStatus: null,
      createdAt: now,
      updatedAt: now,
      parent,
      consumed: [],
    };
  }

  #deliver(instanceId: string, message: Message): void {
    const instance = this.instances.find(instanceId);
    if (!instance) return;
    instance.queue.push(message);
    this.#pump(instance);
  }

  #pump(instance: LiveInstance): void {
    if (instance.isBusy || !instance.hasWork) return;
    instance.isBusy = true;
    void this.#work.track(this.#run(instance));
  }

  async #run(instance: LiveInstance): Promise<void> {
    while (instance.hasWork && !(this.#isStopping && instance.turn === 0)) {
      await this.#persistence.retrying(() => this.#turn(instance));
    }
    instance.isBusy = false;
  }

  async #turn(instance: LiveInstance): Promise<void> {
    const batch = instance.nextBatch((queue) => this.#chaos.order?.(queue) ?? queue);
    if (batch.taken.length === 0 && instance.turn > 0) {
      instance.forget(batch);
    } else {
      const result = await takeTurn(this.#app, instance, batch, this.#clock.now());
      this.#note(instance, result);
      if (result.outcome.kind === "continuedAsNew") {
        instance.forget(batch);
        await this.#startOver(instance, result.outcome.input, result.row);
      } else {
        const { instanceId, executionId } = instance.row;
        await this.#store.putTurn(instanceId, executionId, instance.turn, result.events);
        instance.finish(batch, result.events, result.row);
        this.#follow(instance, result);
      }
    }
    this.instances.ack(instance);
  }

  /** After the commit: the row, then what was scheduled; at the end, the parent. */
  #follow(instance: LiveInstance, { calls, cancelledTimers }: TurnResult): void {
    this.instances.save(instance);
    if (instance.isOver) {
      instance.end();
      this.#tellParent(instance.row);
      return;
    }
    this.#dispatcher.cancelTimers(instance, cancelledTimers);
    const cancelled = new Set(cancelledTimers);
    const wanted = calls.filter((call) => !cancelled.has(call.id));
    if (!this.#isStopping) this.#dispatcher.begin(instance, wanted);
  }

  /** The row alone says which execution counts, so switching it is the commit; it also says which messages are spent. */
  async #startOver(instance: LiveInstance, input: string | null, next: InstanceRow): Promise<void> {
    await instance.saving;
    const executionId = newExecutionId();
    const consumed = [...instance.unacked];
    const row = { ...next, createdAt: next.updatedAt, executionId, input, consumed };
    await this.#store.put(row);
    instance.startOver(row);
    this.instances.tidy(this.#store.dropHistory(row.instanceId, next.executionId));
  }

  #tellParent({ parent, runtimeStatus, output }: InstanceRow): void {
    if (!parent || !hasEnded(runtimeStatus)) return;
    const TaskScheduledId = parent.taskId;
    const event =
      runtimeStatus === "Completed"
        ? newEvent("SubOrchestrationInstanceCompleted", { TaskScheduledId, Result: output })
        : failedChild(TaskScheduledId, String(JSON.parse(output ?? "null")));
    this.#deliver(parent.instanceId, { executionId: parent.executionId, event });
  }

  #note({ row }: LiveInstance, { outcome, warning }: TurnResult): void {
    const who = `Orchestration ${row.name} (${row.instanceId})`;
    if (warning) this.#log("warning", `${who} ${warning}.`);
    else this.#log("debug", `${who}: ${outcome.kind}.`);
  }

  get #isStopping(): boolean {
    return this.#persistence.isStopping;
  }

  /** Sorts by the time of arrival, also across restarts. */
  #nextKey(): string {
    this.#lastKey = Math.max(this.#lastKey + 1, Date.now() * 1_000);
    return `${this.#lastKey.toString(16).padStart(16, "0")}-${randomUUID().slice(0, 8)}`;
  }
}

function newExecutionId(): string {
  return randomUUID().replaceAll("-", "");
}

function refusedChild(taskId: number, { runtimeStatus }: InstanceRow): NewEvent {
  const reason = `An Orchestration instance with the status ${runtimeStatus} already exists.`;
  return failedChild(taskId, reason);
}

function failedChild(TaskScheduledId: number, Reason: string): NewEvent {
  return newEvent("SubOrchestrationInstanceFailed", { TaskScheduledId, Reason, Details: "" });
}

function isSameLink(a: ParentLink | null, b: ParentLink): boolean {
  return a?.instanceId === b.instanceId && a.executionId === b.executionId && a.taskId === b.taskId;
}
