/**
 * The host as a process of its own: `node local/host/main.ts --app DIR --port N --https-port M --cert FILE --key FILE
 * [--history tables|memory]`, with the app's settings in the environment. Prints `{"ready":true}` when it serves;
 * information goes to stdout, warnings and errors to stderr. Ends in order on the message "stop" or a signal, and at once
 * when its parent is gone.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { HostLog } from "./app.ts";
import { createDurableHost } from "./durable/create-durable-host.ts";
import { createMemoryStore } from "./durable/memory-store.ts";
import type { DurableStore } from "./durable/store.ts";
import { createTableStore } from "./durable/table-store.ts";
import { type Host, startHost } from "./host.ts";
import { readHostJson } from "./settings.ts";

const { values } = parseArgs({
  options: {
    app: { type: "string", default: process.cwd() },
    port: { type: "string", default: "7071" },
    "https-port": { type: "string", default: "7072" },
    cert: { type: "string", default: "" },
    key: { type: "string", default: "" },
    history: { type: "string", default: "tables" },
  },
});

// As abrupt as the end of its parent: what was under way is taken up again by the next start.
process.on("disconnect", () => process.exit(1));

try {
  const host = await start();
  stopWhenAsked(host);
  process.stdout.write('{"ready":true}\n');
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stdout.write(`${JSON.stringify({ ready: false, error: message })}\n`);
  process.exit(1);
}

async function start(): Promise<Host> {
  const { extensions } = await readHostJson(values.app);
  // Without a name of its own the platform's default holds locally.
  const { hubName = "TestHubName" } = extensions.durableTask;
  return await startHost({
    appDir: values.app,
    httpPort: Number(values.port),
    https: {
      port: Number(values["https-port"]),
      cert: await readFile(values.cert, "utf8"),
      key: await readFile(values.key, "utf8"),
    },
    log,
    durable: createDurableHost({ hubName, store: historyStore(hubName) }),
  });
}

/** In memory the work behind open requests ends with the process: only for measuring and trying out. */
function historyStore(hubName: string): DurableStore {
  if (values.history === "memory") return createMemoryStore();
  const connectionString = process.env["TABLES_CONNECTION_STRING"] ?? "";
  return createTableStore({ connectionString, hubName });
}

function stopWhenAsked(host: Host): void {
  const stop = () => void host.stop().finally(() => process.exit(0));
  process.on("message", (message) => {
    if (message === "stop") stop();
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
}

/** Debug lines are for whoever debugs the host itself. */
function log(...[level, message]: Parameters<HostLog>): void {
  if (level === "debug") return;
  const stream = level === "information" ? process.stdout : process.stderr;
  stream.write(`${new Date().toISOString()} [${level}] ${message}\n`);
}
