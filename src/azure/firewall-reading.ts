import { isIP } from "node:net";
import { mapLimited } from "../map-limited.ts";
import { idKey } from "../policy/resource-id.ts";
import type { GateReading } from "../ports.ts";
import type { Firewall as FirewallGate } from "../rules/firewall.ts";
import {
  type Collection,
  type IpGroups,
  ipGroupsOf,
  readClassic,
  rulesOf,
} from "./firewall-json.ts";
import { type Firewall, firewallKind, ipGroupKind, publicIpKind } from "./resource-kinds.ts";
import { type ReadResource, valueIn } from "./resource-reads.ts";

/** How many reads of one kind are under way at once. */
export const parallelReads = 8;

/**
 * Reads a classic firewall as a gate; nothing when there is none, or when its rules are those of a policy: then it has none of
 * its own.
 */
export async function readClassicGate(
  gateId: string,
  read: ReadResource,
): Promise<GateReading | undefined> {
  const found = await read(firewallKind, gateId);
  const firewall = valueIn(found);
  if (firewall === undefined || found.is !== "there" || policyOf(firewall) !== undefined) {
    return undefined;
  }
  const { id, name, etag, collections } = readClassic(found.raw, gateId);
  const [ipGroups, publicAddresses] = await Promise.all([
    readIpGroups(collections, read),
    publicAddressesOf(firewall, read),
  ]);
  return {
    gate: {
      id,
      kind: "classic",
      name,
      rules: collections.flatMap((collection) => rulesOf(collection, ipGroups)),
      groupPriorities: [],
      ...emptyOf(collections),
      publicAddresses,
    },
    etag: etag ?? "",
    ...stateOf([firewall.properties.provisioningState]),
    raw: found.raw,
  };
}

/** The collections in which no rule tells where they stand. */
function emptyOf(collections: readonly Collection[]): Pick<FirewallGate, "emptyCollections"> {
  const emptyCollections = collections
    .filter(({ rules }) => rules.length === 0)
    .map(({ kind, name, priority }) => ({ kind, collection: name, order: [priority] }));
  return emptyCollections.length === 0 ? {} : { emptyCollections };
}

/** The policy whose rules a firewall has. */
export const policyOf = ({ properties }: Firewall): string | undefined =>
  properties.firewallPolicy?.id ?? undefined;

/** A firewall's public IPv4 addresses in its own order, without those that cannot be read. */
export async function publicAddressesOf(
  { properties }: Firewall,
  read: ReadResource,
): Promise<readonly string[]> {
  const ids = (properties.ipConfigurations ?? []).flatMap(
    (configuration) => configuration.properties?.publicIPAddress?.id ?? [],
  );
  const found = await mapLimited(ids, parallelReads, (id) => read(publicIpKind, id));
  return found
    .map((one) => (one.is === "there" ? (one.value.properties.ipAddress ?? "") : ""))
    .filter((address) => isIP(address) === 4);
}

/** The addresses of the IP groups that collections name. */
export async function readIpGroups(
  collections: readonly Collection[],
  read: ReadResource,
): Promise<IpGroups> {
  const entries = await mapLimited(ipGroupsOf(collections), parallelReads, async (id) => {
    const found = await read(ipGroupKind, id);
    const addresses = found.is === "there" ? (found.value.properties.ipAddresses ?? []) : undefined;
    return [idKey(id), addresses] as const;
  });
  return new Map(entries);
}

/** What the states of all that a write of the gate changes say about it. */
export function stateOf(
  states: readonly (string | null | undefined)[],
): Pick<GateReading, "isUpdating" | "isFailed"> {
  const some = (pattern: RegExp) => states.some((state) => pattern.test(state ?? ""));
  return {
    isUpdating: some(/^(creating|updating|deleting)$/i),
    ...(some(/^(failed|canceled)$/i) ? { isFailed: true } : {}),
  };
}
