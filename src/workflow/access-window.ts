import type { OrchestrationContext, Task } from "durable-functions";
import type { Closed, Closing } from "./close-windows.ts";
import { names } from "./names.ts";
import type { Opened, VmOfRequest } from "./open-windows.ts";

/** Input of the orchestration of one VM of a request; `closing` is set when closing goes on in a fresh history. */
export interface AccessWindowInput extends VmOfRequest {
  readonly closing?: Closing | undefined;
}

/** Pauses in seconds between tries, and how long one history grows before it starts afresh. */
export const patience = {
  openTries: 5,
  firstPause: 2,
  longestPause: 600,
  triesPerHistory: 50,
  longestTimer: 5 * 86_400,
} as const;

type Steps<T> = Generator<Task, T, unknown>;

/** The windows of one VM: open, wait for each end or for a word to end now, close. Closing never gives up. */
export function* accessWindow(context: OrchestrationContext): Steps<void> {
  const { requestId, vmIndex, closing } = context.df.getInput() as AccessWindowInput;
  const vm: VmOfRequest = { requestId, vmIndex };
  if (closing !== undefined && (yield* close(context, closing)) === "elsewhere") {
    return;
  }
  const opened = yield* open(context, vm);
  if (opened === undefined) {
    yield* close(context, { ...vm, endReason: "Expired", attempt: 1 });
    return;
  }
  const { ends, failedIds } = opened;
  if (
    failedIds.length > 0 &&
    (yield* close(context, { ...vm, windowIds: failedIds, endReason: "Expired", attempt: 1 })) ===
      "elsewhere"
  ) {
    return;
  }
  // One wait for all ends: the SDK hands a word to whoever waits, even to a wait that is over.
  const word = context.df.waitForExternalEvent(names.endNow);
  for (const end of ends) {
    const ending = yield* waitUntil(context, new Date(end), word);
    if (ending === "asked") {
      yield* close(context, { ...vm, endReason: "UserRequested", attempt: 1 });
      return;
    }
    if (
      (yield* close(context, { ...vm, until: end, endReason: "Expired", attempt: 1 })) ===
      "elsewhere"
    ) {
      return;
    }
  }
}

/** Tries to open a few times; nothing when it stays impossible to tell what became of it. */
function* open(context: OrchestrationContext, vm: VmOfRequest): Steps<Opened | undefined> {
  for (let attempt = 1; attempt <= patience.openTries; attempt += 1) {
    try {
      return (yield context.df.callActivity(names.openWindows, vm)) as Opened;
    } catch {
      // The activity threw because trying again may help; what it says is in the log.
      yield* pause(context, attempt);
    }
  }
  return undefined;
}

/**
 * Closes, and tries again with growing pauses until it is done. A very long fight goes on in a fresh history, which
 * then looks after the windows that are still open: opening is safe to run twice and tells their ends.
 */
function* close(context: OrchestrationContext, closing: Closing): Steps<"done" | "elsewhere"> {
  for (let attempt = closing.attempt; ; attempt += 1) {
    try {
      const now = context.df.currentUtcDateTime.toISOString();
      const until = closing.until !== undefined && closing.until < now ? now : closing.until;
      const closed = (yield context.df.callActivity(names.closeWindows, {
        ...closing,
        until,
        attempt,
      })) as Closed;
      if (closed.isClosed) {
        return "done";
      }
    } catch {
      // As above: a thrown fault is one more reason to try again.
    }
    if (attempt % patience.triesPerHistory === 0) {
      const { requestId, vmIndex } = closing;
      const rest: AccessWindowInput = {
        requestId,
        vmIndex,
        closing: { ...closing, attempt: attempt + 1 },
      };
      context.df.continueAsNew(rest);
      return "elsewhere";
    }
    yield* pause(context, attempt);
  }
}

function* pause(context: OrchestrationContext, attempt: number): Steps<void> {
  const seconds = Math.min(patience.firstPause * 2 ** (attempt - 1), patience.longestPause);
  yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + seconds * 1_000));
}

/**
 * Waits for a moment or for the word to end now, in pieces short enough for every durable backend. A word that came
 * while something else was awaited counts too.
 */
function* waitUntil(context: OrchestrationContext, end: Date, word: Task): Steps<"time" | "asked"> {
  while (!word.isCompleted && context.df.currentUtcDateTime < end) {
    const latest = new Date(
      context.df.currentUtcDateTime.getTime() + patience.longestTimer * 1_000,
    );
    const timer = context.df.createTimer(end < latest ? end : latest);
    yield context.df.Task.any([timer, word]);
    if (word.isCompleted) {
      timer.cancel();
    }
  }
  return word.isCompleted ? "asked" : "time";
}
