/** One piece of work an execution schedules; `id` is its place in the one sequence that the SDK counts along. */
export type Call =
  | {
      readonly kind: "activity";
      readonly id: number;
      readonly name: string;
      readonly input: string;
    }
  | { readonly kind: "timer"; readonly id: number; readonly name: ""; readonly fireAt: string }
  | {
      readonly kind: "child";
      readonly id: number;
      readonly name: string;
      readonly instanceId: string;
      readonly input: string | null;
    };

/** Told once how a task ended. */
export type Done = (failed: boolean) => void;

/** What one execution has scheduled and waits for, as a replay makes it: ids, open tasks, waiters for events, the time. */
export class Schedule {
  executionId = "";
  readonly cancelledTimers: number[] = [];
  #nextId = 0;
  #nowMs = 0;
  /** Everything this replay scheduled; what history confirms leaves `#unconfirmed`. */
  readonly #calls: Call[] = [];
  readonly #unconfirmed = new Set<number>();
  readonly #open = new Map<number, Done>();
  readonly #waiters = new Map<string, Done[]>();
  readonly #earlyEvents = new Map<string, number>();

  get nowMs(): number {
    return this.#nowMs;
  }

  get openTasks(): number {
    return this.#open.size;
  }

  moveTo(ms: number): void {
    this.#nowMs = Math.max(this.#nowMs, ms);
  }

  activity(name: string, input: string, done: Done): void {
    this.#add({ kind: "activity", id: this.#nextId, name, input }, done);
  }

  child(name: string, instanceId: string | undefined, input: string | null, done: Done): void {
    const id = this.#nextId;
    const childId = instanceId || `${this.executionId}:${id}`;
    this.#add({ kind: "child", id, name, instanceId: childId, input }, done);
  }

  timer(fireAtMs: number, done: Done): void {
    const fireAt = new Date(fireAtMs).toISOString();
    this.#add({ kind: "timer", id: this.#nextId, name: "", fireAt }, done);
  }

  /** A timer that is cancelled takes its id and is over at once (OutOfProcOrchestrationShim of the extension). */
  cancelledTimer(fireAtMs: number, done: Done): void {
    const id = this.#nextId;
    this.timer(fireAtMs, done);
    this.cancelledTimers.push(id);
    this.complete(id, true);
  }

  /** Newest waiter first; an event that comes early is kept for the next waiter. The extension ignores case in names. */
  waitForEvent(name: string, done: Done): void {
    const key = name.toLowerCase();
    const early = this.#earlyEvents.get(key) ?? 0;
    if (early > 0) {
      this.#earlyEvents.set(key, early - 1);
      done(false);
    } else {
      this.#waiters.set(key, [...(this.#waiters.get(key) ?? []), done]);
    }
  }

  raise(name: string): void {
    const key = name.toLowerCase();
    const done = this.#waiters.get(key)?.pop();
    if (done) done(false);
    else this.#earlyEvents.set(key, (this.#earlyEvents.get(key) ?? 0) + 1);
  }

  /** A second completion of one task changes nothing. */
  complete(id: number, failed: boolean): void {
    const done = this.#open.get(id);
    this.#open.delete(id);
    done?.(failed);
  }

  /** False when this replay has not made that call. */
  confirm(id: number, kind: Call["kind"], name: string): boolean {
    const call = this.#calls[id];
    this.#unconfirmed.delete(id);
    return call !== undefined && call.kind === kind && call.name === name;
  }

  newCalls(): Call[] {
    return this.#calls.filter((call) => this.#unconfirmed.has(call.id));
  }

  #add(call: Call, done: Done): void {
    this.#nextId++;
    this.#calls.push(call);
    this.#unconfirmed.add(call.id);
    this.#open.set(call.id, done);
  }
}
