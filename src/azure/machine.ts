import { ComputeManagementClient, type VirtualMachine } from "@azure/arm-compute";
import { type NetworkInterface, NetworkManagementClient, type Subnet } from "@azure/arm-network";
import { isRestError } from "@azure/core-rest-pipeline";
import { idKey, parseVirtualMachineId, subscriptionOf } from "../policy/resource-id.ts";
import type { Machine, Network } from "../ports.ts";
import type { Owner } from "../rules/intent.ts";
import {
  type ArmOptions,
  defaultRequestTimeoutMs,
  type SendToArm,
  withoutRequest,
} from "./arm-http.ts";
import { createBoundedMap } from "./bounded-map.ts";
import { pathsOf } from "./firewall-paths.ts";
import { addressesOf, networkOf, type PlacedInterface, type PlacedSubnet } from "./placement.ts";
import { createReads, type ReadResource } from "./resource-reads.ts";

/** The SDK's clients are bound to one subscription. */
interface Clients {
  readonly compute: ComputeManagementClient;
  readonly network: NetworkManagementClient;
}

/** Subscriptions whose clients are kept; a caller may name any. */
const keptSubscriptions = 100;

/**
 * Finds a VM's place in the network: every address of every network interface, and the gates before it. Three rounds of
 * reading, each in parallel, and a few more where a subnet has routes of its own. Interfaces and subnets that vanish in
 * between count as not there.
 */
export function createMachineFinder(
  options: ArmOptions & { readonly owner: Pick<Owner, "tag"> },
  send: SendToArm,
): Network["findMachine"] {
  const { credential, endpoint, scope, tlsOptions } = options;
  const clientOptions = {
    endpoint,
    credentials: { scopes: [scope] },
    retryOptions: { maxRetries: 3, retryDelayInMs: options.retryDelayMs ?? 500 },
    ...(tlsOptions === undefined ? {} : { tlsOptions }),
  };
  const perCall = {
    requestOptions: { timeout: options.requestTimeoutMs ?? defaultRequestTimeoutMs },
  };
  const known = createBoundedMap<Clients>(keptSubscriptions);

  function clientsOf(subscriptionId: string): Clients {
    const clients = known.get(subscriptionId) ?? {
      compute: new ComputeManagementClient(credential, subscriptionId, clientOptions),
      network: new NetworkManagementClient(credential, subscriptionId, clientOptions),
    };
    known.set(subscriptionId, clients);
    return clients;
  }

  async function readInterface(id: string): Promise<NetworkInterface | undefined> {
    const [, group, name] = interfacePattern.exec(id) ?? [];
    const subscriptionId = subscriptionOf(id);
    if (group === undefined || name === undefined || subscriptionId === undefined) {
      return undefined;
    }
    const { network } = clientsOf(subscriptionId);
    return await unlessMissing(id, () => network.networkInterfaces.get(group, name, perCall));
  }

  async function readSubnet(id: string): Promise<Subnet | undefined> {
    const [, group, virtualNetwork, name] = subnetPattern.exec(id) ?? [];
    const subscriptionId = subscriptionOf(id);
    if (!(group && virtualNetwork && name && subscriptionId)) {
      return undefined;
    }
    const { network } = clientsOf(subscriptionId);
    return await unlessMissing(id, () => network.subnets.get(group, virtualNetwork, name, perCall));
  }

  const placing = new Map<string, Promise<PlacedSubnet | undefined>>();

  /** Those who ask for the same subnet while it is being placed share that: VMs of one subnet are asked for together. */
  function placeSubnet(id: string): Promise<PlacedSubnet | undefined> {
    const key = idKey(id);
    const shared =
      placing.get(key) ?? placeAlone(id, createReads(send)).finally(() => placing.delete(key));
    placing.set(key, shared);
    return shared;
  }

  async function placeAlone(id: string, read: ReadResource): Promise<PlacedSubnet | undefined> {
    const subnet = await readSubnet(id);
    const routeTableId = subnet?.routeTable?.id;
    return (
      subnet && {
        gateId: subnet.networkSecurityGroup?.id,
        paths:
          routeTableId === undefined
            ? undefined
            : await pathsOf({ networkId: networkOf(id), routeTableId }, read, options.owner),
      }
    );
  }

  return async (vmId) => {
    const parts = parseVirtualMachineId(vmId);
    if (parts === undefined) {
      return undefined;
    }
    const { compute } = clientsOf(parts.subscriptionId.toLowerCase());
    const vm = await unlessMissing(vmId, () =>
      compute.virtualMachines.get(parts.resourceGroup, parts.name, perCall),
    );
    if (vm === undefined) {
      return undefined;
    }
    const interfaces = (await Promise.all(interfaceIds(vm).map(readInterface))).filter(
      (found) => found !== undefined,
    );
    const subnets = await readAll(interfaces.flatMap(subnetIds), placeSubnet);
    const addresses = interfaces.flatMap((found) =>
      addressesOf(placed(found), (key) => subnets.get(key)),
    );
    return {
      id: vm.id ?? vmId,
      name: vm.name ?? parts.name,
      location: vm.location,
      addresses,
    } satisfies Machine;
  };
}

const interfacePattern =
  /\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Network\/networkInterfaces\/([^/]+)$/i;
const subnetPattern =
  /\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Network\/virtualNetworks\/([^/]+)\/subnets\/([^/]+)$/i;

function interfaceIds(vm: VirtualMachine): readonly string[] {
  return (vm.networkProfile?.networkInterfaces ?? []).flatMap(({ id }) => id ?? []);
}

function subnetIds(found: NetworkInterface): readonly string[] {
  return (found.ipConfigurations ?? []).flatMap((configuration) => configuration.subnet?.id ?? []);
}

/** Reads each id once, however often and in whatever case it is named. */
async function readAll<T>(
  ids: readonly string[],
  read: (id: string) => Promise<T | undefined>,
): Promise<ReadonlyMap<string, T | undefined>> {
  const once = new Map(ids.map((id) => [idKey(id), id]));
  return new Map(
    await Promise.all([...once].map(async ([key, id]) => [key, await read(id)] as const)),
  );
}

function placed(found: NetworkInterface): PlacedInterface {
  return {
    id: found.id ?? "",
    gateId: found.networkSecurityGroup?.id,
    configurations: (found.ipConfigurations ?? []).map(
      ({ privateIPAddress, subnet, publicIPAddress }) => ({
        address: privateIPAddress,
        subnetId: subnet?.id,
        publicIpId: publicIPAddress?.id,
      }),
    ),
  };
}

async function unlessMissing<T>(what: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isRestError(error) && error.statusCode === 404) {
      return undefined;
    }
    throw withoutRequest(error, `GET ${what}`);
  }
}
