import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createTestCa } from "./test-ca.ts";

export interface ScriptedRequest {
  readonly method: string;
  /** With the query, decoded. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** An answer; `drop` closes the connection without one, `hang` never answers. */
export type ScriptedAnswer =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  | "drop"
  | "hang";

export interface ScriptedServer {
  readonly url: string;
  readonly ca: string;
  /** Oldest first. */
  readonly requests: readonly ScriptedRequest[];
  /** What the next requests are answered with. */
  answer: (request: ScriptedRequest) => ScriptedAnswer;
  close(): Promise<void>;
}

/** A real https server for faults and answers that no well-behaved cloud gives. */
export async function startScriptedServer(): Promise<ScriptedServer> {
  const { ca, cert, key } = await createTestCa();
  const requests: ScriptedRequest[] = [];
  const server = createServer({ cert, key }, async (incoming, outgoing) => {
    let body = "";
    for await (const chunk of incoming) {
      body += String(chunk);
    }
    const path = decodeURIComponent(incoming.url ?? "").replaceAll("+", " ");
    const request = { method: incoming.method ?? "", path, headers: incoming.headers, body };
    requests.push(request);
    const answer = scripted.answer(request);
    if (answer === "drop") {
      incoming.socket.destroy();
    } else if (answer !== "hang") {
      outgoing.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
      outgoing.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const scripted: ScriptedServer = {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    ca,
    requests,
    answer: () => ({ status: 404 }),
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return scripted;
}
