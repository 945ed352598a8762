import { randomUUID } from "node:crypto";
import { idKey } from "./arm-id.ts";

interface OperationError {
  readonly code: string;
  readonly message: string;
  readonly details: readonly { readonly code: string; readonly message: string }[];
}

/** One long-running operation; `target` is the resource it writes, `endsAt` milliseconds since 1970. */
export interface Operation {
  readonly id: string;
  /** Azure's own name, as its error texts show it: `PutSecurityRuleOperation`. */
  readonly name: string;
  readonly target: string;
  readonly endsAt: number;
  readonly status: "InProgress" | "Succeeded" | "Failed" | "Canceled";
  readonly error?: OperationError;
}

export interface Operations {
  get(id: string): Operation | undefined;
  /** The operation that still writes the resource, if any. */
  running(target: string): Operation | undefined;
  start(name: string, target: string): Operation;
  /** Ends `earlier` as Canceled because `later` took its place. */
  supersede(earlier: Operation, later: Operation): void;
  snapshot(): readonly Operation[];
  /** Stops the clocks; what runs stays InProgress and ends after the next start. */
  stop(): void;
}

/** Ended operations can be polled until this many newer ones have started. */
const kept = 500;

interface Options {
  readonly initial: readonly Operation[];
  readonly durationMs: number;
  readonly now: () => Date;
  /** Called when an operation has run its time, just before it counts as Succeeded. */
  readonly ended: (operation: Operation) => void;
  readonly changed: () => void;
}

/** Operations that were running in `initial` are taken up again and end when they were to end, or at once if that is past. */
export function createOperations(options: Options): Operations {
  const all = new Map(options.initial.map((operation) => [operation.id, operation]));
  const timers = new Map<string, NodeJS.Timeout>();

  function change(operation: Operation): void {
    all.set(operation.id, operation);
    options.changed();
  }
  function wait(operation: Operation): void {
    const remainingMs = Math.max(0, operation.endsAt - options.now().getTime());
    timers.set(
      operation.id,
      setTimeout(() => {
        timers.delete(operation.id);
        options.ended(operation);
        change({ ...operation, status: "Succeeded" });
      }, remainingMs),
    );
  }
  function forgetOldest(): void {
    for (const operation of all.values()) {
      if (all.size <= kept) return;
      if (operation.status !== "InProgress") all.delete(operation.id);
    }
  }

  for (const operation of all.values()) if (operation.status === "InProgress") wait(operation);
  return {
    get: (id) => all.get(id.toLowerCase()),
    running(target) {
      const key = idKey(target);
      return [...all.values()].findLast(
        (operation) => operation.status === "InProgress" && idKey(operation.target) === key,
      );
    },
    start(name, target) {
      const endsAt = options.now().getTime() + options.durationMs;
      const operation: Operation = { id: randomUUID(), name, target, endsAt, status: "InProgress" };
      change(operation);
      wait(operation);
      forgetOldest();
      return operation;
    },
    supersede(earlier, later) {
      clearTimeout(timers.get(earlier.id));
      timers.delete(earlier.id);
      change({ ...earlier, status: "Canceled", error: superseded(earlier, later) });
    },
    snapshot: () => [...all.values()],
    stop() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}

/** The wording is Azure's (from a public Terraform log). */
function superseded(earlier: Operation, later: Operation): OperationError {
  return {
    code: "Canceled",
    message: "Operation was canceled.",
    details: [
      {
        code: "CanceledAndSupersededDueToAnotherOperation",
        message: `Operation ${earlier.name} (${earlier.id}) was canceled and superseded by operation ${later.name} (${later.id}).`,
      },
    ],
  };
}
