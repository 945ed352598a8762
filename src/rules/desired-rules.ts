import { idKey, resourceName } from "../policy/resource-id.ts";
import { isPrefix, parsePrefix } from "./cidr.ts";
import { hasPublic } from "./firewall-overlap.ts";
import {
  type DesiredDeny,
  type DesiredWindow,
  type GateIntent,
  type Owner,
  toldEnd,
} from "./intent.ts";
import type { SecurityRule } from "./nsg.ts";
import { allowDescription, allowRuleName, denyDescription, denyRuleName } from "./owned.ts";
import { readPrefixes } from "./prefix-list.ts";

/** A rule of ours as it should be, still without its place in the order. */
export interface RuleDraft {
  readonly rule: Omit<SecurityRule, "priority">;
  readonly vmId: string;
  /** The windows an allow rule opens, whoever asked for them; empty for a deny rule. */
  readonly windowIds: readonly string[];
  /** Whether a deny rule goes before customer rules that let its traffic through. */
  readonly takesPriority: boolean;
}

const families = [4, 6] as const;

/** One deny rule per VM and address family: everybody, every protocol, all protected ports of all policies. */
export function denyDrafts(intent: GateIntent, owner: Owner): readonly RuleDraft[] {
  const byVm = Map.groupBy(intent.denies, (deny) => deny.vmKey);
  return [...byVm.values()].flatMap((denies) => {
    const [first] = denies;
    const ports = sortedPorts(denies.flatMap((deny) => deny.ports));
    if (first === undefined || ports.length === 0) {
      return [];
    }
    return families.flatMap((family) => denyDraft(denies, first, family, ports, owner));
  });
}

function denyDraft(
  denies: readonly DesiredDeny[],
  first: DesiredDeny,
  family: 4 | 6,
  ports: readonly string[],
  owner: Owner,
): readonly RuleDraft[] {
  const destinations = ofFamily(
    denies.flatMap((deny) => deny.addresses),
    family,
  );
  if (destinations.length === 0) {
    return [];
  }
  const takesPriority = denies.some((deny) => deny.takePriority === true);
  const name = denyRuleName(owner, first, family);
  const description = denyDescription(owner, resourceName(first.vmId), takesPriority);
  return [
    {
      vmId: first.vmId,
      windowIds: [],
      takesPriority,
      rule: {
        ...inbound,
        name,
        description,
        access: "Deny",
        protocol: "*",
        sources: ["*"],
        destinations,
        destinationPorts: ports,
      },
    },
  ];
}

/** Windows of one request that end together and differ in their port alone, ports ascending. */
interface WindowSet {
  readonly first: DesiredWindow;
  readonly windows: readonly DesiredWindow[];
  readonly endsAt: number;
  readonly ends: readonly Ends[];
  readonly ports: readonly string[];
}

/** Where traffic of one address family comes from and goes to. */
interface Ends {
  readonly family: 4 | 6;
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
}

/**
 * One allow rule per address family for windows of a request that differ in their port alone; sets of windows that would
 * make identical rules share them, whoever asked. A shared rule has the name and the end of the set that ends last, so that
 * nothing changes on the gate when another one of them ends.
 */
export function allowDrafts(windows: readonly DesiredWindow[], owner: Owner): readonly RuleDraft[] {
  const placed = windows.map((window) => ({ window, ends: endsOf(window) }));
  const alike = Map.groupBy(placed, ({ window, ends }) =>
    JSON.stringify([...shapeOf(window, ends), window.requestId, Date.parse(toldEnd(window))]),
  );
  return sharesOf([...alike.values()].flatMap(windowSet)).flatMap((share) =>
    sharedDrafts(share, owner),
  );
}

/**
 * As {@link allowDrafts}, for a gate on which each port needs rules of its own: windows of several ports have nothing in
 * common but for those that would make identical rules. Tells the window that gives them name and end.
 */
export function draftsByPort(
  windows: readonly DesiredWindow[],
  owner: Owner,
): readonly { readonly window: DesiredWindow; readonly drafts: readonly RuleDraft[] }[] {
  const sets = windows.flatMap((window) => windowSet([{ window, ends: endsOf(window) }]));
  return sharesOf(sets).map((share) => ({
    window: share.last.first,
    drafts: sharedDrafts(share, owner),
  }));
}

/** Sets of windows that would make identical rules: the one that gives them name and end, and all windows that have them. */
interface Share {
  readonly last: WindowSet;
  readonly windowIds: readonly string[];
}

/** Puts sets of windows together that would make identical rules, whoever asked. */
function sharesOf(sets: readonly WindowSet[]): readonly Share[] {
  const alike = Map.groupBy(sets, ({ first, ends, ports }) =>
    JSON.stringify([...shapeOf(first, ends), ports]),
  );
  return [...alike.values()].flatMap((share) => {
    const [last] = share.toSorted(
      (left, right) =>
        right.endsAt - left.endsAt || (left.first.windowId < right.first.windowId ? -1 : 1),
    );
    const windowIds = share.flatMap((set) => set.windows.map((window) => window.windowId));
    return last === undefined ? [] : [{ last, windowIds }];
  });
}

/** What a window's rules say, but for the port. */
const shapeOf = (window: DesiredWindow, ends: readonly Ends[]): readonly unknown[] => [
  idKey(window.vmId),
  window.protocol,
  ends,
];

/**
 * Where a window's traffic arrives from: its sources, and what firewalls translate. NB. Not a firewall's subnet of a family in which
 * nobody was asked for: whoever else the firewall lets in would come along.
 */
export function arrivals({
  sources,
  through = [],
}: Pick<DesiredWindow, "sources" | "through">): readonly string[] {
  const isMeant = (text: string) => {
    const prefix = parsePrefix(text);
    return isPrefix(prefix) && ofFamily(sources, prefix.family).length > 0;
  };
  // Whoever comes from inside is not translated, and keeps its address.
  return hasPublic(sources) ? [...sources, ...through.filter(isMeant)] : sources;
}

function endsOf(window: DesiredWindow): readonly Ends[] {
  const sources = arrivals(window);
  return families
    .map((family) => ({
      family,
      sources: ofFamily(sources, family),
      destinations: ofFamily(window.addresses, family),
    }))
    .filter((ends) => ends.sources.length > 0 && ends.destinations.length > 0);
}

interface PlacedWindow {
  readonly window: DesiredWindow;
  readonly ends: readonly Ends[];
}

function windowSet(alike: readonly PlacedWindow[]): readonly WindowSet[] {
  const [lowest, ...others] = alike.toSorted((left, right) => left.window.port - right.window.port);
  if (lowest === undefined) {
    return [];
  }
  const { window: first, ends } = lowest;
  const windows = [first, ...others.map(({ window }) => window)];
  const ports = sortedPorts(windows.map((window) => window.port));
  return [{ first, windows, endsAt: Date.parse(toldEnd(first)), ends, ports }];
}

function sharedDrafts({ last, windowIds }: Share, owner: Owner): readonly RuleDraft[] {
  const { first, ends, ports } = last;
  return ends.map(({ family, sources, destinations }) => ({
    vmId: first.vmId,
    windowIds,
    takesPriority: false,
    rule: {
      ...inbound,
      name: allowRuleName(owner, first.windowId, family),
      description: allowDescription(
        owner,
        first.windowId,
        toldEnd(first),
        resourceName(first.vmId),
      ),
      access: "Allow",
      protocol: azureProtocol[first.protocol],
      sources,
      destinations,
      destinationPorts: ports,
    },
  }));
}

/** JIT's protocol names as security rules spell them. */
const azureProtocol = { TCP: "Tcp", UDP: "Udp", "*": "*" } as const;

const inbound = {
  direction: "Inbound",
  sourceGroups: [],
  destinationGroups: [],
  sourcePorts: ["*"],
} as const;

/** The entries of one family, sorted and without doubles. `*` belongs to both and, where it stands, says all. */
function ofFamily(entries: readonly string[], family: 4 | 6): readonly string[] {
  if (entries.includes("*")) {
    return ["*"];
  }
  const prefixes = readPrefixes(entries).filter(isPrefix);
  return [
    ...new Set(prefixes.filter((prefix) => prefix.family === family).map((prefix) => prefix.text)),
  ].toSorted();
}

function sortedPorts(ports: readonly number[]): readonly string[] {
  return [...new Set(ports)].toSorted((left, right) => left - right).map(String);
}
