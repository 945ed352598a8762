import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** One TCP port on a loopback address, where nobody else can reach it. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Takes no new connections; settles when the last of those that stand has ended by itself. */
  retire(): Promise<void>;
  /** Ends its connections too. */
  close(): Promise<void>;
}

interface Options {
  /** In 127.0.0.0/8. */
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly letsIn: (client: Socket) => boolean;
  readonly serve: (client: Socket) => void;
}

/** Taken; below 1024 and not ours to take; and a loopback address that this system (macOS) does not have. */
const substituted = new Set(["EADDRINUSE", "EACCES", "EADDRNOTAVAIL"]);

/**
 * Asks once for every connection, when it comes: one that was let in lives on after its rule has gone, as in Azure. What
 * cannot be had is replaced by a free port on 127.0.0.1.
 *
 * NB. One that is turned away is accepted and reset at once. Azure drops its packets instead, and the client waits for
 * its time-out; a person in front of a demo need not.
 */
export async function listen(options: Options): Promise<Listener> {
  const clients = new Set<Socket>();
  // Half-open: a client that has said all it has to say still wants the rest of the answer.
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    if (!options.letsIn(client)) {
      client.on("error", () => undefined).resetAndDestroy();
      return;
    }
    clients.add(client);
    client.on("close", () => clients.delete(client));
    options.serve(client);
    client.resume();
  });
  await listenOn(server, options.host, options.port).catch(async (error: NodeJS.ErrnoException) => {
    if (!substituted.has(error.code ?? "")) throw error;
    await listenOn(server, "127.0.0.1", 0);
  });
  const { address: host, port } = server.address() as AddressInfo;
  const retire = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  return {
    host,
    port,
    retire,
    close() {
      const retired = retire();
      for (const client of clients) client.destroy();
      return retired;
    },
  };
}

function listenOn(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
