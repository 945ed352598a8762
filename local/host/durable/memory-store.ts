import type { HistoryEvent } from "./history.ts";
import { type DurableStore, hasEnded, type InstanceRow, type StoredMessage } from "./store.ts";

/** A store that lives as long as the process. Takes and gives copies, as tables would. */
export function createMemoryStore(): DurableStore {
  const rows = new Map<string, InstanceRow>();
  const histories = new Map<string, Map<string, HistoryEvent[][]>>();
  let messages: StoredMessage[] = [];

  return {
    open: async () => {},
    get: async (instanceId) => structuredClone(rows.get(instanceId)),
    list: async ({ onlyOpen } = { onlyOpen: false }) =>
      [...rows.values()]
        .filter((row) => !(onlyOpen && hasEnded(row.runtimeStatus)))
        .sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1))
        .map((row) => structuredClone(row)),
    create: async (row) => {
      if (rows.has(row.instanceId)) return false;
      rows.set(row.instanceId, structuredClone(row));
      return true;
    },
    put: async (row) => {
      rows.set(row.instanceId, structuredClone(row));
    },
    history: async (instanceId, executionId) =>
      structuredClone(histories.get(instanceId)?.get(executionId) ?? []),
    putTurn: async (instanceId, executionId, turn, events) => {
      const executions = histories.get(instanceId) ?? new Map<string, HistoryEvent[][]>();
      const turns = executions.get(executionId) ?? [];
      turns[turn] = structuredClone([...events]);
      histories.set(instanceId, executions.set(executionId, turns));
    },
    dropHistory: async (instanceId, executionId) => {
      histories.get(instanceId)?.delete(executionId);
    },
    enqueue: async (message) => {
      messages.push(structuredClone(message));
      messages.sort((a, b) => (a.key < b.key ? -1 : 1));
    },
    inbox: async (instanceId) =>
      messages
        .filter((message) => instanceId === undefined || message.instanceId === instanceId)
        .map((message) => structuredClone(message)),
    ack: async (instanceId, keys) => {
      messages = messages.filter(
        (message) => message.instanceId !== instanceId || !keys.includes(message.key),
      );
    },
    purge: async (instanceId) => {
      rows.delete(instanceId);
      histories.delete(instanceId);
      messages = messages.filter((message) => message.instanceId !== instanceId);
    },
  };
}
