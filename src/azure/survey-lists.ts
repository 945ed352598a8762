import { z } from "zod";
import { idKey, subscriptionOf } from "../policy/resource-id.ts";
import type { ListFromArm } from "./arm-list.ts";
import { ArmError } from "./azure-error.ts";
import { hasFirewall } from "./firewall-paths.ts";
import {
  anyItem,
  firewallKind,
  firewallPolicyKind,
  networkVersion,
  publicIpKind,
  reference,
  routeTableKind,
  virtualNetworkKind,
} from "./resource-kinds.ts";
import type { Found, Listed } from "./resource-reads.ts";

const computeVersion = "2026-04-01";

/** A subscription's network as its lists tell it. */
export interface Lists {
  readonly machines: readonly z.infer<typeof machineSchema>[];
  readonly interfaces: readonly z.infer<typeof interfaceSchema>[];
  readonly networks: readonly z.infer<typeof virtualNetworkKind.schema>[];
  readonly groups: readonly Item[];
  readonly firewalls: readonly Item[];
  readonly policies: readonly Item[];
  readonly listed: Listed;
}

type Item = z.infer<typeof anyItem>;

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

/** A network interface of a list. */
export type ListedInterface = z.infer<typeof interfaceSchema>;

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

/** Reads the lists, those of firewalls and of public addresses only where a virtual network has a firewall. */
export async function readLists(list: ListFromArm, subscription: string): Promise<Lists> {
  const read = <T>(type: string, item: z.ZodType<T>, version = networkVersion) =>
    list(
      `/subscriptions/${subscription}/providers/${type}?api-version=${version}`,
      item,
      `${type} of subscription ${subscription}`,
    );
  const readKind = async (type: string): Promise<KindList> => {
    try {
      return { items: await read(`Microsoft.Network/${type}`, anyItem) };
    } catch (error) {
      return { items: [], hidden: notAllowed(error) };
    }
  };

  const [machines, interfaces, networks, groups, routeTables, policies] = await Promise.all([
    read("Microsoft.Compute/virtualMachines", machineSchema, computeVersion),
    read("Microsoft.Network/networkInterfaces", interfaceSchema),
    read("Microsoft.Network/virtualNetworks", virtualNetworkKind.schema),
    read("Microsoft.Network/networkSecurityGroups", anyItem),
    readKind(routeTableKind.type),
    readKind(firewallPolicyKind.type),
  ]);
  const [firewalls, publicIps] = await Promise.all(
    [firewallKind.type, publicIpKind.type].map(async (type) =>
      networks.some(hasFirewall) ? await readKind(type) : { items: [] },
    ),
  );
  return {
    machines,
    interfaces,
    networks,
    groups,
    firewalls: firewalls?.items ?? [],
    policies: policies.items,
    listed: listedIn(subscription, {
      [virtualNetworkKind.type]: { items: networks },
      [routeTableKind.type]: routeTables,
      [firewallPolicyKind.type]: policies,
      [firewallKind.type]: firewalls,
      [publicIpKind.type]: publicIps,
    }),
  };
}

interface KindList {
  readonly items: readonly Item[];
  /** The list may not be read. */
  readonly hidden?: ArmError;
}

/**
 * NB. Only what came after network security groups may be withheld from us: then firewalls are out of our sight, and told to be.
 * Without the lists that say where VMs and groups are, an empty survey would say that all VMs are gone.
 */
function notAllowed(error: unknown): ArmError {
  if (error instanceof ArmError && error.status === 403) {
    return error;
  }
  throw error;
}

/** What is not in a list is asked for alone: it may be new, or hidden. */
function listedIn(
  subscription: string,
  lists: Readonly<Record<string, KindList | undefined>>,
): Listed {
  const all = new Map(
    Object.values(lists)
      .flatMap((list) => list?.items ?? [])
      .map((item) => [idKey(item.id), item]),
  );
  return (kind, id): Found<unknown> | undefined => {
    const item = all.get(idKey(id));
    if (item !== undefined) {
      return { is: "there", value: item, raw: item };
    }
    const hidden = lists[kind.type]?.hidden;
    return hidden !== undefined && subscriptionOf(id) === subscription
      ? { is: "hidden", error: hidden }
      : undefined;
  };
}
