import type { FirewallEntry } from "../estate.ts";
import { networkType } from "../network/references.ts";
import { sameText } from "../resources.ts";
import { mappedPortsOf } from "./firewall-verdict.ts";
import type { InForce } from "./in-force.ts";
import type { Listener } from "./listener.ts";

/** A port of a firewall's public address that answers on this computer. */
export interface FirewallListener {
  readonly entry: FirewallEntry;
  readonly mappedPort: number;
  readonly listener: Listener;
}

/** Listeners that come and go with the DNAT rules in force. */
export interface FirewallListeners {
  /** In the order of the entries, then of the ports. */
  all(): readonly FirewallListener[];
  /** Opens what there is now, and from here on follows every change. */
  start(): Promise<void>;
  /** Ends every connection. */
  stop(): Promise<void>;
}

type Open = (entry: FirewallEntry, mappedPort: number) => Promise<Listener>;

/** What the ports of a firewall depend on; an NSG, which is written all the time, is not among it. */
const followed: readonly string[] = [
  networkType.publicIp,
  networkType.firewall,
  networkType.firewallPolicy,
  networkType.ruleCollectionGroup,
  networkType.ipGroup,
];

export function createFirewallListeners(
  entries: readonly FirewallEntry[],
  inForce: InForce,
  open: Open,
): FirewallListeners {
  const standing = new Map<string, FirewallListener>();
  /** No longer listening, kept for the connections that live on. */
  const retired = new Set<Listener>();
  let work: Promise<void> = Promise.resolve();
  let isStopped = false;

  async function follow(): Promise<void> {
    if (isStopped) return;
    const wanted = entries.flatMap((entry, index) =>
      mappedPortsOf(inForce, entry).map((mappedPort) => ({
        entry,
        mappedPort,
        key: `${index}:${mappedPort}`,
      })),
    );
    const keys = new Set(wanted.map(({ key }) => key));
    for (const [key, { listener }] of standing) if (!keys.has(key)) retire(key, listener);
    for (const { key, entry, mappedPort } of wanted) {
      if (standing.has(key)) continue;
      standing.set(key, { entry, mappedPort, listener: await open(entry, mappedPort) });
    }
  }

  function retire(key: string, listener: Listener): void {
    standing.delete(key);
    retired.add(listener);
    void listener.retire().then(() => retired.delete(listener));
  }

  /** One at a time: two of them at once would open a port twice. */
  function followNext(): Promise<void> {
    work = work.then(follow);
    return work;
  }

  return {
    all: () =>
      [...standing.values()].toSorted(
        (left, right) =>
          entries.indexOf(left.entry) - entries.indexOf(right.entry) ||
          left.mappedPort - right.mappedPort,
      ),
    start() {
      inForce.watch((type) => {
        if (followed.some((each) => sameText(each, type))) void followNext();
      });
      return followNext();
    },
    async stop() {
      isStopped = true;
      await work;
      const listeners = [...[...standing.values()].map(({ listener }) => listener), ...retired];
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}
