import type { App, HostClock } from "../app.ts";
import { runActivity } from "./activity.ts";
import { completedTask, eventTypes, newEvent } from "./history.ts";
import type { LiveInstance, Message } from "./live-instance.ts";
import type { Call } from "./schedule.ts";
import type { Work } from "./work.ts";

export type ChildCall = Call & { readonly kind: "child" };

export interface DispatchTools {
  readonly app: App;
  readonly clock: HostClock;
  readonly work: Work;
  /** How often an activity runs; only tests want more than once. */
  activityRuns(name: string): number;
  /** Hands a message to an instance, if that is still open. */
  deliver(instanceId: string, message: Message): void;
  openChild(parent: LiveInstance, call: ChildCall): Promise<void>;
}

/** Sets scheduled work going: activities, timers, children. Nothing here is stored; a restart finds it in the histories. */
export class Dispatcher {
  readonly #tools: DispatchTools;

  constructor(tools: DispatchTools) {
    this.#tools = tools;
  }

  begin(instance: LiveInstance, calls: readonly Call[]): void {
    for (const call of calls) {
      switch (call.kind) {
        case "activity":
          this.#run(instance, call);
          break;
        case "timer":
          this.#arm(instance, call);
          break;
        case "child":
          this.#track(this.#tools.openChild(instance, call));
          break;
      }
    }
  }

  cancelTimers(instance: LiveInstance, ids: readonly number[]): void {
    for (const id of ids) {
      instance.timers.get(id)?.();
      instance.timers.delete(id);
    }
  }

  /** Begins again what history says was scheduled and not completed: activities run at least once. */
  resume(instance: LiveInstance): void {
    this.begin(instance, openCalls(instance));
  }

  #run(instance: LiveInstance, call: Call & { readonly kind: "activity" }): void {
    const { instanceId, executionId } = instance.row;
    for (let run = 0; run < this.#tools.activityRuns(call.name); run++) {
      const ended = runActivity(this.#tools.app, call, instanceId);
      this.#track(ended.then((event) => this.#tools.deliver(instanceId, { executionId, event })));
    }
  }

  #arm(instance: LiveInstance, { id, fireAt }: Call & { readonly kind: "timer" }): void {
    const { instanceId, executionId } = instance.row;
    const fire = () => {
      instance.timers.delete(id);
      const event = newEvent("TimerFired", { TimerId: id, FireAt: fireAt });
      this.#tools.deliver(instanceId, { executionId, event });
    };
    instance.timers.set(id, this.#tools.clock.at(new Date(fireAt), fire));
  }

  #track(work: Promise<void>): void {
    void this.#tools.work.track(work);
  }
}

function openCalls({ past }: LiveInstance): Call[] {
  const closed = new Set<number>();
  for (const event of past) {
    const task = completedTask(event);
    if (task !== undefined) closed.add(task);
    if (event.EventType === eventTypes.OrchestratorCompleted) {
      for (const id of event.CancelledTimers ?? []) closed.add(id);
    }
  }
  return past.flatMap((event): Call[] => {
    const id = event.EventId;
    if (closed.has(id)) return [];
    switch (event.EventType) {
      case eventTypes.TaskScheduled:
        return [{ kind: "activity", id, name: event.Name, input: event.Input }];
      case eventTypes.TimerCreated:
        return [{ kind: "timer", id, name: "", fireAt: event.FireAt }];
      case eventTypes.SubOrchestrationInstanceCreated:
        return [
          { kind: "child", id, name: event.Name, instanceId: event.InstanceId, input: event.Input },
        ];
      default:
        return [];
    }
  });
}
