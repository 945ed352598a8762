/**
 * Runs one fixture app in a process of its own and does what its parent asks over IPC. Needed because Jest's module
 * loader never consults the `require` that the host answers `@azure/functions-core` through, and because a process
 * can hold one app only.
 */
import { fileURLToPath } from "node:url";
import { VirtualClock } from "../../../../local/host/clock.ts";
import type { DurableHost } from "../../../../local/host/durable-host.ts";
import { type HostOptions, startHost } from "../../../../local/host/host.ts";
import type { ChildOptions, ChildRequest } from "./start-child.ts";

const { fixture, withDurable, ...options }: ChildOptions = JSON.parse(process.argv[2] ?? "{}");
const clock = new VirtualClock(new Date("2026-01-01T00:00:00Z"));
const durableCalls: unknown[] = [];

const durable: DurableHost = {
  async start(app) {
    durableCalls.push({ start: [...app.functions.keys()] });
  },
  clientBinding({ baseUrl, rpcUrl, systemKey }) {
    const query = `code=${systemKey}`;
    const managementUrls = {
      id: "INSTANCEID",
      statusQueryGetUri: `${baseUrl}/instances/INSTANCEID?${query}`,
    };
    const creationUrls = {
      createNewInstancePostUri: `${baseUrl}/orchestrators/{functionName}?${query}`,
    };
    return JSON.stringify({
      taskHubName: "Hub",
      creationUrls,
      managementUrls,
      baseUrl,
      requiredQueryStringParameters: query,
      rpcBaseUrl: rpcUrl,
    });
  },
  async handle({ method, path, query, body, baseUrl }) {
    durableCalls.push({ method, path, query: Object.fromEntries(query), body, baseUrl });
    if (path === "broken") throw new Error("the engine broke");
    return { status: 202, headers: { "retry-after": "10" }, body: { id: path.split("/").at(-1) } };
  },
  async stop() {
    process.send?.({ told: "engine stopped" });
  },
};

const hostOptions: HostOptions = {
  httpPort: 0,
  ...options,
  appDir: fileURLToPath(new URL(`../fixtures/${fixture}`, import.meta.url)),
  clock,
  log: (level, message) => process.send?.({ log: { level, message } }),
  ...(withDurable && { durable }),
};

try {
  const host = await startHost(hostOptions);
  const commands: Record<string, (value: never) => unknown> = {
    stop: () => host.stop(),
    advanceBy: (ms: number) => clock.advanceBy(ms),
    runNow: ([name, runOptions]: Parameters<typeof host.runNow>) => host.runNow(name, runOptions),
    invoke: ([name, request]: Parameters<typeof host.app.invoke>) => host.app.invoke(name, request),
    durableCalls: () => durableCalls,
  };
  process.on("message", async ({ id, command, value }: ChildRequest) => {
    try {
      process.send?.({ id, result: await commands[command]?.(value as never) });
    } catch (error) {
      process.send?.({ id, error: String(error) });
    }
  });
  const { httpUrl, httpsUrl, masterKey, hostKey } = host;
  process.send?.({ ready: { httpUrl, httpsUrl, masterKey, hostKey } });
} catch (error) {
  process.send?.({ failed: error instanceof Error ? error.message : String(error) });
  process.disconnect?.();
}
