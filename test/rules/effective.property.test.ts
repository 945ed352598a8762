import { BlockList, isIPv6 } from "node:net";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { accessThrough, effectiveAccess, type Traffic } from "../../src/rules/effective.ts";
import { readGroup } from "../../src/rules/effective-group.ts";
import type { SecurityRule } from "../../src/rules/nsg.ts";
import { aGroup, aRule } from "../support/builders.ts";
import { propertyRuns } from "../support/property-runs.ts";
import { beginnings, rulesOf, withoutClashes } from "./support/arbitraries.ts";

/** One packet on its way. */
interface Packet {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly protocol: "Tcp" | "Udp";
}

/** What a group does not tell: one of the ways in which the network around it may be. */
interface World {
  readonly virtualNetwork: readonly string[];
  readonly service: readonly string[];
  readonly sourcesInGroups: readonly string[];
  readonly isDestinationInGroups: boolean;
}

/**
 * Node's own idea of which addresses a list of prefixes holds.
 * NB. Families are kept apart here: to Node, ::/0 holds every IPv4 address as well.
 */
function holds(prefixes: readonly string[], address: string): boolean {
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  const key = `${family} ${prefixes}`;
  const list =
    lists.get(key) ?? listOf(prefixes.filter((text) => isIPv6(address) === text.includes(":")));
  lists.set(key, list);
  return list.check(address, family);
}

const lists = new Map<string, BlockList>();

function listOf(prefixes: readonly string[]): BlockList {
  const list = new BlockList();
  for (const prefix of prefixes) {
    const [network = "", length] = prefix.split("/");
    const [family, width] = isIPv6(network) ? (["ipv6", 128] as const) : (["ipv4", 32] as const);
    list.addSubnet(network, Number(length ?? width), family);
  }
  return list;
}

const notOfTheInternet = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
const probes = ["168.63.129.16", "fe80::1234:5678:9abc"];

/** Whether an entry of a rule's list stands for the address, in this world. */
function entryHolds(entry: string, address: string, world: World): boolean {
  switch (entry) {
    case "*":
      return true;
    case "VirtualNetwork":
      return holds(world.virtualNetwork, address);
    case "Internet":
      return !holds(world.virtualNetwork, address) && !holds(notOfTheInternet, address);
    case "AzureLoadBalancer":
      return probes.includes(address);
    case "Sql":
      return holds(world.service, address);
    default:
      return holds([entry], address);
  }
}

const portsHold = (list: readonly string[], port: number): boolean =>
  list.some((entry) => {
    const [first = "", last = first] = entry === "*" ? ["0", "65535"] : entry.split("-");
    return Number(first) <= port && port <= Number(last);
  });

/** The default rules as they are documented. */
const defaults = [
  { access: "Allow", from: "VirtualNetwork", to: "VirtualNetwork" },
  { access: "Allow", from: "AzureLoadBalancer", to: "*" },
  { access: "Deny", from: "*", to: "*" },
] as const;

/** What becomes of each packet, tried on rule after rule. */
function outcomesOf(
  rules: readonly SecurityRule[],
  question: Asked,
  world: World,
): readonly boolean[] {
  const inOrder = rules
    .filter(
      (rule) => rule.direction === "Inbound" && portsHold(rule.destinationPorts, question.port),
    )
    .toSorted((left, right) => left.priority - right.priority);
  return packetsOf(question).map((packet) => {
    const first = inOrder.find((rule) => speaks(rule, packet, world));
    const last = defaults.find(
      ({ from, to }) =>
        entryHolds(from, packet.source, world) && entryHolds(to, packet.destination, world),
    );
    return (first ?? last)?.access === "Allow";
  });
}

const speaks = (rule: SecurityRule, packet: Packet, world: World): boolean =>
  ["*", packet.protocol].includes(rule.protocol) &&
  portsHold(rule.sourcePorts, packet.sourcePort) &&
  (rule.destinations.some((entry) => entryHolds(entry, packet.destination, world)) ||
    (rule.destinationGroups.length > 0 && world.isDestinationInGroups)) &&
  (rule.sources.some((entry) => entryHolds(entry, packet.source, world)) ||
    (rule.sourceGroups.length > 0 && holds(world.sourcesInGroups, packet.source)));

/** Every address at which an answer may change: the first and last of every prefix that occurs, and those beside them. */
const sources4 = [
  ...["0.0.0.0", "0.0.0.1", "9.255.255.255", "10.0.0.0", "10.0.0.3", "10.0.0.4", "10.0.0.5"],
  ...["10.0.0.255", "10.0.1.0", "10.0.1.255", "10.0.2.0", "10.0.255.255", "10.1.0.0"],
  ...["10.255.255.255", "11.0.0.0", "168.63.129.15", "168.63.129.16", "168.63.129.17"],
  ...["172.16.0.0", "172.31.255.255", "192.0.2.0", "192.0.2.1", "192.0.2.2", "192.168.7.7"],
  ...["198.51.100.7", "203.0.111.255", "203.0.112.0", "203.0.112.255", "203.0.113.0"],
  ...["203.0.113.6", "203.0.113.7", "203.0.113.8", "203.0.113.255", "203.0.114.0"],
  ...["203.0.115.255", "203.0.116.0", "255.255.255.255"],
];
const sources6 = [
  ...["::", "2001:db7:ffff::1", "2001:db8::", "2001:db8:0:ffff::", "2001:db8:ffff::7"],
  ...["2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "2001:db9::7", "2001:dba::"],
  ...["fbff::1", "fc00::", "fd00::", "fd00::4", "fd00::5", "fd00::6", "fd00::1:3", "fd00::1:4"],
  ...["fd00::1:5", "fd00::ffff:ffff:ffff:ffff", "fd00:0:0:1::", "fdff::", "fe80::1234:5678:9abc"],
  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];
const publicly = [...sources4, ...sources6].filter(
  (address) =>
    !holds(
      [
        ...notOfTheInternet,
        ...["0.0.0.0/8", "168.63.129.16", "224.0.0.0/3", "::/8", "fe80::/10", "ff00::/8"],
      ],
      address,
    ),
);

/** A question to the evaluator, and every packet that is meant by it and might be treated unlike another. */
function packetsOf({ source, destination, protocol }: Asked): readonly Packet[] {
  const family = isIPv6(destination) ? sources6 : sources4;
  const senders = family.filter((address) =>
    source === "Internet" ? publicly.includes(address) : source === "*" || holds([source], address),
  );
  const protocols = (["Tcp", "Udp"] as const).filter((name) =>
    ["*", name.toUpperCase()].includes(protocol),
  );
  return senders.flatMap((sender) =>
    protocols.flatMap((name) =>
      [80, 50_000].map((sourcePort) => ({
        source: sender,
        sourcePort,
        destination,
        protocol: name,
      })),
    ),
  );
}

type Asked = Traffic & { readonly destination: string };

const askedOf = (destinations: readonly string[]): fc.Arbitrary<Asked> =>
  fc.constantFrom(...destinations).chain((destination) =>
    fc.record({
      destination: fc.constant(destination),
      source: fc.constantFrom(
        ...["*", "Internet"],
        ...(isIPv6(destination)
          ? ["::/0", "2001:db8::/32", "2001:db8::/31", "2001:db8:ffff::7", "fd00::/64", "fd00::5"]
          : [
              ...["0.0.0.0/0", "10.0.0.0/16", "10.0.0.0/23", "10.0.0.4", "192.0.2.1"],
              ...["203.0.113.0/24", "203.0.112.0/22", "203.0.113.7", "198.51.100.7"],
            ]),
      ),
      port: fc.constantFrom(22, 22, 3_389, 443, 53),
      protocol: fc.constantFrom("TCP", "UDP", "*"),
    }),
  );

/** Private addresses of VMs as most are, and some that are public or shared. */
const asked = askedOf(["10.0.0.4", "10.0.0.4", "10.0.1.5", "fd00::5", "203.0.113.7", "2001:db8::"]);

const subset = (...entries: readonly string[]) => fc.subarray([...entries]);

/** Worlds in which the VM can be: its network holds it, and public space only if its own address is public. */
const worldOf = (destination: string): fc.Arbitrary<World> => {
  const isPublic = publicly.includes(destination);
  const space = ["10.0.0.0/16", "10.0.1.0/24", "192.168.0.0/16", "168.63.129.16", "fd00::/64"];
  const own = [destination, ...space, ...(isPublic ? ["203.0.112.0/22", "2001:db8::/32"] : [])];
  return subset(...own).chain((list) =>
    fc.record({
      virtualNetwork: fc.constant([destination, ...list]),
      service: subset("203.0.113.0/24", "192.0.2.1", "198.51.0.0/16", "2001:db8::/32"),
      sourcesInGroups: subset(destination, ...list),
      isDestinationInGroups: fc.boolean(),
    }),
  );
};

const groups = beginnings.map(rulesOf);

/** Every tag, group and source port restriction taken out: what is left can be known. */
const plainly = (rules: readonly SecurityRule[]): readonly SecurityRule[] =>
  withoutClashes([
    aRule({ name: "end", priority: 4_096, access: "Deny", protocol: "*", destinationPorts: ["*"] }),
    ...rules.map((rule) => ({
      ...rule,
      sources: plainEnd(rule.sources),
      destinations: plainEnd(rule.destinations),
      sourceGroups: [],
      destinationGroups: [],
      sourcePorts: ["*"],
    })),
  ]);

const plainEnd = (list: readonly string[]) =>
  list.length === 0 || list.some((entry) => /^[A-Z]/.test(entry)) ? ["*"] : list;

const askedInWorlds = asked.chain((question) =>
  fc.tuple(
    fc.constant(question),
    fc.array(worldOf(question.destination), { minLength: 3, maxLength: 3 }),
  ),
);

/** What the packets say, all of them tried. */
function verdictOf(outcomes: readonly boolean[]): "allowed" | "denied" | "partly" {
  if (outcomes.every((outcome) => !outcome)) {
    return "denied";
  }
  return outcomes.every(Boolean) ? "allowed" : "partly";
}

describe("the access that a group gives", () => {
  it("is what becomes of every single packet, wherever it is not unknown", () => {
    fc.assert(
      fc.property(groups, askedInWorlds, (rules, [question, worlds]) => {
        const { access } = accessThrough(readGroup(aGroup(...rules)), question);

        for (const world of access === "unknown" ? [] : worlds) {
          expect(verdictOf(outcomesOf(rules, question, world))).toBe(access);
        }
      }),
      propertyRuns,
    );
  });

  it("is never unknown where rules speak of addresses and ports alone", () => {
    fc.assert(
      fc.property(groups.map(plainly), askedInWorlds, (rules, [question, [world]]) => {
        const { access } = accessThrough(readGroup(aGroup(...rules)), question);
        expect(access).toBe(verdictOf(outcomesOf(rules, question, world as World)));
      }),
      propertyRuns,
    );
  });

  it("hangs on the rules it names alone: without the others it is the same", () => {
    fc.assert(
      fc.property(groups, asked, (rules, question) => {
        const whole = accessThrough(readGroup(aGroup(...rules)), question);
        const named = rules.filter((rule) => whole.rules.includes(rule.name));

        expect(accessThrough(readGroup(aGroup(...named)), question)).toEqual(whole);
      }),
      propertyRuns,
    );
  });
});

describe("the access to an address behind two groups", () => {
  it("is what becomes of every single packet that has to pass both", () => {
    fc.assert(
      fc.property(groups, groups, askedInWorlds, (subnet, nic, [question, worlds]) => {
        const { access } = effectiveAccess(
          { address: question.destination, gates: ["subnet", "nic"] },
          new Map([
            ["subnet", readGroup(aGroup(...subnet))],
            ["nic", readGroup(aGroup(...nic))],
          ]),
          question,
        );

        for (const world of access === "unknown" ? [] : worlds) {
          const behindNic = outcomesOf(nic, question, world);
          const outcomes = outcomesOf(subnet, question, world).map(
            (isThrough, index) => isThrough && behindNic[index] === true,
          );

          expect(verdictOf(outcomes)).toBe(access);
        }
      }),
      propertyRuns,
    );
  });
});
