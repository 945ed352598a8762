import type { OutgoingHttpHeaders, ServerResponse } from "node:http";

/** What the host sends back. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

/** An answer without a body. */
export function plain(status: number): HttpAnswer {
  return { status, headers: {}, body: Buffer.alloc(0) };
}

/** Writes the answer; length and framing are the server's own. */
export function send(response: ServerResponse, { status, headers, body }: HttpAnswer): void {
  if (response.headersSent || response.destroyed) return;
  const { "content-length": announced, ...others } = headers;
  const hasNoBody = status === 204 || status === 304;
  // A HEAD answer may announce the length that GET would have.
  const length = response.req.method === "HEAD" && body.length === 0 ? announced : body.length;
  const framing = hasNoBody || length === undefined ? {} : { "content-length": length };
  response.writeHead(status, { ...others, ...framing });
  response.end(hasNoBody ? undefined : body);
}
