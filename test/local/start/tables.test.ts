import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TableClient, TableServiceClient, type TransactionAction } from "@azure/data-tables";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { tablesConnectionString } from "../../../local/endpoints.ts";

const PARTITIONS = ["p0", "p1", "p2", "p3"];
const BATCH = Array.from({ length: 20 }, (_, index) => `b${index}`);
const A_MINUTE_IN_MS = 60_000;

let dir: string;
let port: number;
let server: ChildProcess | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "jit-tables-"));
  port = await freePort();
});

afterEach(async () => {
  await kill();
  await rm(dir, { recursive: true, force: true });
});

describe("the local tables", () => {
  it(
    "still hold every acknowledged write after being killed, and no batch in parts",
    async () => {
      const acknowledged = new Map<string, number>();
      await start();
      await things().createTable();

      for (let round = 1; round <= 3; round++) {
        const sent = new Map<string, number>();
        const writing = PARTITIONS.map((partition) => write(partition, round, sent, acknowledged));
        await new Promise((resolve) => setTimeout(resolve, 200 + 150 * round));
        await kill();
        await Promise.all(writing);
        await start();
        const found = await read();

        for (const [key, value] of acknowledged) {
          // The write under way at the kill may have happened or not.
          expect([value, sent.get(key)]).toContain(found.get(key));
          acknowledged.set(key, found.get(key) ?? 0);
        }
        for (const partition of PARTITIONS) {
          expect(new Set(BATCH.map((row) => found.get(`${partition}|${row}`))).size).toBe(1);
        }
      }

      expect(acknowledged.size).toBeGreaterThan(PARTITIONS.length);
    },
    A_MINUTE_IN_MS,
  );

  it(
    "remember a deleted row and a deleted table as deleted after being killed",
    async () => {
      await start();
      await things().createTable();
      await things().createEntity({ partitionKey: "p", rowKey: "kept", value: 1 });
      await things().createEntity({ partitionKey: "p", rowKey: "gone", value: 1 });
      await things().deleteEntity("p", "gone");
      await things("others").createTable();
      await things("others").deleteTable();

      await kill();
      await start();

      expect([...(await read()).keys()]).toEqual(["p|kept"]);
      await expect(tableNames()).resolves.toEqual(["things"]);
    },
    A_MINUTE_IN_MS,
  );

  it(
    "start again when a kill cut the last line of the journal short",
    async () => {
      await start();
      await things().createTable();
      await things().createEntity({ partitionKey: "p", rowKey: "whole", value: 1 });
      await kill();
      const journal = (await readdir(dir)).find((name) => name.startsWith("journal-"));
      await appendFile(join(dir, journal ?? ""), '[["put","devstoreaccount1$things",{"Parti');

      await start();

      expect([...(await read()).keys()]).toEqual(["p|whole"]);
    },
    A_MINUTE_IN_MS,
  );

  it(
    "end with the process that started them",
    async () => {
      const child = await start();

      child.disconnect();

      expect(await once(child, "exit")).toEqual([0, null]);
    },
    A_MINUTE_IN_MS,
  );
});

/** Writes rising numbers, alone and in batches, until the tables are gone. */
async function write(
  partition: string,
  round: number,
  sent: Map<string, number>,
  acknowledged: Map<string, number>,
): Promise<void> {
  const rowsOf = (count: number) => (count % 3 === 0 ? BATCH : [count % 3 === 1 ? "a" : "z"]);
  for (let count = 0; ; count++) {
    const value = round * 1_000_000 + count;
    const rows = rowsOf(count);
    for (const row of rows) sent.set(`${partition}|${row}`, value);
    try {
      await put(partition, rows, value, count);
    } catch {
      return;
    }
    for (const row of rows) acknowledged.set(`${partition}|${row}`, value);
  }
}

async function put(partition: string, rows: readonly string[], value: number, count: number) {
  const entities = rows.map((rowKey) => ({ partitionKey: partition, rowKey, value }));
  const [first, ...more] = entities;
  if (first === undefined || more.length > 0) {
    const actions = entities.map((entity): TransactionAction => ["upsert", entity, "Replace"]);
    await things().submitTransaction(actions);
  } else {
    await things().upsertEntity(first, count % 2 === 0 ? "Replace" : "Merge");
  }
}

async function read(): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for await (const entity of things().listEntities()) {
    found.set(`${entity.partitionKey}|${entity.rowKey}`, Number(entity["value"]));
  }
  return found;
}

async function tableNames(): Promise<string[]> {
  const service = TableServiceClient.fromConnectionString(tablesConnectionString(port), {
    allowInsecureConnection: true,
  });
  const names: string[] = [];
  for await (const { name } of service.listTables()) if (name !== undefined) names.push(name);
  return names;
}

function things(table = "things"): TableClient {
  return TableClient.fromConnectionString(tablesConnectionString(port), table, {
    allowInsecureConnection: true,
    retryOptions: { maxRetries: 0 },
  });
}

async function start(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["local/tables.ts", "--port", `${port}`, "--dir", dir], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  server = child;
  if (child.stdout) await once(child.stdout, "data");
  return child;
}

async function kill(): Promise<void> {
  const child = server;
  server = undefined;
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
