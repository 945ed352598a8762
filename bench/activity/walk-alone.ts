/** Walks over the facts of a subscription in a process of its own, and tells time and memory: a message in, a line out. */
import { once } from "node:events";
import { openAudit } from "./audit.ts";
import { growthDuring } from "./memory.ts";
import type { WalkFound } from "./walk.ts";

interface Task {
  readonly connectionString: string;
  readonly prefix: string;
  readonly subscriptionId: string;
  /** ISO 8601. */
  readonly from: string;
  readonly to: string;
}

process.on("disconnect", () => process.exit(1));
const [task] = (await once(process, "message")) as [Task];
const { store } = openAudit(task.connectionString, task.prefix);
const of = { subscriptionId: task.subscriptionId };
const to = new Date(task.to);

async function walk(from: Date): Promise<number> {
  let facts = 0;
  for await (const _filed of store.walk({ of, from, to })) {
    facts += 1;
  }
  return facts;
}

for (let warmUp = 0; warmUp < 3; warmUp += 1) {
  await walk(new Date(to.getTime() - 86_400_000 * 3));
}
const startedAt = performance.now();
const { result: facts, growth: memory } = await growthDuring(process.pid, () =>
  walk(new Date(task.from)),
);
const found: WalkFound = { facts, tookMs: performance.now() - startedAt, memory };
process.stdout.write(`${JSON.stringify(found)}\n`);
