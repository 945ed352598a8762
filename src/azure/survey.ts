import { z } from "zod";
import { idKey, parseVirtualMachineId } from "../policy/resource-id.ts";
import type { GateReading, Machine, Network } from "../ports.ts";
import type { SendToArm } from "./arm-http.ts";
import { createArmList, type ListFromArm } from "./arm-list.ts";
import { ArmError } from "./azure-error.ts";
import { readGroup } from "./nsg-json.ts";
import { addressesOf, type PlacedInterface } from "./placement.ts";

const subscriptionsVersion = "2022-12-01";
const computeVersion = "2026-04-01";

/**
 * What a subscription's network holds, by lists: a handful of requests where reading each VM takes three or more.
 * `networkVersion` is the API version in which gates are read alone and written: a gate goes back as it was listed.
 */
export function createSurvey(
  send: SendToArm,
  endpoint: string,
  networkVersion: string,
): Pick<Network, "subscriptions" | "survey"> {
  const list = createArmList(send, endpoint);
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
      const lists = await unlessNoSubscription(() => readLists(list, subscription, networkVersion));
      return lists && { machines: machinesOf(lists), gates: gatesOf(lists.gates) };
    },
  };
}

/** In a disabled or deleted subscription nothing can be written, and nothing runs. */
const usableStates = new Set(["enabled", "warned", "pastdue"]);
const subscriptionSchema = z.object({ subscriptionId: z.guid(), state: z.string() });

interface Lists {
  readonly machines: readonly z.infer<typeof machineSchema>[];
  readonly interfaces: readonly z.infer<typeof interfaceSchema>[];
  readonly networks: readonly z.infer<typeof networkSchema>[];
  readonly gates: readonly z.infer<typeof gateSchema>[];
}

const reference = z.object({ id: z.string().nullish() }).nullish();

const machineSchema = z.object({
  id: z.string(),
  name: z.string(),
  location: z.string(),
  properties: z
    .object({
      networkProfile: z
        .object({ networkInterfaces: z.array(z.object({ id: z.string().nullish() })).nullish() })
        .nullish(),
    })
    .nullish(),
});

const interfaceSchema = z.object({
  id: z.string(),
  properties: z.object({
    networkSecurityGroup: reference,
    ipConfigurations: z
      .array(
        z.object({
          properties: z
            .object({
              privateIPAddress: z.string().nullish(),
              subnet: reference,
              publicIPAddress: reference,
            })
            .nullish(),
        }),
      )
      .nullish(),
  }),
});

const networkSchema = z.object({
  properties: z.object({
    subnets: z
      .array(
        z.object({
          id: z.string(),
          properties: z.object({ networkSecurityGroup: reference }).nullish(),
        }),
      )
      .nullish(),
  }),
});

/** The item itself, not a parsed copy: a copy would lack what we do not know. */
const gateSchema = z.custom<{ readonly id: string }>(
  (raw) => z.object({ id: z.string() }).safeParse(raw).success,
);

async function readLists(
  list: ListFromArm,
  subscription: string,
  networkVersion: string,
): Promise<Lists> {
  const read = <T>(type: string, version: string, item: z.ZodType<T>) =>
    list(
      `/subscriptions/${subscription}/providers/${type}?api-version=${version}`,
      item,
      `${type} of subscription ${subscription}`,
    );
  const [machines, interfaces, networks, gates] = await Promise.all([
    read("Microsoft.Compute/virtualMachines", computeVersion, machineSchema),
    read("Microsoft.Network/networkInterfaces", networkVersion, interfaceSchema),
    read("Microsoft.Network/virtualNetworks", networkVersion, networkSchema),
    read("Microsoft.Network/networkSecurityGroups", networkVersion, gateSchema),
  ]);
  return { machines, interfaces, networks, gates };
}

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

function machinesOf({ machines, interfaces, networks }: Lists): ReadonlyMap<string, Machine> {
  const interfaceOf = new Map(interfaces.map((found) => [idKey(found.id), placed(found)]));
  const gateOfSubnet = new Map(
    networks
      .flatMap(({ properties }) => properties.subnets ?? [])
      .map(({ id, properties }) => [idKey(id), properties?.networkSecurityGroup?.id ?? undefined]),
  );
  const found = machines.map(({ id, name, location, properties }): Machine => {
    const own = (properties?.networkProfile?.networkInterfaces ?? []).flatMap(
      (one) => interfaceOf.get(idKey(one.id ?? "")) ?? [],
    );
    const addresses = own.flatMap((one) => addressesOf(one, (key) => gateOfSubnet.get(key)));
    return { id, name, location, addresses };
  });
  return new Map(
    found
      // What cannot be named in a policy cannot be found alone either.
      .filter(({ id }) => parseVirtualMachineId(id) !== undefined)
      .map((machine) => [idKey(machine.id), machine]),
  );
}

function placed({ id, properties }: z.infer<typeof interfaceSchema>): PlacedInterface {
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

function gatesOf(gates: Lists["gates"]): ReadonlyMap<string, GateReading> {
  return new Map(
    gates.flatMap((raw) => {
      const reading = readingOf(raw);
      return reading === undefined ? [] : [[idKey(raw.id), reading]];
    }),
  );
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
