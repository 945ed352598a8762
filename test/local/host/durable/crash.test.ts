import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createTableStore } from "../../../../local/host/durable/table-store.ts";
import { type Azurite, startAzurite } from "../../../support/azurite.ts";
import { numbersFrom } from "./support/seeded.ts";
import { storyCases } from "./support/story-cases.ts";

const child = fileURLToPath(new URL("./support/crash-child.ts", import.meta.url));
const COUNT_OF_EACH = 11;
/** More of them, or the same again, on demand. */
const kills = Number(process.env["CRASH_KILLS"] ?? 10);
const seed = Number(process.env["CRASH_SEED"] ?? Date.now() % 1_000_000);

let azurite: Azurite;
let folder: string;
beforeAll(async () => {
  azurite = await startAzurite();
  folder = await mkdtemp(join(tmpdir(), "jit-crash-"));
}, 30_000);
afterAll(async () => {
  await azurite.stop();
  await rm(folder, { recursive: true });
});

/** A process of the engine; killed after so long at work, or left to end by itself. */
async function work(killAfterMs?: number): Promise<number | null> {
  const worker = fork(child, [azurite.connectionString, folder, String(COUNT_OF_EACH)], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: "inherit",
  });
  const ended = once(worker, "exit");
  if (killAfterMs !== undefined) {
    await Promise.race([once(worker, "message"), ended]);
    await pause(killAfterMs);
    worker.kill("SIGKILL");
  }
  const [code] = await ended;
  return code;
}

describe("a hub whose process is killed again and again", () => {
  it("brings every orchestration to its right end, with every effect done", async () => {
    const next = numbersFrom(seed);
    process.stdout.write(`Crash test: CRASH_SEED=${seed} CRASH_KILLS=${kills}\n`);

    let killed = 0;
    for (let run = 0; run < kills; run++) {
      if ((await work(next() * 400)) !== 0) killed++;
    }
    const code = await work();

    expect(code).toBe(0);
    expect(killed).toBeGreaterThanOrEqual(Math.min(kills, 5));
    const store = createTableStore({
      connectionString: azurite.connectionString,
      hubName: "Crash",
    });
    expect(await store.inbox()).toEqual([]);
    expect(await store.list({ onlyOpen: true })).toEqual([]);
    const effects = new Set((await readFile(join(folder, "effects"), "utf8")).split("\n"));
    for (let number = 0; number < COUNT_OF_EACH; number++) {
      for (const { story, does, isRight } of storyCases) {
        const id = `${story}-${number}`;
        const row = await store.get(id);
        const output = JSON.parse(row?.output ?? "null");
        expect({ id, output, isRight: isRight(output, id) }).toMatchObject({ isRight: true });
        for (const effect of does) expect(effects).toContain(`${id}/${effect}`);
      }
    }
  }, 120_000);
});
