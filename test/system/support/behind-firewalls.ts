import { randomInt } from "node:crypto";
import {
  type EchoConnection,
  readMachinePorts,
  tryToConnect,
} from "../../../local/cloud/data-plane/client.ts";
import type { Behaviour, Estate } from "../../../local/cloud/estate.ts";
import { firewalledNames, withFirewalledVms } from "../../support/generated-firewalls.ts";
import { RunningSystem, type SystemOptions } from "../../support/running-system.ts";
import { type Answer, User, until } from "../user.ts";

export type Kind = "classic" | "policy";
export const eachKind = ["classic", "policy"] as const;

/** A VM behind a firewall, by the names of what stands in front of it. */
export interface Place {
  readonly vm: string;
  readonly group: string;
  readonly firewall: string;
  readonly policy?: string;
  readonly nsg?: string;
}

/** The two of the sample estate, behind an NSG each besides. */
export const sample = {
  classic: {
    ...{ vm: "vm-edge", group: "rg-network", firewall: "fw-edge", nsg: "nsg-edge" },
    publicIpAddress: "192.0.2.40",
  },
  policy: {
    ...{ vm: "vm-spoke", group: "rg-network", firewall: "fw-hub", nsg: "nsg-spoke" },
    policy: "fwp-hub",
    publicIpAddress: "192.0.2.50",
  },
} as const satisfies Record<Kind, Place & { readonly publicIpAddress: string }>;

/** A generated VM, behind a firewall of its own and nothing else. */
export function generatedPlace(name: string, kind: Kind): Place {
  const { vm, firewall, policy } = firewalledNames(name);
  return { vm, group: "rg-demo", firewall, ...(kind === "policy" ? { policy } : {}) };
}

/** Addresses that clients come from. */
const home = "203.0.113.7";
export const office = "198.51.100.9";
export const stranger = "203.0.113.99";

/** What the API tells of a window. */
export interface ToldWindow {
  readonly state: string;
  readonly closesAt: string;
  readonly openedAt?: string;
  readonly publicIpAddress?: string;
  readonly mappedPort?: number;
  readonly connection?: { readonly command?: string };
  readonly reasons?: readonly { readonly code: string; readonly message: string }[];
}

interface FirewallOptions extends Pick<SystemOptions, "timing" | "history"> {
  readonly behaviour?: Partial<Behaviour>;
  /** VMs behind firewalls of their own, by name. */
  readonly more?: Readonly<Record<string, Kind>>;
}

/** A system with quick firewalls that answer on loopback addresses of its own. */
export function quickFirewalls({
  behaviour = {},
  timing = {},
  more = {},
  ...options
}: FirewallOptions = {}): SystemOptions {
  const vms = Object.entries(more).map(([name, kind]) => ({ name, kind, location: "westeurope" }));
  const change = (estate: Estate): Estate =>
    withFirewalledVms(
      {
        ...estate,
        behaviour: { ...estate.behaviour, ...behaviour },
        dataPlane: withOwnAddresses(estate.dataPlane),
      },
      vms,
    );
  return { ...options, timing: { nsgWriteMs: 100, firewallUpdateMs: 700, ...timing }, change };
}

/** NB. Another cloud on this computer may listen on the sample's addresses, and would answer in the place of a port that is shut. */
function withOwnAddresses(
  entries: Estate["dataPlane"] = [],
): Required<Pick<Estate, "dataPlane">>["dataPlane"] {
  const [second, third] = [randomInt(10, 250), randomInt(10, 250)];
  return entries
    .flatMap((entry) =>
      "firewall" in entry && entry.source === home
        ? [entry, { ...entry, source: office }]
        : [entry],
    )
    .map((entry, index) =>
      "firewall" in entry ? { ...entry, listenOn: `127.${second}.${third}.${index + 1}` } : entry,
    );
}

/** VMs behind firewalls in a running system, and Olivia, who owns them. */
export class BehindFirewalls {
  readonly system: RunningSystem;
  readonly user: User;
  /** Where ports have been seen to answer: a real connection is tried there also when nothing is said to listen any more. */
  readonly #addresses = new Map<string, string>();

  private constructor(system: RunningSystem) {
    this.system = system;
    this.user = new User(system);
  }

  static async start(options: SystemOptions): Promise<BehindFirewalls> {
    return new BehindFirewalls(await RunningSystem.start(options));
  }

  firewallPath({ group, firewall }: Place): string {
    return this.#network(group, `azureFirewalls/${firewall}`);
  }

  /** Path of our rule collection group; fails where there is none. */
  async ownGroupPath(place: Place): Promise<string> {
    const { body } = await this.user.arm(this.#groupsPath(place));
    return `${this.#groupsPath(place)}/${body.value.find(isOurs).name}`;
  }

  /** All that stands in front of a VM, as text without etags and provisioning states. */
  async gates(place: Place): Promise<string> {
    const { group, policy, nsg } = place;
    const paths = [
      this.firewallPath(place),
      ...(nsg === undefined ? [] : [this.user.nsgPath(nsg, group)]),
      ...(policy === undefined
        ? []
        : [this.#network(group, `firewallPolicies/${policy}`), this.#groupsPath(place)]),
    ];
    const answers = await Promise.all(paths.map((path) => this.user.arm(path)));
    return answers.map(({ body }) => settledText(body)).join("\n");
  }

  /** As {@link gates}, once no update is under way. */
  async gatesAtRest(place: Place): Promise<string> {
    await until(
      async () => (await this.user.arm(this.firewallPath(place))).body.properties.provisioningState,
      (state) => state === "Succeeded",
    );
    return this.gates(place);
  }

  /** Puts port 22 of VMs under a policy and waits until their firewalls carry it. */
  async protect(policy: string, places: readonly Place[]): Promise<Answer> {
    const put = await this.user.protect(
      "olivia",
      policy,
      places.map(({ vm }) => vm),
    );
    await this.sweptUntil(
      async () => (await this.user.call("olivia", "GET", this.user.policy(policy))).body,
      (body) => body.properties?.provisioningState === "Succeeded",
    );
    return put;
  }

  /** Deletes a policy and waits until its firewalls carry it no longer. */
  async unprotect(policy: string): Promise<void> {
    await this.user.call("olivia", "DELETE", this.user.policy(policy));
    await this.sweptUntil(
      async () => (await this.user.call("olivia", "GET", this.user.policy(policy))).status,
      (status) => status === 404,
    );
  }

  /** The sweep of every minute sees changes of policies and repairs through; here it is called more often. */
  async sweptUntil<T>(look: () => Promise<T>, passes: (seen: T) => boolean): Promise<T> {
    let sweptAt = 0;
    return until(
      async () => {
        const seen = await look();
        if (!passes(seen) && Date.now() - sweptAt > 400) {
          sweptAt = Date.now();
          await this.user.runTimer("sweep");
        }
        return seen;
      },
      passes,
      60_000,
    );
  }

  /** Asks for port 22 of a VM; answers the id of the request. */
  async ask(policy: string, { vm }: Place, seconds: number, source: string = home) {
    const { status, text, body } = await this.user.ask("olivia", policy, vm, seconds, source);
    if (status !== 202) {
      throw new Error(`The request was answered ${status}: ${text}`);
    }
    return body.id as string;
  }

  async window(id: string): Promise<ToldWindow> {
    return (await this.user.request(id)).windows[0];
  }

  /** The window once it is open and tells where to connect to, which follows a moment later. */
  untilOpen(id: string): Promise<ToldWindow> {
    return until(
      () => this.window(id),
      ({ state, connection }) => state === "open" && connection !== undefined,
      60_000,
    );
  }

  untilClosed(id: string): Promise<ToldWindow> {
    return until(
      () => this.window(id),
      ({ state }) => state === "closed",
      60_000,
    );
  }

  /** Who greets whoever connects as a person does with what the window tells; `""` for somebody who is turned away. */
  async greetingOf(window: ToldWindow, source: string = home): Promise<string> {
    const connection = await this.#connect(window, source);
    connection?.end();
    return connection?.greeting ?? "";
  }

  async #connect(
    { publicIpAddress = "", mappedPort = 0 }: ToldWindow,
    source: string,
  ): Promise<EchoConnection | undefined> {
    const port = `${publicIpAddress}:${mappedPort} from ${source}`;
    const listening = (await readMachinePorts(this.system.endpoints)).find(
      (one) =>
        one.publicIpAddress === publicIpAddress &&
        one.mappedPort === mappedPort &&
        one.source === source,
    );
    if (listening !== undefined) {
      this.#addresses.set(port, listening.address);
    }
    const address = this.#addresses.get(port);
    return address === undefined ? undefined : tryToConnect(address);
  }

  #groupsPath({ group, policy = "" }: Place): string {
    return this.#network(group, `firewallPolicies/${policy}/ruleCollectionGroups`);
  }

  #network(group: string, rest: string): string {
    return `/subscriptions/${this.user.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Network/${rest}`;
  }
}

/** Whether a collection or a group of collections is one of this service's. Azure compares names without case. */
export const isOurs = ({ name }: { readonly name: string }): boolean => /^jitaccess-/i.test(name);

/** What Azure answered, as text, without what changes by itself. */
export function settledText(body: unknown): string {
  return JSON.stringify(body, (key, value) =>
    key === "etag" || key === "provisioningState" ? undefined : value,
  );
}
