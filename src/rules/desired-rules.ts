import { resourceName } from "../policy/resource-id.ts";
import { isPrefix, parsePrefix } from "./cidr.ts";
import type { DesiredDeny, DesiredWindow, GateIntent, Owner } from "./intent.ts";
import type { SecurityRule } from "./nsg.ts";
import { allowDescription, allowRuleName, denyDescription, denyRuleName } from "./owned.ts";

/** A rule of ours as it should be, still without its place in the order. */
export interface RuleDraft {
  readonly rule: Omit<SecurityRule, "priority">;
  readonly vmId: string;
  /** The windows an allow rule opens; empty for a deny rule. */
  readonly windowIds: readonly string[];
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
  const name = denyRuleName(owner, first, family);
  const description = denyDescription(owner, resourceName(first.vmId));
  return [
    {
      vmId: first.vmId,
      windowIds: [],
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

/** One allow rule per address family for windows that differ in their port alone. */
export function allowDrafts(windows: readonly DesiredWindow[], owner: Owner): readonly RuleDraft[] {
  const alike = Map.groupBy(windows, (window) =>
    JSON.stringify([
      window.requestId,
      window.vmId,
      window.protocol,
      window.sources,
      window.closesAt,
      window.addresses,
    ]),
  );
  return [...alike.values()].flatMap((group) =>
    families.flatMap((family) => allowDraft(group, family, owner)),
  );
}

function allowDraft(
  group: readonly DesiredWindow[],
  family: 4 | 6,
  owner: Owner,
): readonly RuleDraft[] {
  const [first] = group.toSorted((left, right) => left.port - right.port);
  const destinations = ofFamily(first?.addresses ?? [], family);
  const sources = ofFamily(first?.sources ?? [], family);
  if (first === undefined || destinations.length === 0 || sources.length === 0) {
    return [];
  }
  return [
    {
      vmId: first.vmId,
      windowIds: group.map((window) => window.windowId),
      rule: {
        ...inbound,
        name: allowRuleName(owner, first.windowId, family),
        description: allowDescription(owner, first, resourceName(first.vmId)),
        access: "Allow",
        protocol: azureProtocol[first.protocol],
        sources,
        destinations,
        destinationPorts: sortedPorts(group.map((window) => window.port)),
      },
    },
  ];
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
  const prefixes = entries.map(parsePrefix).filter(isPrefix);
  return [
    ...new Set(prefixes.filter((prefix) => prefix.family === family).map((prefix) => prefix.text)),
  ].toSorted();
}

function sortedPorts(ports: readonly number[]): readonly string[] {
  return [...new Set(ports)].toSorted((left, right) => left - right).map(String);
}
