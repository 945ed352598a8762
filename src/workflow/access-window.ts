import type { OrchestrationContext, Task } from "durable-functions";
import type { Looked } from "./look-after.ts";
import { names } from "./names.ts";
import type { Opened, Opening, VmOfRequest } from "./open-windows.ts";

/** Input of the orchestration of one VM of a request; `attempt` is set when looking after it goes on in a fresh history. */
export interface AccessWindowInput extends VmOfRequest {
  readonly attempt?: number | undefined;
}

/** Pauses in seconds between tries, and how long one history grows before it starts afresh. */
export const patience = {
  openTries: 5,
  firstPause: 2,
  longestPause: 600,
  looksPerHistory: 50,
  /** So often it looks how the update of a firewall goes that opens the windows: an hour and more. */
  openLooks: 250,
  longestTimer: 5 * 86_400,
} as const;

type Steps<T> = Generator<Task, T, unknown>;

/**
 * The windows of one VM: open them, then look after them until the last is over. What to close and when to look again is
 * decided by the activity from what is stored; a word that somebody wants an end now only brings the next look forward.
 * Closing never gives up.
 */
export function* accessWindow(context: OrchestrationContext): Steps<void> {
  const { requestId, vmIndex, attempt: first } = context.df.getInput() as AccessWindowInput;
  const vm: VmOfRequest = { requestId, vmIndex };
  let word = context.df.waitForExternalEvent(names.endNow);
  if (first === undefined) {
    yield* open(context, vm, word);
  }
  let attempt = first ?? 1;
  for (let looks = 1; ; looks += 1) {
    const looked = yield* lookAfter(context, vm, attempt);
    if (looked.next === undefined && !looked.isFailing) {
      return;
    }
    if (looks === patience.looksPerHistory) {
      context.df.continueAsNew({
        ...vm,
        attempt: looked.isFailing ? attempt + 1 : 1,
      } satisfies AccessWindowInput);
      return;
    }
    yield* waitUntil(context, nextLook(context, looked, attempt), word);
    attempt = looked.isFailing ? attempt + 1 : 1;
    if (word.isCompleted) {
      // NB. Only once the one before is over: the SDK hands a word to the oldest wait.
      word = context.df.waitForExternalEvent(names.endNow);
    }
  }
}

/**
 * Tries to open a few times, and looks again for as long as the update of a firewall is under way. What stays impossible to open
 * is closed by the first look.
 */
function* open(context: OrchestrationContext, vm: VmOfRequest, word: Task): Steps<void> {
  let attempt = 1;
  let isAgain = false;
  for (let looks = 1; looks <= patience.openLooks && attempt <= patience.openTries; looks += 1) {
    let pause = pauseSeconds(attempt);
    try {
      const opened = yield* tryToOpen(context, isAgain ? { ...vm, isAgain } : vm);
      if (opened?.retryAfterMs === undefined) {
        return;
      }
      isAgain = true;
      attempt = 1;
      pause = Math.max(opened.retryAfterMs / 1_000, shortestPause);
    } catch {
      // The activity threw because trying again may help; what it says is in the log.
      attempt += 1;
    }
    if (attempt <= patience.openTries) {
      yield* waitUntil(
        context,
        later(context, pause),
        isAgain && !word.isCompleted ? word : undefined,
      );
    }
  }
}

function* tryToOpen(context: OrchestrationContext, input: Opening): Steps<Opened | undefined> {
  return (yield context.df.callActivity(names.openWindows, input)) as Opened | undefined;
}

/** Shorter pauses are not worth a timer, in seconds. */
const shortestPause = 0.1;

/** One look; a fault of it is one more reason to look again. */
function* lookAfter(
  context: OrchestrationContext,
  vm: VmOfRequest,
  attempt: number,
): Steps<Looked> {
  try {
    return (yield context.df.callActivity(names.lookAfterWindows, { ...vm, attempt })) as Looked;
  } catch {
    return { isFailing: true };
  }
}

/**
 * When the next end comes, or, after a failure, when a growing pause is over. An end that has come by this clock, and not by the
 * one of the look, is looked at again a second later.
 */
function nextLook(context: OrchestrationContext, { next, isFailing }: Looked, attempt: number) {
  const pause = later(context, pauseSeconds(attempt));
  const end = next === undefined ? pause : new Date(next);
  const soonest = isFailing && pause < end ? pause : end;
  return soonest > context.df.currentUtcDateTime ? soonest : later(context, 1);
}

const pauseSeconds = (attempt: number): number =>
  Math.min(patience.firstPause * 2 ** (attempt - 1), patience.longestPause);

function later(context: OrchestrationContext, seconds: number): Date {
  return new Date(context.df.currentUtcDateTime.getTime() + seconds * 1_000);
}

const isTold = (word: Task | undefined): boolean => word?.isCompleted === true;

/** Waits for a moment or, where there is one, for the word, in pieces short enough for every durable backend. A word that came before counts too. */
function* waitUntil(context: OrchestrationContext, end: Date, word?: Task): Steps<void> {
  while (!isTold(word) && context.df.currentUtcDateTime < end) {
    const latest = later(context, patience.longestTimer);
    const timer = context.df.createTimer(end < latest ? end : latest);
    yield word === undefined ? timer : context.df.Task.any([timer, word]);
    if (isTold(word)) {
      timer.cancel();
    }
  }
}
