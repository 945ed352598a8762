import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { setTimeout as pauseFor } from "node:timers/promises";
import type { Endpoints } from "../../local/endpoints.ts";
import { getJson } from "../../local/sign-in.ts";
import { port } from "../crowd.ts";

/** Between two looks; as exact as the times are. Each look is work for the pretend cloud, which judges every port. */
const lookMs = 500;
/** A busy machine is slow to answer; one that turns people away does so at once. */
const patienceMs = 10_000;

/** As the pretend cloud tells of a port of a firewall. */
interface Shown {
  readonly virtualMachine?: string;
  readonly port: number;
  readonly letsIn: boolean;
  /** Where it answers on this computer. */
  readonly address: string;
  readonly publicIpAddress?: string;
  readonly mappedPort?: number;
}

/** When the firewall began and ceased to let people through to a VM, in milliseconds since the start. */
export interface Door {
  readonly openedAfterMs: number;
  readonly shutAfterMs?: number;
}

/** Looks over and over which VMs the firewall lets people through to, by the rules in force, whoever wrote them. */
export class Doors {
  /** By the VM's name. */
  readonly seen = new Map<string, Door>();
  readonly #read: () => Promise<readonly Shown[]>;
  readonly #since: () => number;

  private constructor(read: () => Promise<readonly Shown[]>, since: () => number) {
    this.#read = read;
    this.#since = since;
  }

  static async on({ cloud, caFile }: Endpoints, since: () => number): Promise<Doors> {
    const ca = await readFile(caFile, "utf8");
    const read = async () =>
      (await getJson<{ value: readonly Shown[] }>(`${cloud}/local/data-plane`, { ca })).value;
    return new Doors(read, since);
  }

  /** Resolves once it is over. The time after a look: nothing is noted as open before it was. */
  async watch(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      const open = new Set((await this.#read()).filter(isOpen).map(vmNameOf));
      const afterMs = this.#since();
      for (const vmName of open) {
        if (!this.seen.has(vmName)) {
          this.seen.set(vmName, { openedAfterMs: afterMs });
        }
      }
      for (const [vmName, door] of this.seen) {
        if (!open.has(vmName) && door.shutAfterMs === undefined) {
          this.seen.set(vmName, { ...door, shutAfterMs: afterMs });
        }
      }
      await pauseFor(lookMs);
    }
  }

  /** To how many of the VMs a real connection gets through. By the public address and port, where these are told. */
  async reached(wanted: readonly Wanted[]): Promise<number> {
    const shown = await this.#read();
    const attempts = wanted.map(async ({ vmName, publicIpAddress, mappedPort }) => {
      const door = shown.find((one) =>
        mappedPort === undefined
          ? vmNameOf(one) === vmName && one.port === port
          : one.publicIpAddress === publicIpAddress && one.mappedPort === mappedPort,
      );
      // NB. The echo server tells the VM's name: that something answers is not enough.
      return door !== undefined && (await greeting(door.address)).startsWith(`${vmName}:${port} `);
    });
    return (await Promise.all(attempts)).filter(Boolean).length;
  }
}

/** A VM, and how people were told to reach it. */
interface Wanted {
  readonly vmName: string;
  readonly publicIpAddress?: string;
  readonly mappedPort?: number;
}

const isOpen = (shown: Shown): boolean => shown.letsIn && shown.port === port;

const vmNameOf = ({ virtualMachine = "" }: Shown): string => virtualMachine.split("/").at(-1) ?? "";

/** The first that a server says; nothing where there is no connection, or it is silent. */
function greeting(address: string): Promise<string> {
  const [host = "", portText = ""] = address.split(":");
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(portText), timeout: patienceMs });
    const end = (text: string) => {
      socket.destroy();
      resolve(text);
    };
    socket.once("data", (chunk: Buffer) => end(chunk.toString()));
    socket.once("error", () => end(""));
    socket.once("close", () => end(""));
    socket.once("timeout", () => end(""));
  });
}
