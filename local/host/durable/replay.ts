import { ActionRunner, type ReplayLimits } from "./action-runner.ts";
import { eventTypes, type HistoryEvent } from "./history.ts";
import type { OrchestratorState } from "./orchestrator.ts";
import { type Call, Schedule } from "./schedule.ts";

/** How an execution stands after a turn. `output` and `input` are JSON texts, `error` and `reason` plain text. */
export type Outcome =
  | { readonly kind: "running"; readonly openTasks: number; readonly hasReturned: boolean }
  | { readonly kind: "completed"; readonly output: string | null }
  | { readonly kind: "failed"; readonly error: string }
  | { readonly kind: "continuedAsNew"; readonly input: string | null }
  | { readonly kind: "terminated"; readonly reason: string };

export interface Decision {
  /** New work, in the order of its ids; none when the execution has ended. */
  readonly calls: readonly Call[];
  readonly outcome: Outcome;
  /** Every timer given up so far in this execution. */
  readonly cancelledTimers: readonly number[];
}

/**
 * What an execution wants next. Interprets the action list the SDK returned against the same history, as the extension and DurableTask.Core
 * do on Azure: actions run one after the other, one counter gives ids, and what was scheduled but stands in no history event is new work.
 * Pure: the same history and state always give the same answer.
 */
export function decide(
  history: readonly HistoryEvent[],
  state: OrchestratorState,
  limits: ReplayLimits,
): Decision {
  const replay = new Replay(state, limits);
  for (const event of history) {
    replay.process(event);
    if (replay.verdict) break;
  }
  return replay.decision();
}

class Replay {
  /** Set when the execution ends whatever its tasks do. */
  verdict: Outcome | undefined;
  readonly #state: OrchestratorState;
  readonly #limits: ReplayLimits;
  readonly #schedule = new Schedule();
  readonly #runner: ActionRunner;
  #hasRunAll = false;
  #name = "";

  constructor(state: OrchestratorState, limits: ReplayLimits) {
    this.#state = state;
    this.#limits = limits;
    this.#runner = new ActionRunner(this.#schedule, limits);
  }

  process(event: HistoryEvent): void {
    switch (event.EventType) {
      case eventTypes.OrchestratorStarted:
        this.#schedule.moveTo(Date.parse(event.Timestamp));
        break;
      case eventTypes.ExecutionStarted:
        this.#name = event.Name;
        this.#schedule.executionId = event.OrchestrationInstance.ExecutionId;
        this.#runFrom(0);
        break;
      case eventTypes.TaskScheduled:
        this.#confirm(event.EventId, "activity", event.Name);
        break;
      case eventTypes.SubOrchestrationInstanceCreated:
        this.#confirm(event.EventId, "child", event.Name);
        break;
      case eventTypes.TimerCreated:
        this.#confirm(event.EventId, "timer", "");
        break;
      case eventTypes.TaskCompleted:
      case eventTypes.SubOrchestrationInstanceCompleted:
        this.#schedule.complete(event.TaskScheduledId, false);
        break;
      case eventTypes.TaskFailed:
      case eventTypes.SubOrchestrationInstanceFailed:
        this.#schedule.complete(event.TaskScheduledId, true);
        break;
      case eventTypes.TimerFired:
        this.#schedule.complete(event.TimerId, false);
        break;
      case eventTypes.EventRaised:
        this.#schedule.raise(event.Name);
        break;
      default:
        break;
    }
    if (this.#runner.refusal) this.#fail(this.#runner.refusal);
  }

  decision(): Decision {
    const calls = this.#schedule.newCalls();
    this.#refuseUnknown(calls);
    const outcome = this.verdict ?? this.#outcome();
    return {
      calls: outcome.kind === "running" ? calls : [],
      outcome,
      cancelledTimers: this.#schedule.cancelledTimers,
    };
  }

  #runFrom(index: number): void {
    const action = this.#state.actions[0]?.[index];
    if (action) this.#runner.run(action, () => this.#runFrom(index + 1));
    else this.#hasRunAll = true;
  }

  /** History is what happened: this replay must have made the same call by now (message text: Azure/durabletask). */
  #confirm(id: number, kind: Call["kind"], name: string): void {
    if (this.#schedule.confirm(id, kind, name)) return;
    const what = name ? `${taskWords[kind]} task named '${name}'` : `${taskWords[kind]} task`;
    this.#fail(
      `Non-Deterministic workflow detected: A previous execution of this orchestration scheduled ${what} with sequence ID ${id} ` +
        "but the current replay execution hasn't (yet?) scheduled this task. Was a change made to the orchestrator code " +
        "after this instance had already started running?",
    );
  }

  /** On Azure a missing function can leave the instance running for ever; here it fails at once. */
  #refuseUnknown(calls: readonly Call[]): void {
    for (const call of calls) {
      if (call.kind === "activity" && !this.#limits.isActivity(call.name)) {
        this.#fail(missing(call.name, "an activity"));
      }
      if (call.kind === "child" && !this.#limits.isOrchestrator(call.name)) {
        this.#fail(missing(call.name, "an orchestrator"));
      }
    }
  }

  #fail(error: string): void {
    this.verdict ??= {
      kind: "failed",
      error: `Orchestrator function '${this.#name}' failed: ${error}`,
    };
  }

  #outcome(): Outcome {
    const { isDone, error, output } = this.#state;
    const hasReturned = isDone || Boolean(error);
    // An execution ends only when nothing it started is open any more, not even a timer nobody waits for.
    const openTasks = this.#schedule.openTasks;
    if (!hasReturned || !this.#hasRunAll || openTasks > 0) {
      return { kind: "running", openTasks, hasReturned };
    }
    if (error) {
      return { kind: "failed", error: `Orchestrator function '${this.#name}' failed: ${error}` };
    }
    const next = this.#runner.continuation;
    if (next) return { kind: "continuedAsNew", input: next.input };
    return { kind: "completed", output: output === undefined ? null : JSON.stringify(output) };
  }
}

const taskWords = { activity: "an activity", child: "a sub-orchestration", timer: "a timer" };

function missing(name: string, role: string): string {
  return `The function '${name}' doesn't exist, is disabled, or is not ${role} function.`;
}
