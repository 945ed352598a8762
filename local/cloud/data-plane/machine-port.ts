import { segmentAfter } from "../arm-id.ts";
import type { DataPlaneEntry } from "../estate.ts";
import type { Verdict } from "./decision.ts";
import type { FirewallListener } from "./firewall-listeners.ts";
import type { CallVerdict } from "./firewall-verdict.ts";
import type { Listener } from "./listener.ts";

/** A port that answers on this computer, the machine's port it leads to, and what a new connection would meet now. */
export interface MachinePort extends Verdict {
  /** Its ARM id; undefined when a firewall translates to an address that no machine has. */
  readonly virtualMachine?: string | undefined;
  /** The machine's own. */
  readonly port: number;
  /** The address the client is taken to come from. */
  readonly source: string;
  readonly backend: string;
  readonly destination?: string;
  /** Where it answers, as `127.0.0.1:port`. */
  readonly address: string;
  /** The estate asked for another address or port, which was not to be had. */
  readonly isSubstitute: boolean;
  /** What the estate asked for, as `127.0.0.1:port`; undefined where any free port would do. */
  readonly askedFor?: string;
  /** Of a port of a firewall: its ARM id, and the address and port that a person connects to in Azure. */
  readonly firewall?: string;
  readonly publicIpAddress?: string;
  readonly mappedPort?: number;
}

/** A port of a machine's own. */
export interface MachineListener {
  readonly entry: DataPlaneEntry;
  readonly listener: Listener;
}

export function machinePort({ entry, listener }: MachineListener, verdict: Verdict): MachinePort {
  const { listen, ...shown } = entry;
  return {
    ...shown,
    address: addressOf(listener),
    isSubstitute: listen !== 0 && listen !== listener.port,
    ...(listen === 0 ? {} : { askedFor: `127.0.0.1:${listen}` }),
    ...verdict,
  };
}

export function firewallPort(
  { entry, mappedPort, listener }: FirewallListener,
  { target, ...verdict }: CallVerdict,
  backend: string,
): MachinePort {
  const { virtualMachine, port = mappedPort } = target ?? {};
  const askedFor = `${entry.listenOn}:${mappedPort}`;
  return {
    virtualMachine,
    port,
    source: entry.source,
    backend,
    address: addressOf(listener),
    isSubstitute: addressOf(listener) !== askedFor,
    askedFor,
    firewall: entry.firewall,
    publicIpAddress: entry.publicIpAddress,
    mappedPort,
    ...verdict,
  };
}

/** `vm-linux:22`, as people call it. */
export function nameOf({
  virtualMachine = "",
  port,
}: Pick<MachinePort, "virtualMachine" | "port">): string {
  return `${segmentAfter(virtualMachine, "virtualMachines") ?? "no machine"}:${port}`;
}

function addressOf({ host, port }: Listener): string {
  return `${host}:${port}`;
}
