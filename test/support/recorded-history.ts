import { InvocationContext } from "@azure/functions";
import { registered } from "@azure/functions-core";

/** An event of a durable history, in the words of the extension. */
export type HistoryEvent = Readonly<Record<string, unknown>> & {
  readonly EventType: number;
  readonly Timestamp: string;
};

/** An action that the SDK answers with. */
export interface Action {
  readonly actionType: number;
  readonly functionName?: string;
  readonly instanceId?: string;
  readonly input?: unknown;
  readonly fireAt?: string;
  readonly isCanceled?: boolean;
  readonly externalEventName?: string;
  readonly compoundActions?: readonly Action[];
}

interface State {
  readonly isDone: boolean;
  readonly actions: readonly (readonly Action[])[];
}

/** Event types of the Durable Task Framework (Azure/durabletask, EventType). */
const eventTypes = {
  executionStarted: 0,
  taskScheduled: 4,
  taskCompleted: 5,
  taskFailed: 6,
  childCreated: 7,
  childCompleted: 8,
  timerCreated: 10,
  timerFired: 11,
  orchestratorStarted: 12,
  orchestratorCompleted: 13,
  eventRaised: 15,
} as const;

/** Action types of the SDK that the workflow uses. */
const actionTypes = { activity: 0, child: 2, continueAsNew: 4, timer: 5 } as const;

/** A piece of work that the orchestration asked for. */
export interface Asked {
  readonly kind: "activity" | "child" | "timer";
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
  readonly instanceId?: string | undefined;
  readonly askedAt: Date;
  readonly fireAt?: Date | undefined;
}

export interface Script {
  readonly startsAt: Date;
  readonly input: unknown;
  /** What a call of an activity answers; throws to let it fail. */
  answer(call: Asked, count: number): unknown;
  /** How long a call takes. */
  readonly callMs?: number;
  /** Words from outside, at their moments. */
  readonly words?: readonly { readonly at: Date; readonly name: string }[];
}

export interface Recording {
  readonly history: readonly HistoryEvent[];
  readonly input: unknown;
  /** Every activity and child in the order in which it was asked for. */
  readonly calls: readonly Asked[];
  readonly timers: readonly Asked[];
  /** All actions at the end. */
  readonly actions: readonly Action[];
  readonly endedAt: Date;
  /** Input of the next execution, when it goes on in a fresh history. */
  readonly continuedWith?: unknown;
}

/** Lets the real executor of the SDK act on a history, as the extension does. */
export async function replay(
  name: string,
  input: unknown,
  history: readonly HistoryEvent[],
): Promise<State> {
  const trigger = {
    history,
    input,
    instanceId: "instance",
    isReplaying: history.length > 2,
    parentInstanceId: null,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 2,
    longRunningTimerIntervalDuration: "3.00:00:00",
    maximumShortTimerDuration: "6.00:00:00",
    defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
  };
  const answered = await registered
    .get(name)
    ?.callback(structuredClone(trigger), new InvocationContext());
  return JSON.parse(JSON.stringify(answered)) as State;
}

interface Happening {
  readonly at: Date;
  event(): HistoryEvent;
}

/** Plays a script against a registered orchestration, one happening a turn, and keeps the history. */
export async function record(name: string, script: Script): Promise<Recording> {
  const history: HistoryEvent[] = [];
  const [calls, timers]: [Asked[], Asked[]] = [[], []];
  const waiting = new Map<number, Happening>();
  const words = [...(script.words ?? [])];
  let now = script.startsAt;
  const note = (EventType: number, more: Readonly<Record<string, unknown>> = {}) =>
    history.push({
      EventType,
      EventId: -1,
      IsPlayed: false,
      Timestamp: now.toISOString(),
      ...more,
    });

  function begin(asked: Asked): void {
    const created = {
      activity: eventTypes.taskScheduled,
      child: eventTypes.childCreated,
      timer: eventTypes.timerCreated,
    }[asked.kind];
    note(created, { EventId: asked.id, Name: asked.name, FireAt: asked.fireAt?.toISOString() });
    if (asked.kind === "timer") {
      timers.push(asked);
      waiting.set(asked.id, {
        at: asked.fireAt ?? now,
        event: () => event(eventTypes.timerFired, { TimerId: asked.id }),
      });
      return;
    }
    calls.push(asked);
    const count = calls.length;
    waiting.set(asked.id, {
      at: new Date(now.getTime() + (script.callMs ?? 0)),
      event: () => completed(asked, script, count),
    });
  }

  function nextHappening(): Happening | undefined {
    const [word] = words;
    const soonest = [...waiting].toSorted(
      ([, one], [, other]) => one.at.getTime() - other.at.getTime(),
    )[0];
    if (word !== undefined && (soonest === undefined || word.at <= soonest[1].at)) {
      words.shift();
      return {
        at: word.at,
        event: () => event(eventTypes.eventRaised, { Name: word.name, Input: "{}" }),
      };
    }
    waiting.delete(soonest?.[0] ?? -1);
    return soonest?.[1];
  }

  note(eventTypes.orchestratorStarted);
  note(eventTypes.executionStarted, { Name: name, Input: JSON.stringify(script.input) });
  let begun = 0;
  for (;;) {
    const state = await replay(name, script.input, history);
    const actions = state.actions.flat();
    const leaves = actions.flatMap(leavesOf);
    const continued = actions.find((action) => action.actionType === actionTypes.continueAsNew);
    leaves.forEach((action, id) => {
      if (id >= begun) {
        begin(askedFor(action, id, now));
      }
      if (action.isCanceled === true) {
        waiting.delete(id);
      }
    });
    begun = leaves.length;
    if (state.isDone) {
      const ended = { history, input: script.input, calls, timers, actions, endedAt: now };
      return continued === undefined ? ended : { ...ended, continuedWith: continued.input };
    }
    note(eventTypes.orchestratorCompleted);
    const next = nextHappening();
    if (next === undefined) {
      throw new Error(`${name} waits for nothing, for ever.`);
    }
    now = next.at > now ? next.at : now;
    note(eventTypes.orchestratorStarted);
    history.push({ ...next.event(), Timestamp: now.toISOString() });
  }
}

const withId: readonly number[] = [actionTypes.activity, actionTypes.child, actionTypes.timer];

/** Activities, children and timers in the order in which they get their ids. */
function leavesOf(action: Action): readonly Action[] {
  return (action.compoundActions ?? [action]).flatMap((one) =>
    one.compoundActions === undefined
      ? withId.includes(one.actionType)
        ? [one]
        : []
      : leavesOf(one),
  );
}

function askedFor(action: Action, id: number, askedAt: Date): Asked {
  const { actionType, functionName = "", input, instanceId, fireAt } = action;
  const kind =
    actionType === actionTypes.timer
      ? "timer"
      : actionType === actionTypes.child
        ? "child"
        : "activity";
  return {
    kind,
    id,
    name: functionName,
    input,
    askedAt,
    instanceId,
    ...(fireAt === undefined ? {} : { fireAt: new Date(fireAt) }),
  };
}

function completed(asked: Asked, script: Script, count: number): HistoryEvent {
  const types = asked.kind === "child" ? eventTypes.childCompleted : eventTypes.taskCompleted;
  try {
    const answer = script.answer(asked, count);
    return event(types, { TaskScheduledId: asked.id, Result: JSON.stringify(answer ?? null) });
  } catch (error) {
    return event(eventTypes.taskFailed, {
      TaskScheduledId: asked.id,
      Reason: `Activity function '${asked.name}' failed: ${String(error)}`,
      Details: "",
    });
  }
}

const event = (EventType: number, more: Readonly<Record<string, unknown>>): HistoryEvent => ({
  EventType,
  EventId: -1,
  IsPlayed: false,
  Timestamp: "",
  ...more,
});
