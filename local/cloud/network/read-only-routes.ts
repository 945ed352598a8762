import { childNotFound, isObject, page, parentNotFound } from "../answers.ts";
import { parameter } from "../guards.ts";
import { readRoutes, resourceId, text, type View } from "../read-routes.ts";
import { type Held, type Resources, sameText } from "../resources.ts";
import type { Parameters, Route } from "../router.ts";
import { nsgView } from "./nsg-view.ts";
import {
  type Child,
  childrenOf,
  ipConfigurationsAt,
  machineOfNic,
  networkType,
  subnetsOfRouteTable,
} from "./references.ts";

/** NICs, virtual networks with subnets and peerings, public IPs, application security groups and route tables: read only. */
export function readOnlyNetworkRoutes(resources: Resources, pageSize: number): readonly Route[] {
  const views: readonly (readonly [string, View])[] = [
    [networkType.nic, nicView(resources)],
    [networkType.vnet, (held) => vnetView(held, resources)],
    [networkType.publicIp, (held) => publicIpView(held, resources)],
    [networkType.asg, plainView],
    [networkType.routeTable, (held) => routeTableView(held, resources)],
  ];
  return [
    ...views.flatMap(([type, view]) => readRoutes({ resources, type, pageSize, view })),
    ...vnetChildRoutes(resources, pageSize, "subnets", subnetView),
    ...vnetChildRoutes(resources, pageSize, "virtualNetworkPeerings", peeringView),
  ];
}

const plainView: View = ({ resource, etag }) => ({
  ...resource,
  etag,
  properties: { provisioningState: "Succeeded", ...resource.properties },
});

function nicView(resources: Resources): View {
  return (held, request) => {
    const { resource, etag } = held;
    const virtualMachine = machineOfNic(resources, resource.id);
    const expand = parameter(request.query, "$expand") ?? "";
    return {
      ...resource,
      etag,
      properties: {
        provisioningState: "Succeeded",
        ...resource.properties,
        ...(/networkSecurityGroup/i.test(expand) ? inlineNsg(held, resources) : {}),
        ipConfigurations: childrenOf(resource, "ipConfigurations").map((configuration) =>
          childView(`${resource.id}/ipConfigurations`, configuration, etag),
        ),
        ...(virtualMachine === undefined ? {} : { virtualMachine }),
      },
    };
  };
}

function inlineNsg({ resource }: Held, resources: Resources): Record<string, unknown> {
  const reference = resource.properties["networkSecurityGroup"];
  const id = isObject(reference) ? reference["id"] : undefined;
  const nsg = typeof id === "string" ? resources.get(id) : undefined;
  return nsg === undefined ? {} : { networkSecurityGroup: nsgView(nsg, resources) };
}

function publicIpView({ resource, etag }: Held, resources: Resources): unknown {
  const [ipConfiguration] = ipConfigurationsAt(resources, "publicIPAddress", resource.id);
  return {
    ...resource,
    etag,
    properties: {
      provisioningState: "Succeeded",
      ...resource.properties,
      ...(ipConfiguration === undefined ? {} : { ipConfiguration }),
    },
  };
}

function vnetView(held: Held, resources: Resources): unknown {
  const { resource, etag } = held;
  return {
    ...resource,
    etag,
    properties: {
      provisioningState: "Succeeded",
      ...resource.properties,
      subnets: childrenOf(resource, "subnets").map((subnet) => subnetView(held, subnet, resources)),
      virtualNetworkPeerings: childrenOf(resource, "virtualNetworkPeerings").map((peering) =>
        peeringView(held, peering),
      ),
    },
  };
}

function peeringView({ resource, etag }: Held, peering: Child): unknown {
  return childView(`${resource.id}/virtualNetworkPeerings`, peering, etag);
}

function routeTableView({ resource, etag }: Held, resources: Resources): unknown {
  const subnets = subnetsOfRouteTable(resources, resource.id);
  return {
    ...resource,
    etag,
    properties: {
      provisioningState: "Succeeded",
      ...resource.properties,
      routes: childrenOf(resource, "routes").map((route) =>
        childView(`${resource.id}/routes`, route, etag),
      ),
      ...(subnets.length === 0 ? {} : { subnets }),
    },
  };
}

function subnetView({ resource, etag }: Held, subnet: Child, resources: Resources): unknown {
  const id = `${resource.id}/subnets/${subnet.name}`;
  const ipConfigurations = ipConfigurationsAt(resources, "subnet", id);
  const used = ipConfigurations.length === 0 ? {} : { ipConfigurations };
  return childView(`${resource.id}/subnets`, subnet, etag, used);
}

function childView(collection: string, child: Child, etag: string, computed: object = {}): unknown {
  return {
    ...child,
    id: `${collection}/${child.name}`,
    etag,
    properties: { provisioningState: "Succeeded", ...child.properties, ...computed },
  };
}

type ChildView = (vnet: Held, child: Child, resources: Resources) => unknown;

function vnetChildRoutes(
  resources: Resources,
  pageSize: number,
  collection: "subnets" | "virtualNetworkPeerings",
  view: ChildView,
): readonly Route[] {
  const path = `/subscriptions/{subscriptionId}/resourceGroups/{group}/providers/${networkType.vnet}/{name}/${collection}`;
  const vnetOf = (parameters: Parameters): Held => {
    const id = resourceId(networkType.vnet, parameters);
    const held = resources.get(id);
    if (held === undefined) throw parentNotFound("read", `virtualNetworks/${collection}`, id);
    return held;
  };
  return [
    {
      method: "GET",
      path,
      needsArmToken: true,
      handle(request, parameters) {
        const vnet = vnetOf(parameters);
        return page(request, childrenOf(vnet.resource, collection), pageSize, (child) =>
          view(vnet, child, resources),
        );
      },
    },
    {
      method: "GET",
      path: `${path}/{child}`,
      needsArmToken: true,
      handle(_request, parameters) {
        const vnet = vnetOf(parameters);
        const name = text(parameters, "child");
        const child = childrenOf(vnet.resource, collection).find((each) =>
          sameText(each.name, name),
        );
        if (child === undefined) throw childNotFound(`${vnet.resource.id}/${collection}/${name}`);
        return { status: 200, headers: { etag: vnet.etag }, body: view(vnet, child, resources) };
      },
    },
  ];
}
