import type { App, HostClock, HostLog, RegisteredFunction } from "./app.ts";
import { describeError } from "./errors.ts";
import { expandSettings, parseSchedule, type Schedule } from "./schedule.ts";

/** What .NET shows for "never". */
const NEVER = "0001-01-01T00:00:00+00:00";

export interface TimersOptions {
  readonly app: App;
  readonly clock: HostClock;
  readonly log: HostLog;
  readonly settings: Readonly<Record<string, string | undefined>>;
}

/** The schedule of a timer function with its settings filled in. Throws with the reason when there is none. */
export function scheduleOf(
  { trigger: { schedule } }: RegisteredFunction,
  settings: TimersOptions["settings"],
): Schedule {
  if (typeof schedule !== "string" || schedule === "") throw new Error("it has no schedule.");
  const { WEBSITE_TIME_ZONE: timeZone } = settings;
  return parseSchedule(expandSettings(schedule, settings), timeZone);
}

/** Runs the timer functions of the app, each on its schedule and never twice at once. */
export class Timers {
  readonly #timers: ReadonlyMap<string, Timer>;

  constructor(options: TimersOptions) {
    this.#timers = new Map(
      [...options.app.functions.values()]
        .filter(({ trigger }) => trigger.type === "timerTrigger")
        .map((registered) => [registered.name, new Timer(registered, options)]),
    );
  }

  start(): void {
    for (const timer of this.#timers.values()) timer.start();
  }

  /** Starts no further run; one that is under way goes on. */
  stop(): void {
    for (const timer of this.#timers.values()) timer.stop();
  }

  has(name: string): boolean {
    return this.#timers.has(name);
  }

  /**
   * Runs a timer function now and waits for its end; a run already under way is waited for first. Rejects with what
   * it throws.
   */
  async runNow(
    name: string,
    { pastDue = false }: { readonly pastDue?: boolean } = {},
  ): Promise<void> {
    const timer = this.#timers.get(name);
    if (!timer) throw new Error(`There is no timer function named "${name}".`);
    await timer.runNow(pastDue);
  }
}

class Timer {
  readonly #registered: RegisteredFunction;
  readonly #options: TimersOptions;
  readonly #schedule: Schedule;
  #running: Promise<void> | undefined;
  #last: Date | undefined;
  #cancel: (() => void) | undefined;

  constructor(registered: RegisteredFunction, options: TimersOptions) {
    this.#registered = registered;
    this.#options = options;
    this.#schedule = scheduleOf(registered, options.settings);
  }

  start(): void {
    const { runOnStartup } = this.#registered.trigger;
    this.#arm();
    if (runOnStartup === true) this.#runQuietly();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  async runNow(isPastDue: boolean): Promise<void> {
    while (this.#running !== undefined) await this.#running.catch(() => {});
    await this.#run(isPastDue);
  }

  #arm(): void {
    const { clock } = this.#options;
    const next = this.#schedule.next(clock.now());
    if (!next) return;
    this.#cancel = clock.at(next, () => {
      this.#arm();
      // A run that takes longer than its interval swallows the occurrences meanwhile.
      if (!this.#running) this.#runQuietly();
    });
  }

  #runQuietly(): void {
    this.#run(false).catch((error: unknown) => {
      this.#options.log("error", `${this.#registered.name} failed: ${describeError(error)}`);
    });
  }

  #run(isPastDue: boolean): Promise<void> {
    const { app, clock } = this.#options;
    const { name, trigger } = this.#registered;
    const input = { name: trigger.name, data: { json: JSON.stringify(this.#input(isPastDue)) } };
    this.#last = clock.now();
    const running = app.invoke(name, { inputData: [input] }).then(
      () => {
        this.#running = undefined;
      },
      (error: unknown) => {
        this.#running = undefined;
        throw error;
      },
    );
    this.#running = running;
    return running;
  }

  #input(isPastDue: boolean): object {
    const now = this.#options.clock.now();
    const last = this.#last?.toISOString() ?? NEVER;
    return {
      Schedule: { AdjustForDST: true },
      ScheduleStatus: {
        Last: last,
        Next: this.#schedule.next(now)?.toISOString() ?? NEVER,
        LastUpdated: last,
      },
      IsPastDue: isPastDue,
    };
  }
}
