import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { codeOf } from "./errors.ts";

/** As Kestrel, the platform's web server, keeps an idle connection (130 s). */
const KEEP_ALIVE_MS = 130_000;

/** The largest body the platform takes unless told otherwise (FUNCTIONS_REQUEST_BODY_SIZE_LIMIT). */
const LARGEST_BODY_BYTES = 104_857_600;

export type Listener = (request: IncomingMessage, response: ServerResponse) => void;

export interface LoopbackServer {
  readonly port: number;
  /** Takes no new connections, lets running requests finish for at most `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/**
 * Opens one port on the loopback addresses only, IPv4 and (where there is one) IPv6, so that `localhost` works either
 * way.
 */
export async function listenOnLoopback(
  port: number,
  listener: Listener,
  tls?: { readonly key: string; readonly cert: string },
): Promise<LoopbackServer> {
  const create = () => configured(tls ? createHttpsServer(tls, listener) : createServer(listener));
  for (let attempt = 1; ; attempt++) {
    const first = create();
    const chosen = await listen(first, port, "127.0.0.1");
    const second = create();
    try {
      await listen(second, chosen, "::1");
      return { port: chosen, close: (graceMs) => closeAll([first, second], graceMs) };
    } catch (error) {
      if (hasNoIpv6(error)) return { port: chosen, close: (graceMs) => closeAll([first], graceMs) };
      await closeAll([first], 0);
      // With port 0 the free port of one address may be taken on the other: another try.
      if (port !== 0 || attempt === 5) throw error;
    }
  }
}

/** The whole body, or undefined when it is larger than `limit`; the rest of it is then not read. */
export async function readBody(
  request: IncomingMessage,
  limit = LARGEST_BODY_BYTES,
): Promise<Buffer | undefined> {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > limit) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function configured(server: Server): Server {
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, ipv6Only: true }, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : port);
    });
  });
}

function hasNoIpv6(error: unknown): boolean {
  return ["EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(String(codeOf(error)));
}

async function closeAll(servers: readonly Server[], graceMs: number): Promise<void> {
  const cut = () => {
    for (const server of servers) server.closeAllConnections();
  };
  const closed = servers.map(
    (server) => new Promise<void>((resolve) => server.close(() => resolve())),
  );
  const timer = setTimeout(cut, graceMs);
  // `close` ends idle connections, but one that becomes idle only now would hold it until its keep-alive time is over.
  const sweep = setInterval(() => {
    for (const server of servers) server.closeIdleConnections();
  }, 50);
  await Promise.all(closed);
  clearTimeout(timer);
  clearInterval(sweep);
}
