import type { HistoryEvent } from "./history.ts";
import { LiveInstance } from "./live-instance.ts";
import type { Persistence } from "./persistence.ts";
import { type DurableStore, hasEnded, type InstanceRow } from "./store.ts";
import type { Work } from "./work.ts";

/** What came of opening an instance: it was made, or another of that id is in the way. */
export type Opened =
  | { readonly made: LiveInstance }
  | { readonly inWay: InstanceRow; readonly adopted?: LiveInstance };

/** All instances: open ones in memory with their history, ended ones in the store alone. */
export class Instances {
  readonly #store: DurableStore;
  readonly #work: Work;
  readonly #persistence: Persistence;
  readonly #live = new Map<string, LiveInstance>();

  constructor(store: DurableStore, work: Work, persistence: Persistence) {
    this.#store = store;
    this.#work = work;
    this.#persistence = persistence;
  }

  /** Reads what an earlier process left open; rows behind their history are made up. */
  async load(): Promise<void> {
    await this.#store.open();
    const rows = await this.#store.list({ onlyOpen: true });
    await Promise.all(rows.map((row) => this.#adopt(row)));
    for (const instance of this.#live.values()) if (instance.isOver) this.save(instance);
  }

  get open(): LiveInstance[] {
    return [...this.#live.values()].filter((instance) => !instance.isOver);
  }

  /** The instance if it is open. */
  find(instanceId: string): LiveInstance | undefined {
    const instance = this.#live.get(instanceId);
    return instance?.isOver ? undefined : instance;
  }

  async row(instanceId: string): Promise<InstanceRow | undefined> {
    return this.#live.get(instanceId)?.row ?? (await this.#store.get(instanceId));
  }

  async rows(): Promise<InstanceRow[]> {
    const stored = await this.#store.list();
    return stored.map((row) => this.#live.get(row.instanceId)?.row ?? row);
  }

  async history({ instanceId, executionId }: InstanceRow): Promise<readonly HistoryEvent[]> {
    const past = this.#live.get(instanceId)?.past;
    return past ?? (await this.#store.history(instanceId, executionId)).flat();
  }

  /** Makes an instance, busy until its maker lets it go. An ended one of that id is replaced if `mayReplace` agrees. */
  async make(row: InstanceRow, mayReplace: (old: InstanceRow) => boolean): Promise<Opened> {
    const { instanceId } = row;
    for (let old = this.#live.get(instanceId); old; old = this.#live.get(instanceId)) {
      if (!old.isOver) return { inWay: old.row };
      await old.saving;
    }
    const instance = new LiveInstance(row);
    instance.isBusy = true;
    this.#live.set(instanceId, instance);
    try {
      if (await this.#store.create(row)) return { made: instance };
      const old = await this.#store.get(instanceId);
      if (old && !(hasEnded(old.runtimeStatus) && mayReplace(old))) return await this.#yield(old);
      await this.#store.put(row);
      if (old) this.tidy(this.#store.dropHistory(instanceId, old.executionId));
      return { made: instance };
    } catch (error) {
      this.#live.delete(instanceId);
      throw error;
    }
  }

  /** Writes the row as it is by then; an ended instance leaves memory once it is written. */
  save(instance: LiveInstance): void {
    if (instance.hasUnsavedRow) return;
    instance.hasUnsavedRow = true;
    const write = async () => {
      instance.hasUnsavedRow = false;
      const row = { ...instance.row, consumed: [...instance.unacked] };
      await this.#persistence.retrying(() => this.#store.put(row));
      const isGone = hasEnded(row.runtimeStatus) && this.#live.get(row.instanceId) === instance;
      if (isGone) this.#live.delete(row.instanceId);
    };
    instance.saving = this.#work.track((instance.saving ?? Promise.resolve()).then(write));
  }

  /** Removes the stored messages the instance has taken up. */
  ack(instance: LiveInstance): void {
    const keys = [...instance.unacked];
    if (keys.length === 0) return;
    const forget = () => {
      for (const key of keys) instance.unacked.delete(key);
    };
    this.tidy(this.#store.ack(instance.row.instanceId, keys).then(forget));
  }

  tidy(work: Promise<void>): void {
    void this.#work.track(this.#persistence.tidying(work));
  }

  /** Removes an ended instance; false when there is none. */
  async purge(instanceId: string): Promise<boolean> {
    const instance = this.#live.get(instanceId);
    if (instance && !instance.isOver) return false;
    await instance?.saving;
    if (!(await this.#store.get(instanceId))) return false;
    await this.#store.purge(instanceId);
    return true;
  }

  /** An open one that is not in memory: an earlier attempt to make it was written although it seemed to fail. */
  async #yield(old: InstanceRow): Promise<Opened> {
    if (!hasEnded(old.runtimeStatus)) return { inWay: old, adopted: await this.#adopt(old) };
    this.#live.delete(old.instanceId);
    return { inWay: old };
  }

  async #adopt(row: InstanceRow): Promise<LiveInstance> {
    const instance = new LiveInstance(row);
    instance.restore(await this.#store.history(row.instanceId, row.executionId));
    this.#live.set(row.instanceId, instance);
    return instance;
  }
}
