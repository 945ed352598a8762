import type { App, HostClock, HostLog } from "./app.ts";

/** What the host needs of a durable engine. */
export interface DurableHost {
  /** Called once after the app is loaded, before triggers start. Resumes whatever an earlier process left. */
  start(app: App, clock: HostClock, log: HostLog): Promise<void>;
  /**
   * The string an input binding of type durableClient gets. `baseUrl` e.g.
   * http://localhost:7071/runtime/webhooks/durabletask, `rpcUrl` with trailing slash.
   */
  clientBinding(urls: {
    readonly baseUrl: string;
    readonly rpcUrl: string;
    readonly systemKey: string;
  }): string;
  /** The management API: path below the base URL, e.g. "instances/abc". */
  handle(request: {
    readonly method: string;
    readonly path: string;
    readonly query: URLSearchParams;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly baseUrl: string;
    readonly systemKey: string;
  }): Promise<{
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
  }>;
  stop(): Promise<void>;
}
