import { idKey } from "../policy/resource-id.ts";
import { readRange } from "./address-range.ts";
import { type FirewallRule, mappedPorts } from "./firewall.ts";
import { ipv4, type Opening } from "./firewall-drafts.ts";
import { mayHold } from "./firewall-overlap.ts";
import type { DesiredDeny, Entrance } from "./intent.ts";
import { type ReadPorts, readPorts } from "./port-ranges.ts";

const mappedCount = mappedPorts.last - mappedPorts.first + 1;

/** A port of a VM to which people are led from a public address. */
export interface Target {
  readonly vmId: string;
  readonly address: string;
  readonly port: number;
  /** The firewall's public addresses that can lead there, the best first. */
  readonly publicAddresses: readonly string[];
  /** Whether somebody asks for it now. */
  readonly isAsked: boolean;
}

/** What stands on a firewall's public addresses: DNAT rules of ours and of others. */
export interface Entrances {
  readonly own: readonly FirewallRule[];
  readonly customer: readonly FirewallRule[];
}

/** Names a target, whoever asks for it. */
export const targetKey = ({
  vmId,
  address,
  port,
}: Pick<Target, "vmId" | "address" | "port">): string =>
  `${idKey(vmId)} ${address} ${String(port).padStart(5, "0")}`;

/**
 * All targets that people may be led to: every protected port, whether anybody asks for it now or not, and what is asked
 * for besides. In the order in which they choose their ports, so that who asks first does not matter.
 */
export function targetsOf(
  denies: readonly DesiredDeny[],
  openings: readonly Opening[],
  publicAddresses: readonly string[],
): readonly Target[] {
  const wishes = wishesOf(denies);
  const asked = openings.map(({ window, address }) => ({
    vmId: window.vmId,
    address,
    port: window.port,
    publicAddresses: bestFirst(wishes, window.vmId, window.publicAddresses ?? []),
    isAsked: true,
  }));
  const closed = denies.flatMap(({ vmId, addresses, ports }) =>
    ipv4(addresses)
      .slice(0, 1)
      .flatMap((address) => ports.map((port) => ({ vmId, address, port })))
      .map((target) => ({
        ...target,
        publicAddresses: bestFirst(wishes, vmId, publicAddresses),
        isAsked: false,
      })),
  );
  const all = [...sorted(closed), ...sorted(asked)];
  return [...new Map(all.map((target) => [targetKey(target), target])).values()];
}

/** By VM, the public addresses that policies wish for. */
export type Wishes = ReadonlyMap<string, readonly string[]>;

/** Gathers the wishes of all policies. */
export function wishesOf(denies: readonly DesiredDeny[]): Wishes {
  const wishing = denies.filter((deny) => deny.publicIpAddress !== undefined);
  return new Map(
    [...Map.groupBy(wishing, ({ vmId }) => idKey(vmId))].map(([vm, rows]) => [
      vm,
      rows.flatMap(({ publicIpAddress = "" }) => ipv4([publicIpAddress])),
    ]),
  );
}

/** The IPv4 ones of a firewall's addresses in its order, after the one that a policy of the VM wishes for. */
export function bestFirst(
  wishes: Wishes,
  vmId: string,
  addresses: readonly string[],
): readonly string[] {
  const list = ipv4(addresses);
  const wish = wishes.get(idKey(vmId))?.find((address) => list.includes(address));
  return wish === undefined ? list : [wish, ...list.filter((address) => address !== wish)];
}

const sorted = (targets: readonly Target[]): readonly Target[] =>
  targets.toSorted((left, right) => (targetKey(left) < targetKey(right) ? -1 : 1));

/**
 * A public address and a port on it for each target, by {@link targetKey}; nothing for one that finds none. A target that
 * people are led to now keeps its entrance while that is free of others; the rest follow from VM and port alone.
 */
export function assignEntrances(
  targets: readonly Target[],
  { own, customer }: Entrances,
): ReadonlyMap<string, Entrance> {
  const isTheirs = takenBy(customer);
  const assigned = new Map<string, Entrance>();
  const held = new Set<number>();
  const hold = (target: Target, entrance: Entrance | undefined) => {
    if (entrance !== undefined) {
      assigned.set(targetKey(target), entrance);
      held.add(entrance.port);
    }
  };
  for (const target of targets.filter(({ isAsked }) => isAsked)) {
    const isFree = ({ address, port }: Entrance) => !held.has(port) && !isTheirs(address, port);
    hold(target, presentEntrances(target, own).find(isFree));
  }
  const full = new Set<string>();
  for (const target of targets.filter((each) => !assigned.has(targetKey(each)))) {
    const isFree = (address: string, port: number) => !held.has(port) && !isTheirs(address, port);
    hold(target, freshEntrance(target, isFree, full));
  }
  return assigned;
}

/** Entrances of rules of ours that lead to the target now, the best first. */
function presentEntrances(target: Target, own: readonly FirewallRule[]): readonly Entrance[] {
  const rank = ({ address, port }: Entrance) =>
    target.publicAddresses.indexOf(address) * 65_536 + port;
  return own
    .filter((rule) => leadsTo(rule, target))
    .flatMap(({ destinations, destinationPorts }) =>
      ipv4(destinations).map((address) => ({ address, port: Number(destinationPorts[0]) })),
    )
    .filter(
      ({ address, port }) =>
        target.publicAddresses.includes(address) &&
        port >= mappedPorts.first &&
        port <= mappedPorts.last,
    )
    .toSorted((left, right) => rank(left) - rank(right));
}

/** Whether a DNAT rule leads to this very address and port. */
export function leadsTo(
  rule: FirewallRule,
  { address, port }: Pick<Target, "address" | "port">,
): boolean {
  return (
    rule.kind === "dnat" && Number(rule.translatedPort) === port && translatedTo(rule) === address
  );
}

/** Names an address and a port on it. */
export const placeKey = (address: string, port: number): string => `${address} ${port}`;

/** The {@link placeKey} to which a DNAT rule leads. */
export const leadsWhere = (rule: FirewallRule): string =>
  placeKey(translatedTo(rule), Number(rule.translatedPort));

const translations = new WeakMap<FirewallRule, string>();

/** The IPv4 address to which a rule leads, as we write addresses; read once, compared often. */
function translatedTo(rule: FirewallRule): string {
  const text = translations.get(rule) ?? ipv4([rule.translatedAddress ?? ""])[0] ?? "";
  translations.set(rule, text);
  return text;
}

/**
 * Ports are unique over all public addresses, so that a target has the same one whichever address it is reached by. `full` are
 * addresses on which none was found: none will be.
 */
function freshEntrance(
  target: Target,
  isFree: (address: string, port: number) => boolean,
  full: Set<string>,
): Entrance | undefined {
  const start = hashOf(`${idKey(target.vmId)} ${target.port}`) % mappedCount;
  for (const address of target.publicAddresses.filter((each) => !full.has(each))) {
    for (let step = 0; step < mappedCount; step += 1) {
      const port = mappedPorts.first + ((start + step) % mappedCount);
      if (isFree(address, port)) {
        return { address, port };
      }
    }
    full.add(address);
  }
  return undefined;
}

/** FNV-1a of 32 bits: spreads names evenly, and is the same for ever and everywhere. */
export function hashOf(text: string): number {
  return new TextEncoder()
    .encode(text)
    .reduce((hash, byte) => Math.imul(hash ^ byte, 0x01_00_01_93) >>> 0, 0x81_1c_9d_c5);
}

/** Whether DNAT rules take a port of a public address for some protocol. NB. What cannot be read takes everything. */
function takenBy(customer: readonly FirewallRule[]): (address: string, port: number) => boolean {
  const known = new Map<string, readonly ReadPorts[]>();
  const portsAt = (address: string) => {
    const read = readRange(address);
    const ports = customer
      .filter((rule) => read === undefined || mayHold(rule, [read.range]))
      .map(({ destinationPorts }) => readPorts(destinationPorts));
    known.set(address, ports);
    return ports;
  };
  return (address, port) =>
    (known.get(address) ?? portsAt(address)).some(
      ({ ranges, isUnreadable }) =>
        isUnreadable || ranges.some(([first, last]) => first <= port && port <= last),
    );
}
