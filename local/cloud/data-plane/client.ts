import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { createInterface, type Interface } from "node:readline";
import type { Endpoints } from "../../endpoints.ts";
import { getJson } from "../../sign-in.ts";
import type { MachinePort } from "./machine-port.ts";

/** A connection to an echo backend, line by line. It keeps no process running while nobody waits for an answer. */
export interface EchoConnection {
  readonly greeting: string;
  /** Sends a line and answers the one that comes back; rejects when the connection has ended. */
  say(line: string): Promise<string>;
  end(): void;
}

/** What the running cloud says about its ports. */
export async function readMachinePorts(
  endpoints: Pick<Endpoints, "cloud" | "caFile">,
): Promise<readonly MachinePort[]> {
  const ca = await readFile(endpoints.caFile, "utf8");
  const url = `${endpoints.cloud}/local/data-plane`;
  return (await getJson<{ value: MachinePort[] }>(url, { ca })).value;
}

/** How long a greeting may take; on one machine it comes at once. */
const PATIENCE_MS = 5_000;

/** Connects to `127.0.0.1:port` and waits for the greeting; undefined when turned away. */
export async function tryToConnect(address: string): Promise<EchoConnection | undefined> {
  const { hostname, port } = new URL(`tcp://${address}`);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  const lines = createInterface(socket);
  // A reset is how a closed port shows; "close" follows and tells whoever waits.
  socket.on("error", () => undefined);
  lines.on("error", () => undefined);
  try {
    const greeting = await nextLine(socket, lines);
    socket.setTimeout(0).unref();
    return {
      greeting,
      async say(line) {
        socket.ref().write(`${line}\n`);
        try {
          return await nextLine(socket, lines);
        } finally {
          socket.unref();
        }
      },
      end: () => socket.destroy(),
    };
  } catch {
    return undefined;
  }
}

function nextLine(socket: Socket, lines: Interface): Promise<string> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error("The connection has ended."));
    if (socket.destroyed) return ended();
    socket.once("close", ended);
    lines.once("line", (line) => {
      socket.off("close", ended);
      resolve(line);
    });
  });
}
