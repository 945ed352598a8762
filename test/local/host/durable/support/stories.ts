/** Orchestrations that use everything the engine offers; both Jest and the child processes of the crash test load them. */

import type { OrchestrationContext } from "durable-functions";
import * as df from "durable-functions";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What activities do to the world; tests put their own in. Called with a key that is the same on every attempt. */
export const world = {
  effect: async (_key: string): Promise<void> => {},
  /** How often each activity key failed so far. */
  failures: new Map() as Pick<Map<string, number>, "get" | "set">,
};

df.app.activity("echo", {
  handler: async (input: { key: string; value?: unknown }) => {
    await world.effect(input.key);
    return input.value ?? null;
  },
});

/** Fails as often as asked, then succeeds. */
df.app.activity("flaky", {
  handler: async ({ key, failures }: { key: string; failures: number }) => {
    const failed = world.failures.get(key) ?? 0;
    if (failed < failures) {
      world.failures.set(key, failed + 1);
      throw new Error(`not yet: ${key}`);
    }
    await world.effect(key);
    return `${key} done`;
  },
});

df.app.activity("shout", { handler: (text: string) => text.toUpperCase() });
df.app.activity("nothing", { handler: () => undefined });

type Steps = Generator<df.Task, unknown, unknown>;
type Valueless = Generator<df.Task, void, unknown>;
const keyOf = (context: OrchestrationContext, step: string) => `${context.df.instanceId}/${step}`;
const after = (context: OrchestrationContext, ms: number) =>
  context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + ms));

df.app.orchestration("steps", function* (context): Steps {
  const results: unknown[] = [];
  for (const step of ["one", "two", "three"]) {
    results.push(yield context.df.callActivity("echo", { key: keyOf(context, step), value: step }));
  }
  return results;
});

df.app.orchestration("fanOut", function* (context): Steps {
  const count = 5;
  const tasks = Array.from({ length: count }, (_, index) =>
    context.df.callActivity("echo", { key: keyOf(context, `${index}`), value: index }),
  );
  return yield context.df.Task.all(tasks);
});

df.app.orchestration("parent", function* (context): Steps {
  const first = yield context.df.callActivity("echo", { key: keyOf(context, "before"), value: 1 });
  const child = yield context.df.callSubOrchestrator("steps", null, `${context.df.instanceId}-kid`);
  const unnamed = yield context.df.callSubOrchestrator("fanOut");
  return { first, child, unnamed };
});

df.app.orchestration("retrying", function* (context): Steps {
  const options = new df.RetryOptions(20, 4);
  options.backoffCoefficient = 2;
  const input = { key: keyOf(context, "flaky"), failures: 2 };
  return yield context.df.callActivityWithRetry("flaky", options, input);
});

df.app.orchestration("givingUp", function* (context): Steps {
  const options = new df.RetryOptions(1_000, 3);
  try {
    yield context.df.callActivityWithRetry("flaky", options, { key: "never", failures: 99 });
  } catch (error) {
    return { caught: (error as Error).message, at: context.df.currentUtcDateTime.toISOString() };
  }
  return "unexpected";
});

/** Waits for a decision, for so long; then for its confirmation. */
df.app.orchestration("waiting", function* (context): Steps {
  const { ms } = context.df.getInput() as { ms: number };
  context.df.setCustomStatus({ waitingFor: "Decision" });
  const decision = context.df.waitForExternalEvent("Decision");
  const timeout = after(context, ms);
  const winner = yield context.df.Task.any([decision, timeout]);
  if (winner === timeout) return { timedOut: true };
  timeout.cancel();
  yield context.df.callActivity("echo", { key: keyOf(context, "decided") });
  return { decision: decision.result };
});

/** Counts down, a new execution for each number, and notes each. */
df.app.orchestration("counting", function* (context): Steps {
  const { left, seen = [] } = context.df.getInput() as { left: number; seen?: number[] };
  yield context.df.callActivity("echo", { key: keyOf(context, `left ${left}`) });
  if (left === 0) return { seen: [...seen, left] };
  context.df.continueAsNew({ left: left - 1, seen: [...seen, left] });
  return undefined;
});

/** Takes three events in three executions. */
df.app.orchestration("collecting", function* (context): Steps {
  const { got = [] } = (context.df.getInput() ?? {}) as { got?: unknown[] };
  yield context.df.callActivity("echo", { key: keyOf(context, `item ${got.length}`) });
  const event = yield context.df.waitForExternalEvent("Item");
  if (got.length === 2) return [...got, event];
  context.df.continueAsNew({ got: [...got, event] });
  return undefined;
});

/** Takes three events in one execution. */
df.app.orchestration("gathering", function* (context): Steps {
  const got: unknown[] = [];
  while (got.length < 3) got.push(yield context.df.waitForExternalEvent("Item"));
  return got;
});

/** A window of many days: timers of at most 5 days, each raced with an early end and cancelled in its own Task.any. */
df.app.orchestration("window", function* (context): Steps {
  const { days } = context.df.getInput() as { days: number };
  const closesAt = context.df.currentUtcDateTime.getTime() + days * DAY_MS;
  yield context.df.callActivity("echo", { key: keyOf(context, "open") });
  let reason = "time";
  while (context.df.currentUtcDateTime.getTime() < closesAt) {
    const leftMs = closesAt - context.df.currentUtcDateTime.getTime();
    const end = context.df.waitForExternalEvent("End");
    const timer = after(context, Math.min(leftMs, 5 * DAY_MS));
    const winner = yield context.df.Task.any([end, timer]);
    if (winner === end) {
      timer.cancel();
      reason = "asked";
      break;
    }
  }
  yield context.df.callActivity("echo", { key: keyOf(context, "close") });
  return { reason, closedAt: context.df.currentUtcDateTime.toISOString() };
});

/** Works a little between pauses, which may be short. */
df.app.orchestration("pausing", function* (context): Steps {
  const { ms } = context.df.getInput() as { ms: number };
  for (let pause = 0; pause < 4; pause++) {
    yield after(context, ms);
    yield context.df.callActivity("echo", { key: keyOf(context, `pause ${pause}`) });
  }
  return "rested";
});

df.app.orchestration("longTimer", function* (context): Steps {
  yield after(context, 30 * DAY_MS);
  yield context.df.callActivity("echo", { key: keyOf(context, "end") });
  return context.df.currentUtcDateTime.toISOString();
});

/** Returns while a timer that nobody waits for is still open. */
df.app.orchestration("leavingATimer", function* (context): Steps {
  const timer = after(context, HOUR_MS);
  yield context.df.Task.any([context.df.callActivity("shout", "done"), timer]);
  return "returned";
});

df.app.orchestration("cancelledLongTimer", function* (context): Steps {
  const end = context.df.waitForExternalEvent("End");
  const timer = after(context, 10 * DAY_MS);
  yield context.df.Task.any([end, timer]);
  timer.cancel();
  return "ended early";
});

df.app.orchestration("shouting", function* (context): Steps {
  const voids = yield context.df.callActivity("nothing");
  const text = yield context.df.callActivity("shout", "a");
  return { voids, text };
});

df.app.orchestration("failing", function* (context): Valueless {
  yield context.df.callActivity("flaky", { key: "always", failures: 99 });
});

df.app.orchestration("failingParent", function* (context): Valueless {
  yield context.df.callSubOrchestrator("failing", {}, `${context.df.instanceId}-kid`);
});

df.app.orchestration("retriedChild", function* (context): Steps {
  const options = new df.RetryOptions(1_000, 3);
  const id = `${context.df.instanceId}-kid`;
  return yield context.df.callSubOrchestratorWithRetry("failingTwice", options, { id }, id);
});

df.app.orchestration("failingTwice", function* (context): Steps {
  const { id } = context.df.getInput() as { id: string };
  return yield context.df.callActivity("flaky", { key: id, failures: 2 });
});

// biome-ignore lint/correctness/useYield: it throws before it would.
df.app.orchestration("throwing", function* (context): Steps {
  throw new Error((context.df.getInput() as { text: string }).text);
});

df.app.orchestration("missingActivity", function* (context): Valueless {
  yield context.df.callActivity("notThere");
});

df.app.orchestration("missingChild", function* (context): Valueless {
  yield context.df.callSubOrchestrator("notThere");
});

df.app.orchestration("noDate", function* (context): Valueless {
  yield context.df.createTimer(new Date(Number.NaN));
});

df.app.orchestration("entity", function* (context): Valueless {
  yield context.df.callEntity(new df.EntityId("counter", "a"), "add", 1);
});

df.app.orchestration("http", function* (context): Valueless {
  yield context.df.callHttp({ method: "GET", url: "http://127.0.0.1/" });
});
