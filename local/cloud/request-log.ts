import type { Route } from "./router.ts";

/** One request to ARM or Graph as received and answered; `path` has its query, `body` is the parsed JSON of the request. */
export interface LoggedRequest {
  readonly time: string;
  readonly method: string;
  readonly path: string;
  /** 0 when a fault cut the connection instead of an answer. */
  readonly status: number;
  readonly body?: unknown;
  readonly durationMs: number;
  readonly principal?: string;
}

export interface RequestLog {
  add(entry: LoggedRequest): void;
  /** Oldest first. */
  all(): readonly LoggedRequest[];
  /** `GET /local/requests` lists, `DELETE /local/requests` clears; neither needs a token. */
  readonly routes: readonly Route[];
}

const mostEntries = 20_000;

/** Keeps the latest 20,000 requests, in memory only. */
export function createRequestLog(): RequestLog {
  let entries: LoggedRequest[] = [];
  const path = "/local/requests";
  return {
    add(entry) {
      entries.push(entry);
      // Cut in strides: shifting an array of this size on every request would cost more than the request.
      if (entries.length >= mostEntries * 1.1) entries = entries.slice(-mostEntries);
    },
    all: () => entries.slice(-mostEntries),
    routes: [
      {
        method: "GET",
        path,
        needsArmToken: false,
        handle: () => ({ status: 200, body: { value: entries.slice(-mostEntries) } }),
      },
      {
        method: "DELETE",
        path,
        needsArmToken: false,
        handle: () => {
          entries = [];
          return { status: 204 };
        },
      },
    ],
  };
}
