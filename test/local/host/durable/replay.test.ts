import { describe, expect, it } from "@jest/globals";
import type { ReplayLimits } from "../../../../local/host/durable/action-runner.ts";
import { eventTypes, type HistoryEvent, newEvent } from "../../../../local/host/durable/history.ts";
import type { Action, OrchestratorState } from "../../../../local/host/durable/orchestrator.ts";
import { decide } from "../../../../local/host/durable/replay.ts";

const DAY_MS = 86_400_000;
const limits: ReplayLimits = {
  maximumShortTimerMs: 6 * DAY_MS,
  longTimerSegmentMs: 3 * DAY_MS,
  isActivity: (name) => ["echo", "flaky"].includes(name),
  isOrchestrator: (name) => name === "child",
};
const start = "2026-11-22T16:22:47.823Z";
const at = (ms: number) => new Date(Date.parse(start) + ms).toISOString();

/** One turn's events, stamped `ms` after the start. */
const turn = (ms: number, ...events: readonly object[]): HistoryEvent[] =>
  [newEvent("OrchestratorStarted", {}), ...events].map(
    (event) => ({ ...event, Timestamp: at(ms) }) as HistoryEvent,
  );
const started = newEvent("ExecutionStarted", {
  Name: "approval",
  Version: "",
  Input: '{"waitMs":60000}',
  Tags: null,
  OrchestrationInstance: { InstanceId: "i1", ExecutionId: "0a23" },
  ParentInstance: null,
});
const activity = (id: number, name: string) =>
  newEvent("TaskScheduled", { Name: name, Version: "", Input: "[null]" }, id);
const completed = (id: number) => newEvent("TaskCompleted", { TaskScheduledId: id, Result: null });
const failed = (id: number) =>
  newEvent("TaskFailed", { TaskScheduledId: id, Reason: "no", Details: "" });
const timer = (id: number, fireAt: string) => newEvent("TimerCreated", { FireAt: fireAt }, id);
const fired = (id: number) => newEvent("TimerFired", { TimerId: id, FireAt: start });
const raised = (name: string) => newEvent("EventRaised", { Name: name, Input: "1" });
const state = (actions: readonly Action[], more: Partial<OrchestratorState> = {}) => ({
  isDone: false,
  actions: [actions],
  ...more,
});

const echo: Action = { actionType: 0, functionName: "echo", input: { step: "request" } };
const race: Action = {
  actionType: 11,
  compoundActions: [
    { actionType: 6, externalEventName: "Decision" },
    { actionType: 5, fireAt: at(60_003), isCanceled: false },
  ],
};
const flaky: Action = {
  actionType: 1,
  functionName: "flaky",
  input: { key: "r1" },
  retryOptions: {
    firstRetryIntervalInMilliseconds: 100,
    maxNumberOfAttempts: 3,
    backoffCoefficient: 2,
  },
};

describe("the replay of an action list", () => {
  it("schedules the first action once the execution has started", () => {
    const decision = decide(turn(0, started), state([echo]), limits);

    expect(decision.outcome).toMatchObject({ kind: "running", openTasks: 1, hasReturned: false });
    expect(decision.calls).toEqual([
      { kind: "activity", id: 0, name: "echo", input: '[{"step":"request"}]' },
    ]);
  });

  it("goes on where the recorded history ends", () => {
    const history = [...turn(0, started, activity(0, "echo")), ...turn(3, completed(0))];

    const decision = decide(history, state([echo, race]), limits);

    expect(decision.calls).toEqual([{ kind: "timer", id: 1, name: "", fireAt: at(60_003) }]);
  });

  it("has nothing new to do when history holds it all", () => {
    const history = [
      ...turn(0, started, activity(0, "echo")),
      ...turn(3, completed(0), timer(1, at(60_003))),
    ];

    expect(decide(history, state([echo, race]), limits).calls).toEqual([]);
  });

  it("is over when the orchestration is, and its timer cancelled", () => {
    const history = [
      ...turn(0, started, activity(0, "echo")),
      ...turn(3, completed(0), timer(1, at(60_003))),
      ...turn(9, raised("Decision")),
    ];
    const cancelled = {
      ...race,
      compoundActions: [
        { actionType: 6, externalEventName: "Decision" },
        { actionType: 5, fireAt: at(60_003), isCanceled: true },
      ],
    };

    const decision = decide(
      history,
      state([echo, cancelled], { isDone: true, output: { ok: 1 } }),
      limits,
    );

    expect(decision.outcome).toEqual({ kind: "completed", output: '{"ok":1}' });
    expect(decision.cancelledTimers).toEqual([1]);
  });

  it("stays running while a timer nobody cancelled is open", () => {
    const history = [...turn(0, started, timer(0, at(60_003))), ...turn(9, raised("Decision"))];

    const decision = decide(history, state([race], { isDone: true, output: 1 }), limits);

    expect(decision.outcome).toEqual({ kind: "running", openTasks: 1, hasReturned: true });
  });

  it("keeps an event that came before anybody waited for it, whatever the case of its name", () => {
    const history = turn(0, started, raised("decision"));

    const { outcome } = decide(history, state([race], { isDone: true }), limits);

    expect(outcome).toMatchObject({ kind: "running", openTasks: 1 });
  });

  it("puts a timer behind every failed attempt, also the last", () => {
    const attempt = (ms: number, from: number) => [
      ...turn(ms, ...(from ? [fired(from - 1)] : [started]), activity(from, "flaky")),
      ...turn(ms + 1, failed(from)),
    ];
    const first = attempt(0, 0);
    const second = [...first, { ...timer(1, start), Timestamp: start }, ...attempt(101, 2)];
    const third = [...second, { ...timer(3, start), Timestamp: start }, ...attempt(302, 4)];

    const delays = [first, second, third].map(
      (history) => decide(history, state([flaky]), limits).calls,
    );

    expect(delays).toEqual([
      [{ kind: "timer", id: 1, name: "", fireAt: at(1 + 100) }],
      [{ kind: "timer", id: 3, name: "", fireAt: at(102 + 200) }],
      [{ kind: "timer", id: 5, name: "", fireAt: at(303) }],
    ]);
  });

  it("cuts a timer of 30 days into pieces of 3 days", () => {
    const long: Action = { actionType: 5, fireAt: at(30 * DAY_MS) };
    const first = turn(0, started);
    const second = [
      ...first,
      { ...timer(0, start), Timestamp: start },
      ...turn(3 * DAY_MS, fired(0)),
    ];

    const calls = [first, second].map((history) => decide(history, state([long]), limits).calls);

    expect(calls).toEqual([
      [{ kind: "timer", id: 0, name: "", fireAt: at(3 * DAY_MS) }],
      [{ kind: "timer", id: 1, name: "", fireAt: at(6 * DAY_MS) }],
    ]);
  });

  it("names a child after the execution and the call when nobody named it", () => {
    const child: Action = { actionType: 2, functionName: "child", input: { a: 1 } };

    expect(decide(turn(0, started), state([child]), limits).calls).toEqual([
      { kind: "child", id: 0, name: "child", instanceId: "0a23:0", input: '{"a":1}' },
    ]);
  });

  it("starts over with the new input and no output", () => {
    const next: Action = { actionType: 4, input: { n: 1 } };

    const decision = decide(turn(0, started), state([next], { isDone: true }), limits);

    expect(decision.outcome).toEqual({ kind: "continuedAsNew", input: '{"n":1}' });
  });

  it.each([
    { case: "another activity", event: activity(0, "flaky"), names: "named 'flaky'" },
    { case: "another kind", event: timer(0, at(5)), names: "a timer task" },
    { case: "one too many", event: activity(7, "echo"), names: "sequence ID 7" },
  ])("fails when history holds $case", ({ event, names }) => {
    const history = turn(0, started, event);

    const { outcome } = decide(history, state([echo]), limits);

    expect(outcome).toMatchObject({
      kind: "failed",
      error: expect.stringMatching(new RegExp(`Non-Deterministic workflow.*${names}`)),
    });
  });

  it("numbers events as the SDK does", () => {
    expect(eventTypes).toMatchObject({ TaskScheduled: 4, TimerFired: 11, EventRaised: 15 });
  });
});
