import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createMatcher } from "../../../../local/cloud/matching.ts";
import { CloudError, type CloudResponse, type Route } from "../../../../local/cloud/router.ts";
import type { LocalCa } from "../../../../local/tls.ts";

export interface Served {
  readonly origin: string;
  readonly close: () => Promise<void>;
}

/** Routes over real https, so that real SDK clients can be pointed at them. `verify` stands in front of those that need it. */
export async function serve(
  routes: () => readonly Route[],
  { cert, key }: LocalCa,
  verify: (header: string | undefined) => Promise<unknown>,
): Promise<Served> {
  const server = createServer({ cert, key }, (incoming, outgoing) => {
    answer(incoming)
      .catch(errorAnswer)
      .then((response) => send(outgoing, response))
      .catch(() => outgoing.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`;

  async function answer(incoming: IncomingMessage): Promise<CloudResponse> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = "GET", headers } = incoming;
    const [path = "", search = ""] = (incoming.url ?? "").split("?", 2);
    const match = createMatcher(routes()).match(method, path);
    if (match === undefined) throw new CloudError(404, "NotFound", path);
    if (match.route.needsArmToken) await verify(headers.authorization);
    const query = new URLSearchParams(search);
    return await match.route.handle(
      { method, origin, path, query, headers, body: Buffer.concat(chunks) },
      match.parameters,
    );
  }

  return {
    origin,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function errorAnswer(problem: unknown): CloudResponse {
  if (!(problem instanceof CloudError)) throw problem;
  const { status, headers, code, message } = problem;
  return { status, headers, body: { error: { code, message } } };
}

function send(outgoing: ServerResponse, { status, headers, body }: CloudResponse): void {
  outgoing.writeHead(status, { "content-type": "application/json", ...headers });
  outgoing.end(JSON.stringify(body));
}
