import type { App } from "../../../../../local/host/app.ts";
import { type NewEvent, newEvent } from "../../../../../local/host/durable/history.ts";
import { LiveInstance, type Message } from "../../../../../local/host/durable/live-instance.ts";
import type { Call } from "../../../../../local/host/durable/schedule.ts";
import type { InstanceRow } from "../../../../../local/host/durable/store.ts";
import { type TurnResult, takeTurn } from "../../../../../local/host/durable/turn.ts";
import type { Step } from "./programs.ts";

/** Chooses a number below `limit`; a property test feeds it. */
export type Choose = (limit: number) => number;

const start = new Date("2026-11-22T12:00:00Z");
const everything = (queue: readonly Message[]) => queue;

function aRow(steps: readonly Step[]): InstanceRow {
  const now = start.toISOString();
  return {
    instanceId: "i1",
    name: "program",
    version: "",
    executionId: "e1",
    runtimeStatus: "Pending",
    input: JSON.stringify({ steps }),
    output: null,
    customStatus: null,
    createdAt: now,
    updatedAt: now,
    parent: null,
    consumed: [],
  };
}

/** Runs a program without any store: what is open completes in an order, and in batches, that `choose` picks. */
export async function simulate(app: App, steps: readonly Step[], choose: Choose) {
  const instance = new LiveInstance(aRow(steps));
  const turns: TurnResult["events"][] = [];
  const open: NewEvent[] = steps.flatMap((step) =>
    step.kind === "event" ? [newEvent("EventRaised", { Name: step.name, Input: '"hi"' })] : [],
  );
  const failures = new Map<string, number>();
  for (let number = 0; !instance.isOver; number++) {
    if (number > 0 && open.length === 0) throw new Error("Stuck: nothing is open.");
    const batch = number === 0 ? 0 : 1 + choose(open.length);
    for (let taken = 0; taken < batch; taken++) {
      const event = open.splice(choose(open.length), 1)[0];
      if (event) instance.queue.push(toMessage(event, `${number}-${taken}`));
    }
    const taken = instance.nextBatch(everything);
    const result = await takeTurn(app, instance, taken, start);
    turns.push(result.events);
    instance.finish(taken, result.events, result.row);
    open.push(...result.calls.map((call) => completionOf(call, failures)));
  }
  return { row: instance.row, turns };
}

/** What a process that starts now would do with the first turns of a history, were nothing new to happen. */
export async function replayOf(
  app: App,
  steps: readonly Step[],
  turns: readonly TurnResult["events"][],
) {
  const instance = new LiveInstance(aRow(steps));
  instance.restore(turns);
  return await takeTurn(app, instance, instance.nextBatch(everything), start);
}

function toMessage(event: NewEvent, key: string): Message {
  return event.EventType === 15 ? { event, key } : { event, executionId: "e1" };
}

/** An attempt fails as often as its input says; everything else works. */
function completionOf(call: Call, failures: Map<string, number>): NewEvent {
  const TaskScheduledId = call.id;
  switch (call.kind) {
    case "timer":
      return newEvent("TimerFired", { TimerId: call.id, FireAt: call.fireAt });
    case "child": {
      const { value } = JSON.parse(call.input ?? "{}");
      return newEvent("SubOrchestrationInstanceCompleted", {
        TaskScheduledId,
        Result: JSON.stringify(value),
      });
    }
    case "activity": {
      const [{ value, failures: wanted = 0 }] = JSON.parse(call.input);
      const failed = failures.get(call.input) ?? 0;
      failures.set(call.input, failed + 1);
      if (failed < wanted) {
        return newEvent("TaskFailed", { TaskScheduledId, Reason: "not yet", Details: "{}" });
      }
      return newEvent("TaskCompleted", { TaskScheduledId, Result: JSON.stringify(value ?? "ok") });
    }
  }
}
