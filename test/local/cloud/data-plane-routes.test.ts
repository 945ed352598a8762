import { describe, expect, it } from "@jest/globals";
import { createInForce } from "../../../local/cloud/data-plane/in-force.ts";
import { verdictOn } from "../../../local/cloud/data-plane/verdict.ts";
import type { ArmResource, DataPlaneEntry } from "../../../local/cloud/estate.ts";
import { createResources, newEtag } from "../../../local/cloud/resources.ts";
import {
  aNetworkRule,
  aNic,
  anNsg,
  aRouteTable,
  aTown,
  aVnet,
  denyAll,
  ids,
  type Kind,
  nsgRule,
  toFirewall,
} from "./support/behind-a-firewall.ts";

const office = "10.50.0.7";

function entry(source: string): DataPlaneEntry {
  return { virtualMachine: ids.machine, port: 22, listen: 0, backend: "echo", source };
}

/** Who decides about SSH to the machine's own address, in a town with these resources; later ones replace earlier ones. */
function deciders(resources: readonly ArmResource[], source = office): string[] {
  const held = resources.map((resource) => ({ resource, etag: newEtag() }));
  const inForce = createInForce(createResources(held, () => undefined));
  const { decidedBy } = verdictOn(inForce, entry(source), 50_000);
  return decidedBy.map(({ rule, access }) => `${rule} ${access}`);
}

const openNsg = anNsg([nsgRule("from-office", 200, "Allow", office), denyAll]);
const allow = { network: [{ rules: [aNetworkRule({ sourceAddresses: [office] })] }] };

describe.each<Kind>(["classic", "policy"])("a machine behind a firewall (%s)", (kind) => {
  it("is not reached from outside while no network rule allows it", () => {
    expect(deciders([...aTown(kind), openNsg])).toEqual(["no rule matched Deny"]);
  });

  it("sees the client's own address when a network rule allows it", () => {
    expect(deciders([...aTown(kind, allow), openNsg])).toEqual(["net Allow", "from-office Allow"]);
  });

  it("still has its NSGs behind the firewall", () => {
    expect(deciders(aTown(kind, allow))).toEqual(["net Allow", "deny-all Deny"]);
  });

  it("is reached past the firewall from its own virtual network", () => {
    expect(deciders(aTown(kind), "10.61.9.9")).toEqual(["deny-all Deny"]);
  });

  it("is reached past the firewall at a public address of its own", () => {
    const nic = aNic({ publicIPAddress: { id: ids.publicIp } });

    expect(deciders([...aTown(kind), openNsg, nic])).toEqual(["from-office Allow"]);
  });
});

describe("the routes of a subnet", () => {
  const shut = [...aTown("classic"), openNsg];
  const past = ["from-office Allow"];
  const through = ["no rule matched Deny"];
  const everything = { addressPrefix: "0.0.0.0/0", ...toFirewall };

  it.each([
    { case: "no route", routes: [], met: past },
    { case: "a default route to the firewall", routes: [everything], met: through },
    {
      case: "a longer prefix that leads elsewhere",
      routes: [everything, { addressPrefix: "10.50.0.0/16", nextHopType: "VirtualNetworkGateway" }],
      met: past,
    },
    {
      case: "a longer prefix that leads to the firewall",
      routes: [
        { addressPrefix: "10.50.0.0/16", ...toFirewall },
        { addressPrefix: "0.0.0.0/0", nextHopType: "Internet" },
      ],
      met: through,
    },
    {
      case: "a route to an appliance that is no Azure Firewall",
      routes: [{ ...everything, nextHopIpAddress: "10.60.9.9" }],
      met: past,
    },
  ])("with $case lead where the longest prefix leads", ({ routes, met }) => {
    expect(deciders([...shut, aRouteTable(routes)])).toEqual(met);
  });

  it("lead straight to a peered virtual network unless they say otherwise", () => {
    const source = "10.60.8.8";
    const nsg = anNsg([nsgRule("from-hub", 200, "Allow", source), denyAll]);
    const longer = aRouteTable([{ addressPrefix: "10.60.0.0/16", ...toFirewall }]);

    expect(deciders([...shut, nsg], source)).toEqual(["from-hub Allow"]);
    expect(deciders([...shut, nsg, longer], source)).toEqual(["no rule matched Deny"]);
  });

  it("make everybody part of 'VirtualNetwork', so that Azure's default rules keep nobody out", () => {
    const town = [...aTown("classic", allow), anNsg([])];

    expect(deciders(town)).toEqual(["net Allow", "AllowVnetInBound Allow"]);
  });
});

describe("the tag VirtualNetwork", () => {
  it.each([
    { peering: "Connected", rule: "AllowVnetInBound Allow" },
    { peering: "Disconnected", rule: "DenyAllInBound Deny" },
  ])(
    "of a machine whose peering is $peering answers a neighbour's packet with $rule",
    (expected) => {
      const town = [
        ...aTown("classic"),
        anNsg([]),
        aRouteTable([]),
        aVnet("spoke", expected.peering),
      ];

      expect(deciders(town, "10.60.8.8")).toEqual([expected.rule]);
    },
  );
});
