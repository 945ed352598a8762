import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { plain, send } from "./answer.ts";
import type { HostLog } from "./app.ts";
import { describeError } from "./errors.ts";
import { type Listener, type LoopbackServer, listenOnLoopback } from "./loopback-server.ts";

/** Answers one request; `url` is absolute, as the caller wrote it. */
export type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
) => Promise<void>;

export interface PortOptions {
  readonly httpPort: number;
  readonly https?: { readonly port: number; readonly key: string; readonly cert: string };
  readonly hasDurable: boolean;
  readonly log: HostLog;
}

const notReady: Answer = async (_request, response) => send(response, plain(503));

/** The host's open ports. They answer 503 until they are told who answers. */
export class HostPorts {
  /** Who answers the public ports. */
  answer: Answer = notReady;
  /** Who answers the durable client; the URL given is relative to `rpcUrl`. */
  answerRpc: (...parameters: [...Parameters<Answer>, path: string]) => Promise<void> = notReady;
  readonly #log: HostLog;
  /** Only the durable client is told this path, so nothing else on this machine gets in without a key. */
  readonly #rpcPath = `/${randomBytes(16).toString("hex")}/durabletask/`;
  #http: LoopbackServer | undefined;
  #https: LoopbackServer | undefined;
  #rpc: LoopbackServer | undefined;

  private constructor(log: HostLog) {
    this.#log = log;
  }

  static async open({ httpPort, https, hasDurable, log }: PortOptions): Promise<HostPorts> {
    const ports = new HostPorts(log);
    try {
      ports.#http = await listenOnLoopback(httpPort, ports.#listener("http"));
      if (https) ports.#https = await listenOnLoopback(https.port, ports.#listener("https"), https);
      if (hasDurable) ports.#rpc = await listenOnLoopback(0, ports.#rpcListener());
      return ports;
    } catch (error) {
      await ports.close();
      throw error;
    }
  }

  get httpUrl(): string {
    return `http://localhost:${this.#http?.port}`;
  }

  get httpsUrl(): string | undefined {
    return this.#https && `https://localhost:${this.#https.port}`;
  }

  /** By address, not by name: the client would otherwise ask a resolver for each call. Ends in a slash. */
  get rpcUrl(): string {
    return `http://127.0.0.1:${this.#rpc?.port}${this.#rpcPath}`;
  }

  /** Closes the public ports once their running requests are answered, at the latest after `graceMs`. */
  async closePublic(graceMs: number): Promise<void> {
    await Promise.all([this.#http?.close(graceMs), this.#https?.close(graceMs)]);
  }

  /** Closes everything at once. */
  async close(): Promise<void> {
    await Promise.all([this.closePublic(0), this.#rpc?.close(0)]);
  }

  #listener(scheme: string): Listener {
    return this.#guarded(scheme, (request, response, url) => this.answer(request, response, url));
  }

  #rpcListener(): Listener {
    return this.#guarded("http", async (request, response, url) => {
      const path = pathBelow(this.#rpcPath, url);
      if (path === undefined) send(response, plain(404));
      else await this.answerRpc(request, response, url, path);
    });
  }

  /** Nothing that goes wrong in here may end the process or leave the caller without an answer. */
  #guarded(scheme: string, answer: Answer): Listener {
    return (request, response) => {
      const url = urlOf(request, scheme);
      if (!url) return send(response, plain(400));
      answer(request, response, url).catch((error: unknown) => {
        // The caller hung up while sending: nobody is left to answer.
        if (request.destroyed && !request.complete) return;
        this.#log("error", `${request.method} ${url.pathname} failed: ${describeError(error)}`);
        send(response, plain(500));
      });
    };
  }
}

/** What follows `base` in the URL's path, or undefined; case does not matter. */
export function pathBelow(base: string, { pathname }: URL): string | undefined {
  const isBelow = pathname.slice(0, base.length).toLowerCase() === base.toLowerCase();
  return isBelow ? pathname.slice(base.length) : undefined;
}

/**
 * The caller's URL, or undefined when Host and path make none. Put together as text, so that a path of `//x` cannot
 * name a host.
 */
function urlOf(request: IncomingMessage, scheme: string): URL | undefined {
  const target = request.url ?? "/";
  const authority = request.headers.host ?? `localhost:${request.socket.localPort}`;
  const text = target.startsWith("/") ? `${scheme}://${authority}${target}` : target;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && /^https?:$/.test(url.protocol) ? url : undefined;
}
