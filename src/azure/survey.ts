import { z } from "zod";
import { mapLimited } from "../map-limited.ts";
import { idKey, parseVirtualMachineId } from "../policy/resource-id.ts";
import type { GateReading, Machine, Network } from "../ports.ts";
import type { Owner } from "../rules/intent.ts";
import { ownGroupName, sameName } from "../rules/owned.ts";
import type { SendToArm } from "./arm-http.ts";
import type { ListFromArm } from "./arm-list.ts";
import { ArmError } from "./azure-error.ts";
import { pathsOf } from "./firewall-paths.ts";
import { parallelReads, readClassicGate } from "./firewall-reading.ts";
import { readGroup } from "./nsg-json.ts";
import { addressesOf, networkOf, type PlacedInterface, type PlacedSubnet } from "./placement.ts";
import { readPolicyGate } from "./policy-reading.ts";
import { firewallPolicyKind } from "./resource-kinds.ts";
import { createReads, type ReadResource } from "./resource-reads.ts";
import { type ListedInterface, type Lists, readLists } from "./survey-lists.ts";

const subscriptionsVersion = "2022-12-01";

/**
 * What a subscription's network holds, by lists: a handful of requests where reading each VM takes three or more. What VMs have
 * before them in other subscriptions is read alone, once.
 */
export function createSurvey(
  send: SendToArm,
  list: ListFromArm,
  owner: Pick<Owner, "tag">,
): Pick<Network, "subscriptions" | "survey"> {
  return {
    async subscriptions() {
      const found = await list(
        `/subscriptions?api-version=${subscriptionsVersion}`,
        subscriptionSchema,
        "The subscriptions",
      );
      return found
        .filter(({ state }) => usableStates.has(state.toLowerCase()))
        .map(({ subscriptionId }) => subscriptionId.toLowerCase());
    },

    async survey(subscriptionId) {
      // NB. The id becomes part of an address: nothing but a GUID may.
      const subscription = z.guid().parse(subscriptionId).toLowerCase();
      const lists = await unlessNoSubscription(() => readLists(list, subscription));
      if (lists === undefined) {
        return undefined;
      }
      const read = createReads(send, lists.listed);
      const [machines, firewalls] = await Promise.all([
        machinesOf(lists, read, owner),
        firewallGates(lists, { list, read }, owner),
      ]);
      return { machines, gates: new Map([...groupGates(lists), ...firewalls]) };
    },
  };
}

/** In a disabled or deleted subscription nothing can be written, and nothing runs. */
const usableStates = new Set(["enabled", "warned", "pastdue"]);
const subscriptionSchema = z.object({ subscriptionId: z.guid(), state: z.string() });

/**
 * NB. Only Azure's plain word that there is no such subscription counts. Any other 404, and every 403, is a fault: an empty
 * survey would say that all VMs are gone.
 */
async function unlessNoSubscription<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (
      error instanceof ArmError &&
      error.status === 404 &&
      error.code === "SubscriptionNotFound"
    ) {
      return undefined;
    }
    throw error;
  }
}

async function machinesOf(
  lists: Lists,
  read: ReadResource,
  owner: Pick<Owner, "tag">,
): Promise<ReadonlyMap<string, Machine>> {
  const interfaceOf = new Map(lists.interfaces.map((found) => [idKey(found.id), placed(found)]));
  const subnets = await subnetsOf(lists, read, owner);
  const found = lists.machines.map(({ id, name, location, properties }): Machine => {
    const own = (properties?.networkProfile?.networkInterfaces ?? []).flatMap(
      (one) => interfaceOf.get(idKey(one.id ?? "")) ?? [],
    );
    const addresses = own.flatMap((one) => addressesOf(one, (key) => subnets.get(key)));
    return { id, name, location, addresses };
  });
  return new Map(
    found
      // What cannot be named in a policy cannot be found alone either.
      .filter(({ id }) => parseVirtualMachineId(id) !== undefined)
      .map((machine) => [idKey(machine.id), machine]),
  );
}

/** Every subnet of the subscription, by its id's key. Those of one network that share a route table share its ways. */
async function subnetsOf(
  { networks }: Lists,
  read: ReadResource,
  owner: Pick<Owner, "tag">,
): Promise<ReadonlyMap<string, PlacedSubnet>> {
  const known = new Map<string, ReturnType<typeof pathsOf>>();
  function pathsFrom(networkId: string, routeTableId: string): ReturnType<typeof pathsOf> {
    const key = `${idKey(networkId)} ${idKey(routeTableId)}`;
    const paths = known.get(key) ?? pathsOf({ networkId, routeTableId }, read, owner);
    known.set(key, paths);
    return paths;
  }

  const subnets = networks.flatMap(({ properties }) => properties.subnets ?? []);
  const entries = await mapLimited(subnets, parallelReads, async ({ id, properties }) => {
    const routeTableId = properties?.routeTable?.id;
    const subnet: PlacedSubnet = {
      gateId: properties?.networkSecurityGroup?.id ?? undefined,
      paths: routeTableId ? await pathsFrom(networkOf(id), routeTableId) : undefined,
    };
    return [idKey(id), subnet] as const;
  });
  return new Map(entries);
}

function placed({ id, properties }: ListedInterface): PlacedInterface {
  return {
    id,
    gateId: properties.networkSecurityGroup?.id ?? undefined,
    configurations: (properties.ipConfigurations ?? []).map((configuration) => ({
      address: configuration.properties?.privateIPAddress ?? undefined,
      subnetId: configuration.properties?.subnet?.id ?? undefined,
      publicIpId: configuration.properties?.publicIPAddress?.id ?? undefined,
    })),
  };
}

type Gates = readonly (readonly [key: string, reading: GateReading])[];

function groupGates({ groups }: Lists): Gates {
  return groups.flatMap((raw) => {
    const reading = readingOf(raw);
    return reading === undefined ? [] : [[idKey(raw.id), reading] as const];
  });
}

/** Nothing for a gate that is none as we know it: it must not hide the others, and whoever reads it alone is told why. */
function readingOf(raw: { readonly id: string }): GateReading | undefined {
  try {
    const { etag = "", group, isUpdating } = readGroup(raw, raw.id);
    return { gate: group, etag, isUpdating, raw };
  } catch {
    return undefined;
  }
}

/** Classic firewalls, and firewall policies that have a group of ours. */
async function firewallGates(
  { firewalls, policies }: Lists,
  reads: { readonly list: ListFromArm; readonly read: ReadResource },
  owner: Pick<Owner, "tag">,
): Promise<Gates> {
  const groups = policies.flatMap((policy) => ownGroupOf(policy, owner) ?? []);
  const readings = await mapLimited(
    [
      ...firewalls.map(
        ({ id }) =>
          () =>
            readClassicGate(id, reads.read),
      ),
      ...groups.map((id) => () => readPolicyGate(id, reads)),
    ],
    parallelReads,
    unlessUnknown,
  );
  return readings.flatMap((reading) =>
    reading === undefined ? [] : [[idKey(reading.gate.id), reading] as const],
  );
}

/** As of groups: one that cannot be read, or understood, is left out. */
async function unlessUnknown(
  read: () => Promise<GateReading | undefined>,
): Promise<GateReading | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ArmError) {
      return undefined;
    }
    throw error;
  }
}

function ownGroupOf(policy: unknown, owner: Pick<Owner, "tag">): string | undefined {
  const { data } = firewallPolicyKind.schema.safeParse(policy);
  const ids = (data?.properties.ruleCollectionGroups ?? []).flatMap(({ id }) => id ?? []);
  return ids.find((id) => sameName(id.slice(id.lastIndexOf("/") + 1), ownGroupName(owner)));
}
