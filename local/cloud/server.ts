import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

interface Options {
  /** 0 takes any free one. */
  readonly port: number;
  readonly tls: { readonly key: string | Buffer; readonly cert: string | Buffer };
  readonly answer: (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>;
}

/** Longer than any client's pause between polls, so that kept-alive connections are not cut under a request. */
const keepAliveMs = 60_000;

/** HTTPS on 127.0.0.1 and, where the machine has it, ::1. Nothing else can reach it. */
export async function listenOnLoopback(options: Options, attempts = 5): Promise<Listening> {
  const servers = [createHttps(options)];
  const port = await listen(servers[0] as Server, "127.0.0.1", options.port);
  const onSix = createHttps(options);
  try {
    await listen(onSix, "::1", port);
    servers.push(onSix);
  } catch (error) {
    if (!hasNoIpv6(error)) {
      await Promise.all(servers.map(close));
      // A port that is free on one address may be taken on the other: any other free one will do.
      if (options.port === 0 && attempts > 1) return await listenOnLoopback(options, attempts - 1);
      throw error;
    }
  }
  return {
    port,
    close: async () => {
      await Promise.all(servers.map(close));
    },
  };
}

function createHttps({ tls, answer }: Options): Server {
  const server = createServer({ key: tls.key, cert: tls.cert }, (incoming, outgoing) => {
    // A client that went away in the middle of its request gets no answer.
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.keepAliveTimeout = keepAliveMs;
  return server;
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function hasNoIpv6(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT";
}
