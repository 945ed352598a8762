import type { EndStatus, HistoryEvent, NewEvent, ParentLink } from "./history.ts";

export type RuntimeStatus = "Pending" | "Running" | "Suspended" | EndStatus;

/** The present execution of one instance. Inputs and outputs are JSON texts. */
export interface InstanceRow {
  readonly instanceId: string;
  readonly name: string;
  readonly version: string;
  /** A new one with every start and every continueAsNew; history belongs to an execution. */
  readonly executionId: string;
  readonly runtimeStatus: RuntimeStatus;
  readonly input: string | null;
  readonly output: string | null;
  readonly customStatus: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly parent: ParentLink | null;
  /** Keys of stored messages an earlier execution took up but may not have removed. */
  readonly consumed: readonly string[];
}

/** Something from outside that must not be lost: an event raised, an end, a pause. */
export interface StoredMessage {
  /** Sorts by the time of arrival. */
  readonly key: string;
  readonly instanceId: string;
  readonly event: NewEvent;
}

/**
 * Where instances, their histories and their undelivered messages are kept. Every call is atomic by itself and safe to repeat; one process
 * at a time uses a hub.
 */
export interface DurableStore {
  /** Makes what is missing. Called once, first. */
  open(): Promise<void>;
  get(instanceId: string): Promise<InstanceRow | undefined>;
  /** All instances in the order of their ids, or only those that have not ended. */
  list(filter?: { readonly onlyOpen: boolean }): Promise<InstanceRow[]>;
  /** False when the instance exists; then nothing is changed. */
  create(row: InstanceRow): Promise<boolean>;
  put(row: InstanceRow): Promise<void>;
  /** The turns of one execution, oldest first. */
  history(instanceId: string, executionId: string): Promise<HistoryEvent[][]>;
  /** Writes turn number `turn` (from 0), in the place of what an interrupted attempt may have left there. */
  putTurn(
    instanceId: string,
    executionId: string,
    turn: number,
    events: readonly HistoryEvent[],
  ): Promise<void>;
  /** Removes the history of one execution. */
  dropHistory(instanceId: string, executionId: string): Promise<void>;
  enqueue(message: StoredMessage): Promise<void>;
  /** All messages, or those of one instance, oldest first. */
  inbox(instanceId?: string): Promise<StoredMessage[]>;
  ack(instanceId: string, keys: readonly string[]): Promise<void>;
  /** Removes the instance with its history and messages. */
  purge(instanceId: string): Promise<void>;
}

const endStatuses: ReadonlySet<string> = new Set<EndStatus>(["Completed", "Failed", "Terminated"]);

export function hasEnded(status: RuntimeStatus): boolean {
  return endStatuses.has(status);
}
