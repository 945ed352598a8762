import { readFile } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import { Agent, request } from "node:https";
import { connect } from "node:net";
import type { RunningSystem } from "../../support/running-system.ts";

/** An answer with its headers. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: bodies of every route pass here; the tests say what they expect of them.
  readonly body: any;
}

export interface RawCall {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Calls the API of a running system with whatever headers and path are given, as no well-meaning client would. */
export async function createRawClient(system: RunningSystem) {
  const agent = new Agent({
    ca: await readFile(system.endpoints.caFile, "utf8"),
    keepAlive: true,
  });
  const call = ({ method = "GET", path, headers = {}, body }: RawCall): Promise<RawAnswer> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(system.endpoints.apiHttps);
      const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
      const sent = request(
        { hostname, port, path, method, agent, headers: { ...length, ...headers } },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString();
            const { statusCode: status = 0, headers: told } = response;
            resolve({ status, headers: told, text, body: parsed(text) });
          });
        },
      );
      sent.on("error", reject);
      sent.end(body);
    });

  /** Writes bytes to the plain port and answers all that comes back. */
  const write = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(system.endpoints.api).port), "127.0.0.1");
      const chunks: Buffer[] = [];
      socket.on("data", (chunk) => chunks.push(chunk));
      socket.on("end", () => resolve(Buffer.concat(chunks).toString()));
      socket.on("error", reject);
      socket.write(text);
    });

  return { call, write, close: () => agent.destroy() };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
