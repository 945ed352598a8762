import { connect, type Socket } from "node:net";

/** Serves a connection that was let in, until either side ends it. `greeting` is what the echo backend says first. */
export function serve(client: Socket, backend: string, greeting: string): void {
  client.on("error", () => client.destroy());
  if (backend === "echo") {
    client.write(`${greeting}\n`);
    client.pipe(client);
    return;
  }
  const { hostname, port } = new URL(`tcp://${backend}`);
  const server = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  // Nothing listens there, or it broke off: the client sees what it would see of such a machine.
  server.on("error", () => client.resetAndDestroy());
  server.on("close", () => client.destroySoon());
  client.on("close", () => server.destroy());
  client.pipe(server).pipe(client);
}
