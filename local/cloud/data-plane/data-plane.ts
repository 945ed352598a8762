import { segmentAfter } from "../arm-id.ts";
import type { DataPlaneEntry } from "../estate.ts";
import type { Route } from "../router.ts";
import { serve } from "./backend.ts";
import type { InForce } from "./in-force.ts";
import { type Listener, listen } from "./listener.ts";
import { type Verdict, verdictOn } from "./verdict.ts";

/** A port of a machine that answers on this computer, and what a new connection to it would meet now. */
export interface MachinePort extends DataPlaneEntry, Verdict {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** The estate asked for another port, which was taken. */
  readonly isSubstitute: boolean;
}

/** The network of the pretend cloud: real connections, let in or turned away by its NSGs. */
export interface DataPlane {
  /** In the order of the estate, of those that listen. */
  ports(): readonly MachinePort[];
  listen(): Promise<void>;
  /** Ends every connection. */
  stop(): Promise<void>;
  /** `GET /local/data-plane` lists the ports; it needs no token. */
  readonly routes: readonly Route[];
}

/** Shown verdicts are about a client port as good as any. */
const someClientPort = 50_000;

export function createDataPlane(entries: readonly DataPlaneEntry[], inForce: InForce): DataPlane {
  const listening: { readonly entry: DataPlaneEntry; readonly listener: Listener }[] = [];

  function ports(): readonly MachinePort[] {
    return listening.map(({ entry, listener: { port } }) => ({
      ...entry,
      address: `127.0.0.1:${port}`,
      isSubstitute: entry.listen !== 0 && entry.listen !== port,
      ...verdictOn(inForce, entry, someClientPort),
    }));
  }

  return {
    ports,
    async listen() {
      for (const entry of entries) {
        const listener = await listen({
          port: entry.listen,
          letsIn: ({ remotePort = 0 }) => verdictOn(inForce, entry, remotePort).letsIn,
          serve: (client) => serve(client, entry.backend, greetingOf(entry)),
        });
        listening.push({ entry, listener });
      }
    },
    async stop() {
      await Promise.all(listening.map(({ listener }) => listener.close()));
    },
    routes: [
      {
        method: "GET",
        path: "/local/data-plane",
        needsArmToken: false,
        handle: () => ({ status: 200, body: { value: ports() } }),
      },
    ],
  };
}

/** `vm-linux:22`, as people call it. */
export function nameOf({ virtualMachine, port }: DataPlaneEntry): string {
  return `${segmentAfter(virtualMachine, "virtualMachines")}:${port}`;
}

function greetingOf(entry: DataPlaneEntry): string {
  return `${nameOf(entry)} greets ${entry.source} and sends back what it is sent`;
}
