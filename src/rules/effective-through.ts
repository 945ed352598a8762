import type { FirewallPath, MachineAddress } from "../ports.ts";
import { type Access, type EffectiveAccess, effectiveAccess, type Traffic } from "./effective.ts";
import type { ReadGroup } from "./effective-group.ts";
import type { Firewall } from "./firewall.ts";
import { ipv4 } from "./firewall-drafts.ts";
import { accessThroughFirewall, dnatReadings, type ReadFirewall } from "./firewall-effective.ts";
import { hasPublic, isPublic } from "./firewall-overlap.ts";
import type { Entrance } from "./intent.ts";

/** A way through a firewall to an address of a VM: by a public address and port of the firewall, or to the VM's own address. */
export interface Way {
  readonly path: FirewallPath;
  readonly entrance?: Entrance | undefined;
}

/** What traffic through a firewall meets. A firewall that could not be read may do anything. */
export interface Met {
  readonly firewall: ReadFirewall | undefined;
  /** As {@link effectiveAccess} takes them. */
  readonly groups: ReadonlyMap<string, ReadGroup>;
}

/** The entrances of a firewall that lead to a port of an address. */
export type EntrancesTo = (address: string, port: number) => readonly Entrance[];

/** Finds the entrances that the DNAT rules of a firewall make, ours and others', in one look at the rules. */
export function entrancesOf({ rules, publicAddresses }: Firewall): EntrancesTo {
  const found = new Map<string, Entrance[]>();
  for (const rule of rules.filter(({ kind }) => kind === "dnat")) {
    const [address] = ipv4(rule.translatedAddress === undefined ? [] : [rule.translatedAddress]);
    const isAny = rule.destinations.includes("*");
    const addresses = isAny ? publicAddresses : ipv4(rule.destinations);
    const ports = rule.destinationPorts.filter((port) => /^\d{1,5}$/.test(port)).map(Number);
    const key = keyOf(address ?? "", Number(rule.translatedPort));
    const entrances = addresses.flatMap((each) => ports.map((port) => ({ address: each, port })));
    found.set(key, [...(found.get(key) ?? []), ...entrances]);
  }
  return (address, port) => found.get(keyOf(address, port)) ?? [];
}

const keyOf = (address: string, port: number): string => `${address} ${port}`;

/**
 * The ways by which a source comes to a port of an address through firewalls: from outside by the entrances, from inside, or
 * where there is no entrance, to the address itself. Firewalls know IPv4 only.
 */
export function waysTo(
  { address, family, firewalls = [] }: Pick<MachineAddress, "address" | "family" | "firewalls">,
  { source, port }: Pick<Traffic, "source" | "port">,
  entrancesAt: (gateId: string) => readonly EntrancesTo[],
): readonly Way[] {
  if (family === 6 || source.includes(":")) {
    return [];
  }
  return firewalls.flatMap((path): readonly Way[] => {
    const all = hasPublic([source])
      ? entrancesAt(path.gateId).flatMap((entrances) => entrances(address, port))
      : [];
    const own = all.filter((entrance) => path.publicAddresses.includes(entrance.address));
    const once = [...new Map(own.map((each) => [keyOf(each.address, each.port), each])).values()];
    const isMeant = once.length === 0 || !isPublic(source);
    return [...(isMeant ? [{ path }] : []), ...once.map((entrance) => ({ path, entrance }))];
  });
}

/**
 * What gets through by a way: the firewall must let it through, and so must every security group behind it. `gates` of the
 * address are its groups.
 *
 * Azure Firewall puts an address of its own subnet in the place of the sender of what a DNAT rule has led on, and of what goes
 * to addresses outside private space, and leaves other senders as they are (Microsoft Learn, "Azure Firewall SNAT private IP
 * address ranges").
 */
export function accessBy(
  { path, entrance }: Way,
  place: Pick<MachineAddress, "address" | "gates">,
  { firewall, groups }: Met,
  traffic: Traffic,
): EffectiveAccess {
  const first = atFirewall({ path, entrance }, place.address, firewall, traffic);
  const isTranslated = entrance !== undefined || isPublic(place.address);
  const behind = isTranslated
    ? fromAny(
        path.subnets.map((source) => effectiveAccess(place, groups, { ...traffic, source })),
        place,
      )
    : effectiveAccess(place, groups, traffic);
  return {
    access: inSeries(first.access, behind.access),
    isCovered: true,
    gates: [{ gateId: path.gateId, ...first }, ...behind.gates],
  };
}

/** What the firewall makes of it. NB. Sources disagree about deny rules after DNAT: nothing is certain on which the readings differ. */
function atFirewall(
  { entrance }: Way,
  address: string,
  firewall: ReadFirewall | undefined,
  traffic: Traffic,
): { readonly access: Access; readonly rules: readonly string[] } {
  if (firewall === undefined) {
    return { access: "unknown", rules: [] };
  }
  const destination = entrance?.address ?? address;
  const question = { ...traffic, destination, port: entrance?.port ?? traffic.port };
  const answers = dnatReadings.map((reading) => accessThroughFirewall(firewall, question, reading));
  const isLedElsewhere = answers
    .flatMap(({ leadsTo }) => leadsTo)
    .some((to) => to.address !== address || to.port !== traffic.port);
  const access = agreed(answers.map((answer) => answer.access));
  return {
    // What certainly gets nowhere gets nowhere else either.
    access: isLedElsewhere && access !== "denied" ? "unknown" : access,
    rules: [...new Set(answers.flatMap(({ rules }) => rules))],
  };
}

/**
 * What groups make of traffic of which only so much is known: it comes from some address of some of the firewall's prefixes.
 * What they make of some of these addresses alone is therefore not known.
 */
function fromAny(
  answers: readonly EffectiveAccess[],
  { gates }: Pick<MachineAddress, "gates">,
): Pick<EffectiveAccess, "access" | "gates"> {
  const sure = (list: readonly Access[]): Access => {
    const access = agreed(list);
    return access === "partly" ? "unknown" : access;
  };
  return {
    access: sure(answers.map(({ access }) => access)),
    gates: gates.map((gateId, index) => {
      const here = answers.flatMap((answer) => answer.gates[index] ?? []);
      return {
        gateId,
        access: sure(here.map(({ access }) => access)),
        rules: [...new Set(here.flatMap(({ rules }) => rules))],
      };
    }),
  };
}

/** What all of them say; of none, or of some that differ, nobody knows. */
function agreed([first = "unknown", ...others]: readonly Access[]): Access {
  return others.every((other) => other === first) ? first : "unknown";
}

/** What becomes of traffic that two gates in a row have to let through. NB. Two that let a part through may do so of different parts. */
function inSeries(first: Access, second: Access): Access {
  const both = [first, second];
  if (both.includes("denied")) {
    return "denied";
  }
  if (first === "allowed" || second === "allowed") {
    return first === "allowed" ? second : first;
  }
  return "unknown";
}
