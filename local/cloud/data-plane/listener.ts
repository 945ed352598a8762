import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** One TCP port on 127.0.0.1, where nobody else can reach it. */
export interface Listener {
  readonly port: number;
  /** Ends its connections too. */
  close(): Promise<void>;
}

interface Options {
  /** 0 takes any free one, and so does one that is taken. */
  readonly port: number;
  readonly letsIn: (client: Socket) => boolean;
  readonly serve: (client: Socket) => void;
}

/**
 * Asks once for every connection, when it comes: one that was let in lives on after its rule has gone, as in Azure.
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
  await listenOn(server, options.port).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE" && error.code !== "EACCES") throw error;
    await listenOn(server, 0);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const client of clients) client.destroy();
      }),
  };
}

function listenOn(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}
