/**
 * Brings all orchestrations of the crash test to their ends, from wherever an earlier process left them. Arguments: the tables'
 * connection string, the folder where effects are noted, how many orchestrations of each story. Says "working" once it has resumed,
 * ends with code 0 when all have ended.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../../../../local/host/clock.ts";
import { createDurableHost } from "../../../../../local/host/durable/create-durable-host.ts";
import { createTableStore } from "../../../../../local/host/durable/table-store.ts";
import { FunctionsCore, installCore } from "../../../../../local/host/functions-core.ts";
import { LoadedApp } from "../../../../../local/host/invocation.ts";
import { type StoryCase, storyCases } from "./story-cases.ts";

const [connectionString = "", folder = "", count = "1"] = process.argv.slice(2);
const log = (level: string, message: string) => {
  if (level === "error") console.error(message);
};

const core = new FunctionsCore(log);
installCore(core);
const { world } = await import("./stories.ts");
world.effect = async (key) => {
  await pause(5);
  appendFileSync(join(folder, "effects"), `${key}\n`);
};
// A failure counted before a kill stays counted: a line each.
world.failures = {
  get: (key) => lines("failures").filter((line) => line === key).length,
  set: (key) => {
    appendFileSync(join(folder, "failures"), `${key}\n`);
    return new Map();
  },
};

const host = createDurableHost({
  hubName: "Crash",
  store: createTableStore({ connectionString, hubName: "Crash" }),
});
await host.start(new LoadedApp(core, () => undefined), systemClock, log);
process.send?.("working");

const instances = Array.from({ length: Number(count) }, (_, number) =>
  storyCases.map((told) => ({ ...told, id: `${told.story}-${number}` })),
).flat();
await Promise.all(
  instances.map((instance, index) => pause(index * 3).then(() => finish(instance))),
);
await host.stop();
process.exit(0);

async function finish({
  story,
  id,
  input = {},
  quickInput = input,
  event,
}: StoryCase & { id: string }) {
  for (let round = 0; ; round++) {
    const { status, body } = await call("GET", `instances/${id}`);
    if (status === 404) await call("POST", `orchestrators/${story}/${id}`, quickInput);
    else if (status === 200) return body;
    // Never the same number, in no process.
    else if (event)
      await call("POST", `instances/${id}/raiseEvent/${event}`, Date.now() + Math.random());
    await pause(40 + round * 5);
  }
}

async function call(method: string, path: string, body?: unknown) {
  return await host.handle({
    method,
    path,
    query: new URLSearchParams(),
    headers: {},
    body: body === undefined ? "" : JSON.stringify(body),
    baseUrl: "http://localhost:7071/runtime/webhooks/durabletask",
    systemKey: "key",
  });
}

function lines(file: string): string[] {
  try {
    return readFileSync(join(folder, file), "utf8").split("\n");
  } catch {
    return [];
  }
}
