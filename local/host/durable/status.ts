import { eventName, eventTypes, type HistoryEvent } from "./history.ts";
import { hasEnded, type InstanceRow } from "./store.ts";

/** An instance as the management API shows it. Input and output are always there: the SDK throws where one is missing. */
export function toStatus(
  row: InstanceRow,
  show: { readonly input: boolean; readonly history?: readonly unknown[] },
): Record<string, unknown> {
  return {
    name: row.name,
    instanceId: row.instanceId,
    runtimeStatus: row.runtimeStatus,
    input: show.input ? parsed(row.input) : null,
    customStatus: parsed(row.customStatus),
    output: parsed(row.output),
    createdTime: toSeconds(row.createdAt),
    lastUpdatedTime: toSeconds(row.updatedAt),
    ...(show.history && { historyEvents: show.history }),
  };
}

/** Running answers differ from ended ones in their status code. */
export function statusCode(row: InstanceRow, failsLoudly: boolean): number {
  if (!hasEnded(row.runtimeStatus)) return 202;
  return row.runtimeStatus === "Failed" && failsLoudly ? 500 : 200;
}

/** History for reading: kinds as words, turns left out, what was scheduled folded into how it ended. */
export function toHistoryEvents(history: readonly HistoryEvent[], showOutput: boolean): unknown[] {
  const scheduled = new Map<number, HistoryEvent>();
  return history.flatMap((event) => {
    switch (event.EventType) {
      case eventTypes.OrchestratorStarted:
      case eventTypes.OrchestratorCompleted:
        return [];
      case eventTypes.TaskScheduled:
      case eventTypes.SubOrchestrationInstanceCreated:
      case eventTypes.TimerCreated:
        scheduled.set(event.EventId, event);
        return event.EventType === eventTypes.TimerCreated ? [readable(event, showOutput)] : [];
      case eventTypes.TaskCompleted:
      case eventTypes.TaskFailed:
      case eventTypes.SubOrchestrationInstanceCompleted:
      case eventTypes.SubOrchestrationInstanceFailed: {
        const call = scheduled.get(event.TaskScheduledId);
        const name = call && "Name" in call ? { FunctionName: call.Name } : {};
        const when = call && { ScheduledTime: call.Timestamp };
        return [{ ...readable(event, showOutput), ...when, ...name }];
      }
      default:
        return [readable(event, showOutput)];
    }
  });
}

function readable(event: HistoryEvent, showOutput: boolean): Record<string, unknown> {
  const { EventId: _id, MessageKey: _key, ...rest } = event;
  const shown: Record<string, unknown> = { ...rest, EventType: eventName(event) };
  if ("Result" in shown) shown["Result"] = showOutput ? parsed(String(shown["Result"])) : null;
  if ("Input" in shown) shown["Input"] = showOutput ? shown["Input"] : null;
  return shown;
}

function parsed(json: string | null): unknown {
  return json === null ? null : JSON.parse(json);
}

/** As the extension writes times: whole seconds. */
function toSeconds(iso: string): string {
  return `${iso.slice(0, 19)}Z`;
}
