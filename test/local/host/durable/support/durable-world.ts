import { VirtualClock } from "../../../../../local/host/clock.ts";
import { createDurableHost } from "../../../../../local/host/durable/create-durable-host.ts";
import type { Chaos } from "../../../../../local/host/durable/engine.ts";
import { createMemoryStore } from "../../../../../local/host/durable/memory-store.ts";
import { recordedApp } from "./recorded-app.ts";

export interface Status {
  readonly runtimeStatus: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly customStatus: unknown;
  readonly historyEvents?: readonly {
    readonly EventType: string;
    readonly [key: string]: unknown;
  }[];
}

/** An engine on memory and a clock that stands still, with the stories of this Jest file. */
export async function aDurableWorld({ store = createMemoryStore(), chaos = {} as Chaos } = {}) {
  const logs: string[] = [];
  const host = createDurableHost({ hubName: "TestHub", store, chaos });
  const clock = new VirtualClock(new Date("2026-11-22T12:00:00Z"), () => host.quiet());
  await host.start(recordedApp(), clock, (level, message) => logs.push(`${level}: ${message}`));

  const call = async (method: string, path: string, body: unknown = undefined) => {
    const url = new URL(path, "http://host/");
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return await host.handle({
      method,
      path: url.pathname.slice(1),
      query: url.searchParams,
      headers: { "content-type": "application/json" },
      body: text ?? "",
      baseUrl: "http://localhost:7071/runtime/webhooks/durabletask",
      systemKey: "system-key",
    });
  };
  return {
    host,
    store,
    clock,
    logs,
    call,
    start: async (name: string, instanceId: string, input: unknown = {}) => {
      const { status } = await call("POST", `orchestrators/${name}/${instanceId}`, input);
      await host.quiet();
      return status;
    },
    raise: async (instanceId: string, event: string, data: unknown = null) => {
      const answer = await call(
        "POST",
        `instances/${instanceId}/raiseEvent/${event}`,
        JSON.stringify(data),
      );
      await host.quiet();
      return answer.status;
    },
    status: async (instanceId: string, query = "") =>
      (await call("GET", `instances/${instanceId}${query}`)).body as Status,
  };
}
