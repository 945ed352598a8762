/** Orchestrations made of data, so that a property test can make up thousands of them. */

import type { OrchestrationContext, Task } from "durable-functions";
import * as df from "durable-functions";
import fc from "fast-check";

export type Leaf =
  | { readonly kind: "activity"; readonly value: number }
  | { readonly kind: "child"; readonly value: number }
  | { readonly kind: "retried"; readonly failures: number; readonly attempts: number }
  | { readonly kind: "timer"; readonly ms: number };
export type Step =
  | Leaf
  | { readonly kind: "all"; readonly of: readonly Leaf[] }
  | { readonly kind: "race"; readonly of: Leaf; readonly ms: number }
  | { readonly kind: "event"; readonly name: string };

type Values = Generator<Task, unknown, unknown>;

df.app.activity("value", { handler: ({ value }: { value: number }) => value });
df.app.orchestration("valueChild", function* (context): Values {
  return yield context.df.callActivity("value", context.df.getInput());
});
// The one who simulates decides how an attempt ends.
df.app.activity("attempt", { handler: () => "unused" });

df.app.orchestration("program", function* (context): Values {
  const { steps } = context.df.getInput() as { steps: Step[] };
  const results: unknown[] = [];
  for (const step of steps) {
    try {
      results.push(yield* runStep(context, step, `${results.length}`));
    } catch (error) {
      results.push((error as Error).message);
    }
  }
  return results;
});

function* runStep(context: OrchestrationContext, step: Step, label: string): Values {
  switch (step.kind) {
    case "all": {
      const tasks = step.of.map((leaf, index) => taskOf(context, leaf, `${label}.${index}`));
      const values = (yield context.df.Task.all(tasks)) as unknown[];
      return values.map((value, index) => withoutTime(step.of[index], value));
    }
    case "event":
      return yield context.df.waitForExternalEvent(step.name);
    case "race": {
      const timer = taskOf(context, { kind: "timer", ms: step.ms }, label) as df.TimerTask;
      const task = taskOf(context, step.of, label);
      const winner = yield context.df.Task.any([task, timer]);
      if (winner === timer) return "too late";
      timer.cancel();
      return task.result;
    }
    default:
      return withoutTime(step, yield taskOf(context, step, label));
  }
}

/** The SDK's value of a long timer has an entry for each piece, and the pieces depend on when it was looked at. */
function withoutTime(leaf: Leaf | undefined, value: unknown): unknown {
  return leaf?.kind === "timer" ? "time" : value;
}

function taskOf({ df: context }: OrchestrationContext, leaf: Leaf, label: string): Task {
  switch (leaf.kind) {
    case "activity":
      return context.callActivity("value", { value: leaf.value });
    case "child":
      return context.callSubOrchestrator("valueChild", { value: leaf.value });
    case "timer":
      return context.createTimer(new Date(context.currentUtcDateTime.getTime() + leaf.ms));
    case "retried": {
      const options = new df.RetryOptions(1_000, leaf.attempts);
      return context.callActivityWithRetry("attempt", options, { label, failures: leaf.failures });
    }
  }
}

const DAY_MS = 86_400_000;
const timed = fc.record({
  kind: fc.constant("timer" as const),
  // Short ones, and long ones that go in pieces.
  ms: fc.oneof(
    fc.integer({ min: 0, max: 100_000 }),
    fc.integer({ min: 7, max: 40 }).map((days) => days * DAY_MS),
  ),
});
const called = fc.record({
  kind: fc.constantFrom("activity" as const, "child" as const),
  value: fc.nat(9),
});
const retried = fc.record({
  kind: fc.constant("retried" as const),
  failures: fc.nat(3),
  attempts: fc.integer({ min: 1, max: 3 }),
});
const leaf = fc.oneof(called, timed, retried);
/**
 * In a Task.all nothing fails for good. The SDK goes on at the first failure while the extension waits for all, so that whatever takes new
 * ids meanwhile (retries, long timers) gets different ones on the two sides: on Azure such an orchestration breaks, and here too.
 */
const succeeding = fc.oneof(
  called,
  timed,
  fc.nat(3).map((failures) => ({ kind: "retried" as const, failures, attempts: failures + 1 })),
);

/** Programs whose result does not depend on the order in which things happen. */
export const orderFreeProgram: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    leaf,
    fc.record({
      kind: fc.constant("all" as const),
      of: fc.array(succeeding, { minLength: 1, maxLength: 4 }),
    }),
  ),
  { maxLength: 5 },
);

/** Programs with races and events; only their end is certain. */
export const anyProgram: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    called,
    fc.record({
      kind: fc.constant("race" as const),
      of: called,
      ms: fc.integer({ min: 1, max: 100_000 }),
    }),
    fc.record({ kind: fc.constant("event" as const), name: fc.constantFrom("A", "B") }),
    fc.record({
      kind: fc.constant("all" as const),
      of: fc.array(succeeding, { minLength: 1, maxLength: 3 }),
    }),
  ),
  { maxLength: 5 },
);
