import type { DurableHost } from "../durable-host.ts";
import { ManagementApi } from "./api.ts";
import { clientBinding } from "./client-binding.ts";
import { type Chaos, Engine } from "./engine.ts";
import type { DurableStore } from "./store.ts";

export interface DurableHostOptions {
  readonly hubName: string;
  readonly store: DurableStore;
  /** For tests: deliver late, twice, in another order; run activities twice. */
  readonly chaos?: Chaos;
}

/**
 * The durable engine for the unmodified `durable-functions` 3.5 SDK: our own stand-in for the Durable Task extension, written from public
 * sources. What it refuses (entities, locks, callHttp, rewind) fails with a clear error.
 */
export function createDurableHost({
  hubName,
  store,
  chaos = {},
}: DurableHostOptions): DurableHost & {
  /** Resolves when only timers or the outside can start work again. What a virtual clock waits for. */
  quiet(): Promise<void>;
} {
  let running: { readonly engine: Engine; readonly api: ManagementApi } | undefined;
  return {
    async start(app, clock, log) {
      const engine = new Engine({ store, app, clock, log, chaos });
      running = { engine, api: new ManagementApi(engine, app, hubName) };
      await engine.resume();
    },
    clientBinding: (urls) => clientBinding({ ...urls, hubName }),
    async handle(request) {
      if (!running)
        return { status: 503, body: { Message: "The durable engine has not started." } };
      return await running.api.handle(request);
    },
    async quiet() {
      await running?.engine.quiet();
    },
    async stop() {
      await running?.engine.stop();
    },
  };
}
