import type { OrchestrationContext, Task } from "durable-functions";
import { type AccessWindowInput, accessWindow } from "../../src/workflow/access-window.ts";
import { healEveryGate } from "../../src/workflow/heal.ts";
import { type Looking, lookAfterWindows } from "../../src/workflow/look-after.ts";
import { names } from "../../src/workflow/names.ts";
import { type Opening, openWindows } from "../../src/workflow/open-windows.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { createFaults, type Faults, type PlannedFault } from "./faults.ts";
import type { Process, World } from "./world.ts";

/** So long after a process has died, or lost everything around it, another one goes on with its work, in milliseconds. */
const restartMs = 5_000;

/** A task as an orchestration sees it: what it yields, and whether it has come to pass. */
interface Pending {
  isCompleted: boolean;
  readonly outcome: Promise<unknown>;
  cancel?(): void;
}

/** The durable engine of the platform in memory: it runs the orchestration itself on the virtual clock, in one process after the other. */
export interface Engine {
  /** Starts the orchestration of a VM of a request. */
  start(requestId: string): void;
  /** The word that somebody wants an end now. */
  endNow(requestId: string): void;
  /** From now on the sweep comes round, and the look at every gate, as their timers say. */
  startTimers(...works: readonly ("sweep" | "heal")[]): void;
  /** Orchestrations that are not at their end. */
  running(): readonly string[];
  /** Forgets every orchestration: whatever it is doing comes to nothing. */
  loseAll(): void;
  /** The calls that the first process made. */
  readonly faults: Faults;
}

export function createEngine(world: World, planned?: PlannedFault): Engine {
  const { clock } = world;
  const faults = createFaults(planned);
  let process = world.start(faults);
  let isReplaced = planned === undefined;
  const words = new Map<string, (value: unknown) => void>();
  const running = new Set<string>();
  let generation = 0;

  const isGone = () => !isReplaced && faults.hasStruck && planned !== undefined;
  const isDeadly = planned !== undefined && /dies|down/.test(planned.kind);
  const hangs = planned?.kind.startsWith("dies");

  /** Another process takes the place of one that is gone. */
  async function replaced(): Promise<Process> {
    if (isDeadly && isGone()) {
      await clock.pause(restartMs);
      isReplaced = true;
      process = world.start();
    }
    return process;
  }

  /** Does a piece of work; whatever dies with its process is done anew by the next one. */
  async function perform(work: (one: Process) => Promise<unknown>): Promise<unknown> {
    for (;;) {
      const one = await replaced();
      let isOver = false;
      const result = work(one).finally(() => {
        isOver = true;
      });
      const death = (async () => {
        while (!isOver && !(hangs && one !== process) && !(hangs && isGone())) {
          await clock.pause(1_000);
        }
        return dead;
      })();
      const outcome = await Promise.race([result, hangs ? death : result]);
      if (outcome !== dead || isOver) {
        return await result;
      }
    }
  }

  const activities: Readonly<Record<string, (one: Process, input: unknown) => Promise<unknown>>> = {
    [names.openWindows]: (one, input) => openWindows(one, input as Opening),
    [names.lookAfterWindows]: (one, input) => lookAfterWindows(one, input as Looking),
  };

  function contextOf(input: AccessWindowInput, onContinue: (next: AccessWindowInput) => void) {
    const task = (outcome: Promise<unknown>): Pending => {
      const pending: Pending = { isCompleted: false, outcome, cancel: () => undefined };
      const done = () => {
        pending.isCompleted = true;
      };
      outcome.then(done, done);
      return pending;
    };
    const df = {
      getInput: () => input,
      get currentUtcDateTime() {
        return clock.now();
      },
      waitForExternalEvent: () =>
        task(new Promise((resolve) => void words.set(input.requestId, resolve))),
      callActivity: (name: string, what: unknown) =>
        task(perform((one) => activities[name]?.(one, what) ?? Promise.reject(new Error(name)))),
      createTimer: (end: Date) =>
        task(clock.pause(Math.max(end.getTime() - clock.now().getTime(), 0))),
      Task: { any: (all: readonly Pending[]) => task(Promise.race(all.map((one) => one.outcome))) },
      continueAsNew: onContinue,
    };
    return { df } as unknown as OrchestrationContext;
  }

  async function orchestrate(first: AccessWindowInput, mine: number): Promise<void> {
    let input: AccessWindowInput | undefined = first;
    while (input !== undefined) {
      let next: AccessWindowInput | undefined;
      const steps = accessWindow(
        contextOf(input, (continued) => {
          next = continued;
        }),
      );
      let step = steps.next();
      while (step.done !== true) {
        const yielded = step.value as Task as unknown as Pending;
        try {
          const value = await yielded.outcome;
          if (mine !== generation) {
            return;
          }
          step = steps.next(value);
        } catch (error) {
          step = steps.throw(error);
        }
      }
      input = next;
    }
    running.delete(first.requestId);
  }

  async function every(
    [periodMs, phaseMs]: readonly [number, number],
    work: (one: Process) => Promise<void>,
  ): Promise<void> {
    for (;;) {
      const now = clock.now().getTime();
      const due = Math.floor((now - phaseMs) / periodMs + 1) * periodMs + phaseMs;
      await clock.pause(due - now);
      // Whatever fails or dies comes round again.
      const one = await replaced();
      void work(one).catch(() => undefined);
    }
  }

  return {
    faults,
    start(requestId) {
      running.add(requestId);
      void orchestrate({ requestId, vmIndex: 0 }, generation);
    },
    endNow: (requestId) => words.get(requestId)?.(undefined),
    startTimers(...works) {
      if (works.includes("sweep")) {
        void every([60_000, 0], sweep);
      }
      if (works.includes("heal")) {
        void every([600_000, 30_000], healEveryGate);
      }
    },
    running: () => [...running],
    loseAll() {
      generation += 1;
      running.clear();
    },
  };
}

const dead = Symbol("the process is dead");
