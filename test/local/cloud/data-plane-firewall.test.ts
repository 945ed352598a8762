import { describe, expect, it } from "@jest/globals";
import { verdictOnCall } from "../../../local/cloud/data-plane/firewall-verdict.ts";
import { createInForce } from "../../../local/cloud/data-plane/in-force.ts";
import type { ArmResource, Behaviour } from "../../../local/cloud/estate.ts";
import { createResources, newEtag } from "../../../local/cloud/resources.ts";
import {
  aDnatRule,
  aGroup,
  alice,
  aNetworkRule,
  anEntry,
  anNsg,
  aTown,
  aVnet,
  denyAll,
  ids,
  type Kind,
  machineAddress,
  nsgRule,
} from "./support/behind-a-firewall.ts";

interface Attempt {
  readonly source?: string;
  readonly port?: number;
  readonly behaviour?: Behaviour["dnatAgainstDeny"];
}

/** A connection to the firewall's public address, in a town with these resources; later ones replace earlier ones. */
function call(resources: readonly ArmResource[], attempt: Attempt = {}) {
  const { source = alice, port: mappedPort = 41_234, behaviour = "deny wins" } = attempt;
  const held = resources.map((resource) => ({ resource, etag: newEtag() }));
  const inForce = createInForce(createResources(held, () => undefined));
  const entry = anEntry({ source });
  return verdictOnCall(inForce, { entry, mappedPort, sourcePort: 50_000 }, behaviour);
}

function rulesIn({ decidedBy }: ReturnType<typeof call>): string[] {
  return decidedBy.map(({ rule, access }) => `${rule} ${access}`);
}

const open = { dnat: [{ rules: [aDnatRule()] }] };

describe.each<Kind>(["classic", "policy"])("a firewall with rules of the %s kind", (kind) => {
  it("leads whom a DNAT rule speaks of to the machine, which sees the firewall's address", () => {
    const verdict = call(aTown(kind, open));

    expect(verdict.letsIn).toBe(true);
    expect(verdict.target).toEqual({
      address: machineAddress,
      port: 22,
      virtualMachine: ids.machine,
    });
    expect(verdict.decidedBy).toEqual([
      {
        firewall: ids.firewall,
        collection: kind === "classic" ? "collection" : "rcg-test/collection",
        rule: "ssh",
        access: "Allow",
        translatedTo: "10.61.1.4:22",
      },
      { networkSecurityGroup: ids.nsg, rule: "from-firewall", access: "Allow" },
    ]);
  });

  it("is of no use when the machine's NSG speaks of the person and forgets the firewall's subnet", () => {
    const nsg = anNsg([nsgRule("from-alice", 200, "Allow", alice), denyAll]);

    const verdict = call([...aTown(kind, open), nsg]);

    expect(verdict.letsIn).toBe(false);
    expect(rulesIn(verdict)).toEqual(["ssh Allow", "deny-all Deny"]);
  });

  it.each([
    { case: "the source", rule: { sourceAddresses: [alice] }, letsIn: true },
    { case: "another source", rule: { sourceAddresses: ["203.0.113.8"] }, letsIn: false },
    { case: "the source's network", rule: { sourceAddresses: ["203.0.113.0/29"] }, letsIn: true },
    { case: "a range", rule: { sourceAddresses: ["203.0.113.1-203.0.113.7"] }, letsIn: true },
    {
      case: "a range below",
      rule: { sourceAddresses: ["203.0.113.1-203.0.113.6"] },
      letsIn: false,
    },
    { case: "everybody", rule: { sourceAddresses: ["*"] }, letsIn: true },
    { case: "nobody", rule: { sourceAddresses: [] }, letsIn: false },
    { case: "UDP", rule: { protocols: ["UDP"] }, letsIn: false },
    { case: "UDP and TCP", rule: { protocols: ["UDP", "TCP"] }, letsIn: true },
    {
      case: "another public address",
      rule: { destinationAddresses: ["192.0.2.61"] },
      letsIn: false,
    },
    { case: "another port", rule: { destinationPorts: ["41235"] }, letsIn: false },
    { case: "an address nobody has", rule: { translatedAddress: "10.61.1.9" }, letsIn: false },
  ])("with a DNAT rule for $case lets in: $letsIn", ({ rule, letsIn }) => {
    const verdict = call(aTown(kind, { dnat: [{ rules: [aDnatRule(rule)] }] }));

    expect(verdict.letsIn).toBe(letsIn);
  });

  it("knows the members of an IP group", () => {
    const rule = aDnatRule({ sourceAddresses: [], sourceIpGroups: [ids.ipGroup] });
    const town = aTown(kind, { dnat: [{ rules: [rule] }] });

    expect(call(town, { source: "198.51.100.9" }).letsIn).toBe(true);
    expect(call(town).letsIn).toBe(false);
  });

  it("reads the collection with the lowest priority number first, wherever it stands", () => {
    const to = (port: string) => aDnatRule({ translatedPort: port });

    const verdict = call(
      aTown(kind, {
        dnat: [
          { name: "later", priority: 300, rules: [to("3389")] },
          { name: "first", priority: 200, rules: [to("22"), to("443")] },
        ],
      }),
    );

    expect(verdict.target?.port).toBe(22);
  });

  it.each([
    { behaviour: "deny wins" as const, letsIn: false, rules: ["ssh Allow", "net Deny"] },
    { behaviour: "dnat ends" as const, letsIn: true, rules: ["ssh Allow", "from-firewall Allow"] },
  ])("under '$behaviour' with a denying network rule lets in: $letsIn", (expected) => {
    const deny = { access: "Deny" as const, rules: [aNetworkRule()] };

    const verdict = call(aTown(kind, { ...open, network: [deny] }), expected);

    expect(verdict.letsIn).toBe(expected.letsIn);
    expect(rulesIn(verdict)).toEqual(expected.rules);
  });

  it("lets in where a network rule allows before another denies", () => {
    const network = [
      { name: "shut", priority: 300, access: "Deny" as const, rules: [aNetworkRule()] },
      { name: "window", priority: 200, rules: [aNetworkRule({ sourceAddresses: [alice] })] },
    ];
    const everybody = { dnat: [{ rules: [aDnatRule({ sourceAddresses: ["*"] })] }], network };

    expect(call(aTown(kind, everybody)).letsIn).toBe(true);
    expect(call(aTown(kind, everybody), { source: "203.0.113.99" }).letsIn).toBe(false);
  });

  it("reaches nobody in a virtual network that is not connected to its own", () => {
    const verdict = call([...aTown(kind, open), aVnet("hub", "Disconnected")]);

    expect(verdict).toMatchObject({ letsIn: false, target: { virtualMachine: undefined } });
  });
});

describe("a firewall policy", () => {
  const parentGroup = `${ids.parent}/ruleCollectionGroups/rcg-parent`;

  it("reads its groups by their priority before it looks at collections", () => {
    const own = { name: "own", priority: 100, rules: [aDnatRule({ translatedPort: "22" })] };
    const other = { name: "other", priority: 900, rules: [aDnatRule({ translatedPort: "3389" })] };
    const id = `${ids.policy}/ruleCollectionGroups/rcg-early`;
    const early = aGroup({ dnat: [other] }, { id, priority: 90 });

    const verdict = call([...aTown("policy", { dnat: [own] }), early]);

    expect(verdict.decidedBy[0]?.collection).toBe("rcg-early/other");
  });

  it("obeys the network rules of its parent before its own, whatever their numbers", () => {
    const allow = { priority: 100, rules: [aNetworkRule()] };
    const deny = {
      priority: 900,
      access: "Deny" as const,
      rules: [aNetworkRule({ name: "corp" })],
    };
    const parent = aGroup({ network: [deny] }, { id: parentGroup, priority: 900 });

    const verdict = call([...aTown("policy", { ...open, network: [allow] }), parent]);

    expect(rulesIn(verdict)).toEqual(["ssh Allow", "corp Deny"]);
  });

  it("does not inherit DNAT rules", () => {
    const parent = aGroup(open, { id: parentGroup });

    expect(call([...aTown("policy"), parent])).toMatchObject({ letsIn: false, decidedBy: [] });
  });
});
