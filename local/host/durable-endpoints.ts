import type { IncomingMessage, ServerResponse } from "node:http";
import { plain, send } from "./answer.ts";
import type { DurableHost } from "./durable-host.ts";
import { type HostKeys, opens } from "./keys.ts";
import { readBody } from "./loopback-server.ts";

/** Where the platform serves the durable management API to the outside. */
export const WEBHOOK_PATH = "/runtime/webhooks/durabletask";

export interface DurableEndpointOptions {
  readonly durable: DurableHost;
  /** The public base URL, ending in WEBHOOK_PATH. */
  readonly baseUrl: string;
  readonly systemKey: string;
}

/** Serves the management API to whoever gets through to it; `path` is what follows the base. */
export async function serveDurable(
  { durable, baseUrl, systemKey }: DurableEndpointOptions,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  path: string,
): Promise<void> {
  const body = await readBody(request);
  if (!body) return send(response, plain(413));
  const answer = await durable.handle({
    method: request.method ?? "GET",
    path,
    query: url.searchParams,
    headers: singleHeaders(request),
    body: body.toString("utf8"),
    baseUrl,
    systemKey,
  });
  const hasBody = answer.body !== undefined;
  send(response, {
    status: answer.status,
    headers: {
      ...(hasBody && { "content-type": "application/json; charset=utf-8" }),
      ...answer.headers,
    },
    body: Buffer.from(hasBody ? JSON.stringify(answer.body) : ""),
  });
}

/** True when the caller brought the system key (or the master key) as `code` or in the header. */
export function mayManageDurable(request: IncomingMessage, url: URL, keys: HostKeys): boolean {
  const header = request.headers["x-functions-key"];
  const given = url.searchParams.get("code") ?? (Array.isArray(header) ? header[0] : header);
  return opens(given, [keys.system, keys.master]);
}

function singleHeaders(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value]],
    ),
  );
}
