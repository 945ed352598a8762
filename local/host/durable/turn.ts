import type { App } from "../app.ts";
import { type EndStatus, eventTypes, type HistoryEvent, newEvent } from "./history.ts";
import type { Batch, LiveInstance } from "./live-instance.ts";
import {
  longTimerSegment,
  maximumShortTimer,
  type OrchestratorState,
  replayWithSdk,
} from "./orchestrator.ts";
import { type Decision, decide, type Outcome } from "./replay.ts";
import type { Call } from "./schedule.ts";
import type { InstanceRow } from "./store.ts";

/** What a turn comes to, before anything of it is stored. */
export interface TurnResult extends Decision {
  /** The turn's whole history, ready to be stored. */
  readonly events: readonly HistoryEvent[];
  readonly row: InstanceRow;
  /** Something about the orchestration that its author should know. */
  readonly warning?: string;
}

/** Replays the instance with the batch and works out what follows. Changes nothing and stores nothing. */
export async function takeTurn(
  app: App,
  instance: LiveInstance,
  batch: Batch,
  now: Date,
): Promise<TurnResult> {
  const fresh = instance.begin(batch, now);
  const { decision, state } = terminated(fresh) ?? (await replay(app, instance, fresh));
  const row = nextRow(instance.row, batch, decision, state?.customStatus, now);
  const stamp = { Timestamp: fresh[0]?.Timestamp ?? now.toISOString() };
  const added = followUps(decision, instance, row).map((event) => ({ ...event, ...stamp }));
  const warning = warningOf(decision.outcome, state);
  return { ...decision, events: [...fresh, ...added], row, ...(warning && { warning }) };
}

interface Replayed {
  readonly decision: Decision;
  readonly state?: OrchestratorState;
}

/** An end from outside: the orchestration is not asked any more. */
function terminated(fresh: readonly HistoryEvent[]): Replayed | undefined {
  for (const event of fresh) {
    if (event.EventType !== eventTypes.ExecutionTerminated) continue;
    const outcome = { kind: "terminated", reason: event.Input } as const;
    return { decision: { calls: [], cancelledTimers: [], outcome } };
  }
  return undefined;
}

async function replay(
  app: App,
  { row, past }: LiveInstance,
  fresh: readonly HistoryEvent[],
): Promise<Replayed> {
  const { name, instanceId, input, parent } = row;
  const parentInstanceId = parent?.instanceId ?? null;
  const state = await replayWithSdk(app, {
    name,
    instanceId,
    input,
    parentInstanceId,
    past,
    fresh,
  });
  const isOfType = (type: string) => (functionName: string) =>
    app.functions.get(functionName)?.trigger.type === type;
  const decision = decide([...past, ...fresh], state, {
    maximumShortTimerMs: maximumShortTimer.ms,
    longTimerSegmentMs: longTimerSegment.ms,
    isActivity: isOfType("activityTrigger"),
    isOrchestrator: isOfType("orchestrationTrigger"),
  });
  return { decision, state };
}

/** What the turn adds behind the events it took up. */
function followUps(
  { calls, outcome, cancelledTimers }: Decision,
  instance: LiveInstance,
  row: InstanceRow,
) {
  const scheduled = new Set(calls.map((call) => call.id));
  const given = cancelledTimers.filter((id) => scheduled.has(id) || instance.timers.has(id));
  const end = ending(outcome);
  return [
    ...calls.map(callEvent),
    newEvent("OrchestratorCompleted", given.length > 0 ? { CancelledTimers: given } : {}),
    ...(end
      ? [
          newEvent("ExecutionCompleted", {
            OrchestrationStatus: end.status,
            Result: end.output,
            CustomStatus: row.customStatus,
          }),
        ]
      : []),
  ];
}

function callEvent(call: Call) {
  switch (call.kind) {
    case "activity":
      return newEvent(
        "TaskScheduled",
        { Name: call.name, Version: "", Input: call.input },
        call.id,
      );
    case "timer":
      return newEvent("TimerCreated", { FireAt: call.fireAt }, call.id);
    case "child": {
      const { id, name, instanceId, input } = call;
      const payload = { Name: name, InstanceId: instanceId, Input: input };
      return newEvent("SubOrchestrationInstanceCreated", payload, id);
    }
  }
}

/** Status and output (JSON text) of an execution that is over. */
function ending(outcome: Outcome): { status: EndStatus; output: string | null } | undefined {
  switch (outcome.kind) {
    case "completed":
      return { status: "Completed", output: outcome.output };
    case "failed":
      return { status: "Failed", output: JSON.stringify(outcome.error) };
    case "terminated":
      return { status: "Terminated", output: JSON.stringify(outcome.reason) };
    default:
      return undefined;
  }
}

function nextRow(
  row: InstanceRow,
  { pausesAfter }: Batch,
  { outcome }: Decision,
  customStatus: unknown,
  now: Date,
): InstanceRow {
  const end = ending(outcome);
  return {
    ...row,
    updatedAt: now.toISOString(),
    runtimeStatus: end?.status ?? (pausesAfter ? "Suspended" : "Running"),
    output: end?.output ?? null,
    // The SDK leaves a falsy status out, which keeps the old one.
    customStatus: customStatus === undefined ? row.customStatus : JSON.stringify(customStatus),
  };
}

function warningOf(outcome: Outcome, state: OrchestratorState | undefined): string | undefined {
  if (outcome.kind === "failed") return `failed: ${outcome.error}`;
  if (outcome.kind !== "running") return undefined;
  if (state?.hasThrown && !state.error) {
    return "threw something without a message: it stays Running for ever, as on Azure";
  }
  if (!outcome.hasReturned) return undefined;
  const tasks = outcome.openTasks === 1 ? "1 task is" : `${outcome.openTasks} tasks are`;
  return `returned but stays Running while ${tasks} open`;
}
