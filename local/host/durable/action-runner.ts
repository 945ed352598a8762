import type { Action, RetryOptions } from "./orchestrator.ts";
import type { Done, Schedule } from "./schedule.ts";

export interface ReplayLimits {
  /** Timers longer than this are cut into segments. */
  readonly maximumShortTimerMs: number;
  readonly longTimerSegmentMs: number;
  isActivity(name: string): boolean;
  isOrchestrator(name: string): boolean;
}

/** Numbers of the actions the SDK returns. */
const actionTypes = {
  callActivity: 0,
  callActivityWithRetry: 1,
  callChild: 2,
  callChildWithRetry: 3,
  continueAsNew: 4,
  createTimer: 5,
  waitForEvent: 6,
  whenAny: 11,
  whenAll: 12,
} as const;

const refusedActions = new Map([
  [7, "Durable entities (callEntity)"],
  [8, "Durable HTTP (callHttp)"],
  [9, "Durable entities (signalEntity)"],
  [10, "Durable entities (signalEntity)"],
  [13, "Durable locks (df.lock)"],
  [14, "Durable locks (df.lock)"],
]);

/** Carries out single actions on a schedule. Failures are not told apart except by retries: the SDK knows them already. */
export class ActionRunner {
  /** Why this orchestration cannot run here, once such an action came up. */
  refusal: string | undefined;
  /** Set when the orchestration asked to start over. */
  continuation: { readonly input: string | null } | undefined;
  readonly #schedule: Schedule;
  readonly #limits: ReplayLimits;

  constructor(schedule: Schedule, limits: ReplayLimits) {
    this.#schedule = schedule;
    this.#limits = limits;
  }

  /** Starts the action; `done` is called when it is over, possibly before this returns. */
  run(action: Action, done: Done): void {
    const { retryOptions } = action;
    switch (action.actionType) {
      case actionTypes.callActivity:
        this.#activity(action, done);
        break;
      case actionTypes.callActivityWithRetry:
        this.#retry(retryOptions, (ended) => this.#activity(action, ended), done);
        break;
      case actionTypes.callChild:
        this.#child(action, done);
        break;
      case actionTypes.callChildWithRetry:
        this.#retry(retryOptions, (ended) => this.#child(action, ended), done);
        break;
      case actionTypes.createTimer:
        this.#timer(action, done);
        break;
      case actionTypes.waitForEvent:
        this.#schedule.waitForEvent(action.externalEventName ?? "", done);
        break;
      case actionTypes.whenAny:
        this.#runAll(action.compoundActions, 1, done);
        break;
      case actionTypes.whenAll:
        this.#runAll(action.compoundActions, Number.POSITIVE_INFINITY, done);
        break;
      case actionTypes.continueAsNew:
        this.continuation = { input: jsonOrNull(action.input) };
        done(false);
        break;
      default: {
        const what = refusedActions.get(action.actionType) ?? `Action type ${action.actionType}`;
        this.refusal = `${what} is not supported by the local host.`;
      }
    }
  }

  #activity({ functionName = "", input }: Action, done: Done): void {
    this.#schedule.activity(functionName, JSON.stringify([input ?? null]), done);
  }

  #child({ functionName = "", instanceId, input }: Action, done: Done): void {
    this.#schedule.child(functionName, instanceId ?? undefined, jsonOrNull(input), done);
  }

  /** All of them start, in order, before the first that is already over counts. */
  #runAll(actions: readonly Action[] = [], enough: number, done: Done): void {
    let missing = Math.min(enough, actions.length);
    let hasStarted = false;
    const oneIsDone = () => {
      missing--;
      if (missing === 0 && hasStarted) done(false);
    };
    for (const action of actions) this.run(action, oneIsDone);
    hasStarted = true;
    if (missing <= 0) done(false);
  }

  /** Long timers are a chain of short ones, each with an id of its own; a cancelled one stops at its first link. */
  #timer({ fireAt, isCanceled = false }: Action, done: Done): void {
    const endMs = Date.parse(fireAt ?? "");
    if (Number.isNaN(endMs)) {
      this.refusal = "createTimer needs a valid date.";
      return;
    }
    const schedule = this.#schedule;
    const isLong = (leftMs: number) => leftMs > this.#limits.maximumShortTimerMs;
    const nextMs = () =>
      isLong(endMs - schedule.nowMs) ? schedule.nowMs + this.#limits.longTimerSegmentMs : endMs;

    const segment = () => {
      schedule.timer(nextMs(), () => (schedule.nowMs < endMs ? segment() : done(false)));
    };
    if (isCanceled) schedule.cancelledTimer(nextMs(), done);
    else if (isLong(endMs - schedule.nowMs)) segment();
    else schedule.timer(endMs, done);
  }

  /**
   * A timer follows every failure, also the last one, where it is due at once: the SDK counts it and waits for it (Azure/durabletask
   * RetryInterceptor).
   */
  #retry(options: RetryOptions | undefined, attempt: (ended: Done) => void, done: Done): void {
    const schedule = this.#schedule;
    const startedMs = schedule.nowMs;
    const { maxNumberOfAttempts = 1, retryTimeoutInMilliseconds } = options ?? {};
    const giveUpMs = startedMs + (retryTimeoutInMilliseconds ?? Number.POSITIVE_INFINITY);
    const tryOnce = (number: number) =>
      attempt((failed) => {
        if (!failed || schedule.nowMs >= giveUpMs) {
          done(failed);
          return;
        }
        const isLast = number >= maxNumberOfAttempts;
        const delayMs = isLast ? 0 : retryDelayMs(options, number);
        schedule.timer(schedule.nowMs + delayMs, () => (isLast ? done(true) : tryOnce(number + 1)));
      });
    tryOnce(1);
  }
}

function retryDelayMs(options: RetryOptions | undefined, attempt: number): number {
  const {
    firstRetryIntervalInMilliseconds: first = 0,
    backoffCoefficient = 1,
    maxRetryIntervalInMilliseconds: longest = Number.POSITIVE_INFINITY,
  } = options ?? {};
  return Math.min(first * (backoffCoefficient || 1) ** (attempt - 1), longest);
}

function jsonOrNull(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
