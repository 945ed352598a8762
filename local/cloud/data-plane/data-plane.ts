import type { Socket } from "node:net";
import { idKey } from "../arm-id.ts";
import type { Behaviour, DataPlaneEntry, FirewallEntry } from "../estate.ts";
import type { Route } from "../router.ts";
import { serve } from "./backend.ts";
import { createFirewallListeners } from "./firewall-listeners.ts";
import { type CallVerdict, verdictOnCall } from "./firewall-verdict.ts";
import type { InForce } from "./in-force.ts";
import { type Listener, listen } from "./listener.ts";
import {
  firewallPort,
  type MachineListener,
  type MachinePort,
  machinePort,
  nameOf,
} from "./machine-port.ts";
import { verdictOn } from "./verdict.ts";

/** The network of the pretend cloud: real connections, let in or turned away by its NSGs and firewalls. */
export interface DataPlane {
  /** Of those that listen: machines' own in the order of the estate, then those of firewalls, which come and go. */
  ports(): readonly MachinePort[];
  listen(): Promise<void>;
  /** Ends every connection. */
  stop(): Promise<void>;
  /** `GET /local/data-plane` lists the ports; it needs no token. */
  readonly routes: readonly Route[];
}

interface Options {
  readonly entries: readonly (DataPlaneEntry | FirewallEntry)[];
  readonly inForce: InForce;
  readonly dnatAgainstDeny: Behaviour["dnatAgainstDeny"];
}

/** Shown verdicts are about a client port as good as any. */
const someClientPort = 50_000;

export function createDataPlane({ entries, inForce, dnatAgainstDeny }: Options): DataPlane {
  const machines = entries.filter((entry) => "virtualMachine" in entry);
  const firewalls = entries.filter((entry) => "firewall" in entry);
  const listening: MachineListener[] = [];
  const behindFirewalls = createFirewallListeners(firewalls, inForce, (entry, mappedPort) =>
    listen({
      host: entry.listenOn,
      port: mappedPort,
      letsIn: ({ remotePort }) => onCall(entry, mappedPort, remotePort).letsIn,
      serve: (client) => serveCall(client, entry, onCall(entry, mappedPort, client.remotePort)),
    }),
  );

  function onCall(entry: FirewallEntry, mappedPort: number, sourcePort = 0): CallVerdict {
    return verdictOnCall(inForce, { entry, mappedPort, sourcePort }, dnatAgainstDeny);
  }

  function serveCall(client: Socket, { source }: FirewallEntry, { target }: CallVerdict): void {
    if (target === undefined) return void client.destroy();
    serve(client, backendOf(machines, target), greetingOf({ ...target, source }));
  }

  function listenFor(entry: DataPlaneEntry): Promise<Listener> {
    return listen({
      host: "127.0.0.1",
      port: entry.listen,
      letsIn: ({ remotePort = 0 }) => verdictOn(inForce, entry, remotePort).letsIn,
      serve: (client) => serve(client, entry.backend, greetingOf(entry)),
    });
  }

  function ports(): readonly MachinePort[] {
    const own = listening.map((each) =>
      machinePort(each, verdictOn(inForce, each.entry, someClientPort)),
    );
    const mapped = behindFirewalls.all().map((each) => {
      const verdict = onCall(each.entry, each.mappedPort, someClientPort);
      return firewallPort(each, verdict, backendOf(machines, verdict.target));
    });
    return [...own, ...mapped];
  }

  return {
    ports,
    async listen() {
      for (const entry of machines) listening.push({ entry, listener: await listenFor(entry) });
      await behindFirewalls.start();
    },
    async stop() {
      const own = listening.map(({ listener }) => listener.close());
      await Promise.all([behindFirewalls.stop(), ...own]);
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

/** A firewall leads to what stands behind the machine's own entry for that port, if the estate has one. */
function backendOf(machines: readonly DataPlaneEntry[], target: CallVerdict["target"]): string {
  const { virtualMachine = "", port } = target ?? {};
  const same = machines.find(
    (entry) => entry.port === port && idKey(entry.virtualMachine) === idKey(virtualMachine),
  );
  return same?.backend ?? "echo";
}

function greetingOf(port: Pick<MachinePort, "virtualMachine" | "port" | "source">): string {
  return `${nameOf(port)} greets ${port.source} and sends back what it is sent`;
}
