import { randomUUID } from "node:crypto";
import { idKey } from "./arm-id.ts";
import type { ArmResource } from "./estate.ts";

/** What a fault makes of an operation. One that `fails` or `is canceled` has no effect on an NSG. */
export type Fate = "never ends" | "fails" | "is canceled";

/** Why an operation failed, as `error` of its answer. */
export interface OperationError {
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
  /** How it will end if not well; then nothing of it may come into force. */
  readonly doom?: "Failed" | "Canceled";
  /** What is told if it fails; Azure's InternalServerError when left out. */
  readonly failure?: OperationError;
  /** Further resources that it writes: a firewall whose policy changes. Absent from operations of NSGs. */
  readonly alsoWrites?: readonly string[];
  /** Of one that will fail: its target as it was before; null if there was none. */
  readonly former?: ArmResource | null;
}

/** What an operation may have of its own beside name and target. */
interface Circumstances extends Pick<Operation, "failure" | "alsoWrites" | "former"> {
  readonly fate?: Fate | undefined;
  /** True if it will end as Failed whatever its fate. */
  readonly isRefused?: boolean;
  /** The usual time when left out. */
  readonly durationMs?: number;
}

export interface Operations {
  get(id: string): Operation | undefined;
  /** The operation that still writes the resource, if any. */
  running(target: string): Operation | undefined;
  /** One that still writes any of the resources, also as a further one. */
  runningOnAny(ids: readonly string[]): Operation | undefined;
  start(name: string, target: string, circumstances?: Circumstances): Operation;
  /** Ends `earlier` as Canceled because `later` took its place. */
  supersede(earlier: Operation, later: Operation): void;
  /** Operations that never end do so after all, in their time or at once if that is past. */
  release(): void;
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
  /** Called when an operation has run its time, just before it counts as ended. */
  readonly ended: (operation: Operation) => void;
  readonly changed: () => void;
}

/** Operations that were running in `initial` are taken up again and end when they were to end, or at once if that is past. */
export function createOperations(options: Options): Operations {
  const all = new Map(options.initial.map((operation) => [operation.id, operation]));
  const timers = new Map<string, NodeJS.Timeout>();
  /** Not saved: in the next process they end like others. */
  const stuck = new Set<string>();

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
        const { former: _former, ...ended } = operation;
        change({ ...ended, ...endOf(operation) });
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
    runningOnAny(ids) {
      const keys = new Set(ids.map(idKey));
      return [...all.values()].findLast(
        ({ status, target, alsoWrites = [] }) =>
          status === "InProgress" && [target, ...alsoWrites].some((id) => keys.has(idKey(id))),
      );
    },
    start(name, target, circumstances = {}) {
      const { fate, isRefused, durationMs = options.durationMs, ...more } = circumstances;
      const operation: Operation = {
        id: randomUUID(),
        name,
        target,
        endsAt: options.now().getTime() + durationMs,
        status: "InProgress",
        ...more,
        ...doomOf(fate, isRefused),
      };
      change(operation);
      if (fate === "never ends") stuck.add(operation.id);
      else wait(operation);
      forgetOldest();
      return operation;
    },
    supersede(earlier, later) {
      clearTimeout(timers.get(earlier.id));
      timers.delete(earlier.id);
      stuck.delete(earlier.id);
      change({ ...earlier, status: "Canceled", error: superseded(earlier, later) });
    },
    release() {
      for (const operation of all.values()) if (stuck.has(operation.id)) wait(operation);
      stuck.clear();
    },
    snapshot: () => [...all.values()],
    stop() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}

function doomOf(fate: Fate | undefined, isRefused = false): Pick<Operation, "doom"> {
  if (isRefused || fate === "fails") return { doom: "Failed" };
  return fate === "is canceled" ? { doom: "Canceled" } : {};
}

function endOf(operation: Operation): Pick<Operation, "status" | "error"> {
  if (operation.doom === undefined) return { status: "Succeeded" };
  const error =
    operation.doom === "Failed"
      ? (operation.failure ?? internalError)
      : superseded(operation, { name: operation.name, id: randomUUID() });
  return { status: operation.doom, error };
}

const internalError: OperationError = {
  code: "InternalServerError",
  message: "An error occurred.",
  details: [],
};

/** The wording is Azure's (from a public Terraform log). */
function superseded(earlier: Operation, later: Pick<Operation, "name" | "id">): OperationError {
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
