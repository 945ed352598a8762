import type { App, TypedData } from "../app.ts";
import type { HistoryEvent } from "./history.ts";

/** Azure Storage backend's defaults: timers over 6 days are cut into pieces of 3 days. */
export const maximumShortTimer = { timeSpan: "6.00:00:00", ms: 6 * 86_400_000 } as const;
export const longTimerSegment = { timeSpan: "3.00:00:00", ms: 3 * 86_400_000 } as const;

/** What precedes the state in the message of a failed orchestrator. */
const STATE_LABEL = "\n\n$OutOfProcData$:";

export interface RetryOptions {
  readonly firstRetryIntervalInMilliseconds?: number;
  readonly maxNumberOfAttempts?: number;
  readonly backoffCoefficient?: number;
  readonly maxRetryIntervalInMilliseconds?: number;
  readonly retryTimeoutInMilliseconds?: number;
}

/** One action as the SDK serialises it; which members there are depends on its type. */
export interface Action {
  readonly actionType: number;
  readonly functionName?: string;
  readonly input?: unknown;
  readonly instanceId?: string | null;
  /** null where the date was not one. */
  readonly fireAt?: string | null;
  readonly isCanceled?: boolean;
  readonly externalEventName?: string;
  readonly retryOptions?: RetryOptions;
  readonly compoundActions?: readonly Action[];
}

/** What the SDK answers after a replay: ALL actions of this execution so far, in one inner array. */
export interface OrchestratorState {
  readonly isDone: boolean;
  readonly actions: readonly (readonly Action[])[];
  readonly output?: unknown;
  readonly error?: string;
  readonly customStatus?: unknown;
  /** Ours: the function threw. The SDK leaves an empty `error` out. */
  readonly hasThrown?: boolean;
}

export interface Replayable {
  readonly name: string;
  readonly instanceId: string;
  readonly input: string | null;
  readonly parentInstanceId: string | null;
  readonly past: readonly HistoryEvent[];
  readonly fresh: readonly HistoryEvent[];
}

/** Runs the app's orchestrator function over a history. A failure it did not describe becomes the state's `error`. */
export async function replayWithSdk(app: App, execution: Replayable): Promise<OrchestratorState> {
  const trigger = app.functions.get(execution.name)?.trigger;
  if (!trigger) return failedState(`The function '${execution.name}' doesn't exist.`);
  const data = { string: triggerInput(execution) };
  try {
    const { returnValue } = await app.invoke(execution.name, {
      inputData: [{ name: trigger.name, data }],
    });
    return parseState(returnValue);
  } catch (error) {
    return stateOfFailure(error);
  }
}

/** Shape: the extension's binding provider, "out-of-proc" protocol with replay schema up to V3. */
function triggerInput({ past, fresh, ...execution }: Replayable): string {
  return JSON.stringify({
    history: [
      ...past.map((event) => ({ ...event, IsPlayed: true })),
      ...fresh.map((event) => ({ ...event, IsPlayed: false })),
    ],
    input: execution.input === null ? null : JSON.parse(execution.input),
    instanceId: execution.instanceId,
    isReplaying: past.length > 0,
    parentInstanceId: execution.parentInstanceId,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 2,
    longRunningTimerIntervalDuration: longTimerSegment.timeSpan,
    maximumShortTimerDuration: maximumShortTimer.timeSpan,
    defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
  });
}

function parseState(value: TypedData | undefined): OrchestratorState {
  const state: unknown = JSON.parse(value?.json ?? value?.string ?? "null");
  return isState(state) ? state : failedState("It is not an orchestrator: it answered no actions.");
}

function stateOfFailure(error: unknown): OrchestratorState {
  const message = error instanceof Error ? error.message : String(error);
  const label = message.indexOf(STATE_LABEL);
  if (label < 0) return failedState(message);
  const state: unknown = JSON.parse(message.slice(label + STATE_LABEL.length));
  return isState(state) ? { ...state, hasThrown: true } : failedState(message.slice(0, label));
}

function isState(value: unknown): value is OrchestratorState {
  return (
    typeof value === "object" &&
    value !== null &&
    "actions" in value &&
    Array.isArray(value.actions)
  );
}

function failedState(error: string): OrchestratorState {
  return { isDone: false, actions: [[]], error };
}
