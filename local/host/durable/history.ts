/** Numbers of the history events that the engine writes (DurableTask.Core `EventType`); the SDK reads the same. */
export const eventTypes = {
  ExecutionStarted: 0,
  ExecutionCompleted: 1,
  ExecutionTerminated: 3,
  TaskScheduled: 4,
  TaskCompleted: 5,
  TaskFailed: 6,
  SubOrchestrationInstanceCreated: 7,
  SubOrchestrationInstanceCompleted: 8,
  SubOrchestrationInstanceFailed: 9,
  TimerCreated: 10,
  TimerFired: 11,
  OrchestratorStarted: 12,
  OrchestratorCompleted: 13,
  EventRaised: 15,
  ExecutionSuspended: 19,
  ExecutionResumed: 20,
} as const;

export type EventName = keyof typeof eventTypes;

/** Where a child orchestration reports to: the call `taskId` of one execution of its parent. */
export interface ParentLink {
  readonly instanceId: string;
  readonly executionId: string;
  readonly taskId: number;
}

export type EndStatus = "Completed" | "Failed" | "Terminated";

/** What each kind of event carries. Inputs and results are JSON texts; spelling as on the wire to the SDK. */
interface Payloads {
  ExecutionStarted: {
    readonly Name: string;
    readonly Version: string;
    readonly Input: string | null;
    readonly Tags: null;
    readonly OrchestrationInstance: { readonly InstanceId: string; readonly ExecutionId: string };
    readonly ParentInstance: null;
  };
  /** `CustomStatus` is ours: a row that was not written any more is made up from here. */
  ExecutionCompleted: {
    readonly OrchestrationStatus: EndStatus;
    readonly Result: string | null;
    readonly CustomStatus: string | null;
  };
  ExecutionTerminated: { readonly Input: string };
  TaskScheduled: { readonly Name: string; readonly Version: string; readonly Input: string };
  TaskCompleted: { readonly TaskScheduledId: number; readonly Result: string | null };
  TaskFailed: {
    readonly TaskScheduledId: number;
    readonly Reason: string;
    readonly Details: string;
  };
  SubOrchestrationInstanceCreated: {
    readonly Name: string;
    readonly InstanceId: string;
    readonly Input: string | null;
  };
  SubOrchestrationInstanceCompleted: {
    readonly TaskScheduledId: number;
    readonly Result: string | null;
  };
  SubOrchestrationInstanceFailed: {
    readonly TaskScheduledId: number;
    readonly Reason: string;
    readonly Details: string;
  };
  TimerCreated: { readonly FireAt: string };
  TimerFired: { readonly TimerId: number; readonly FireAt: string };
  OrchestratorStarted: object;
  /** `CancelledTimers` is ours: timers this turn gave up, so that a restart does not arm them again. */
  OrchestratorCompleted: { readonly CancelledTimers?: readonly number[] };
  EventRaised: { readonly Name: string; readonly Input: string };
  ExecutionSuspended: { readonly Reason: string };
  ExecutionResumed: { readonly Reason: string };
}

/** An event before the turn that takes it up gives it a time. `MessageKey` (ours) names the stored message it came in. */
export type NewEvent<N extends EventName = EventName> = {
  [K in N]: { readonly EventType: (typeof eventTypes)[K]; readonly EventId: number } & Payloads[K];
}[N] & { readonly MessageKey?: string };

/** One event of an instance's history. */
export type HistoryEvent<N extends EventName = EventName> = NewEvent<N> & {
  readonly Timestamp: string;
};

/** Makes an event; `id` is the sequence number of what it schedules, -1 for everything else. */
export function newEvent<N extends EventName>(name: N, payload: Payloads[N], id = -1): NewEvent<N> {
  return { EventType: eventTypes[name], EventId: id, ...payload } as unknown as NewEvent<N>;
}

/** The id of the activity, child or timer that the event completes, if it completes one. */
export function completedTask(event: NewEvent): number | undefined {
  switch (event.EventType) {
    case eventTypes.TaskCompleted:
    case eventTypes.TaskFailed:
    case eventTypes.SubOrchestrationInstanceCompleted:
    case eventTypes.SubOrchestrationInstanceFailed:
      return event.TaskScheduledId;
    case eventTypes.TimerFired:
      return event.TimerId;
    default:
      return undefined;
  }
}

const namesByType = new Map<number, string>(
  Object.entries(eventTypes).map(([name, type]) => [type, name]),
);

/** The event's kind as a word. */
export function eventName(event: NewEvent): string {
  return namesByType.get(event.EventType) ?? String(event.EventType);
}
