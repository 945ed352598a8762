import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { Firewall, FirewallRule } from "../../src/rules/firewall.ts";
import {
  accessThroughFirewall,
  type DnatReading,
  dnatReadings,
  readFirewall,
} from "../../src/rules/firewall-effective.ts";
import { aFirewall, publicAddresses } from "../support/builders.ts";
import { propertyRuns } from "../support/property-runs.ts";

/** A world of few addresses, so small that each packet can be followed by itself. */
const sources = ["203.0.113.0", "203.0.113.1", "203.0.113.2", "203.0.113.3"] as const;
const [entrance] = publicAddresses;
const places = ["10.0.0.4", "10.0.0.5"] as const;

interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
}

const sourceLists = fc.constantFrom(
  ["*"],
  ["203.0.113.0/31"],
  ["203.0.113.1-203.0.113.2"],
  ["203.0.113.3"],
  ["203.0.113.0", "203.0.113.2/31"],
);
const reached: Readonly<Record<string, readonly string[]>> = {
  "*": [...sources, ...places, entrance],
  "203.0.113.0/31": [sources[0], sources[1]],
  "203.0.113.2/31": [sources[2], sources[3]],
  "203.0.113.1-203.0.113.2": [sources[1], sources[2]],
  "10.0.0.0/24": places,
};

const shared = {
  name: fc.constantFrom("a", "b", "c", "d"),
  order: fc.integer({ min: 100, max: 104 }).map((place) => [place]),
  collection: fc.constant("c"),
  description: fc.constant(""),
  protocols: fc.constantFrom(["TCP"], ["UDP"], ["TCP", "UDP"], ["Any"], ["ICMP"]),
  sources: sourceLists,
  isPartlyUnknown: fc.constantFrom(undefined, undefined, undefined, true),
};
const networkRule: fc.Arbitrary<FirewallRule> = fc.record({
  ...shared,
  kind: fc.constant("network"),
  access: fc.constantFrom("Allow", "Deny"),
  destinations: fc.constantFrom(["*"], ["10.0.0.4"], ["10.0.0.0/24"], [entrance]),
  destinationPorts: fc.constantFrom(["*"], ["22"], ["20-30"], ["2222"]),
});
const dnatRule: fc.Arbitrary<FirewallRule> = fc.record({
  ...shared,
  kind: fc.constant("dnat"),
  access: fc.constant("Allow"),
  destinations: fc.constantFrom([entrance], ["*"]),
  destinationPorts: fc.constantFrom(["2222"], ["2000-3000"], ["*"]),
  translatedAddress: fc.constantFrom(...places),
  translatedPort: fc.constantFrom("22", "3389"),
});

/** Rules at different places: which of two at one place comes first, nobody says. */
const rules = fc
  .tuple(
    fc.uniqueArray(networkRule, { maxLength: 4, selector: ({ order }) => order[0] }),
    fc.uniqueArray(dnatRule, { maxLength: 3, selector: ({ order }) => order[0] }),
  )
  .map(([network, dnat]) => [...network, ...dnat]);

const questions = fc.record({
  source: fc.constantFrom("*", "203.0.113.0/30", "203.0.113.0/31", ...sources),
  to: fc.constantFrom(
    { destination: entrance, port: 2222 },
    { destination: "10.0.0.4", port: 22 },
    { destination: "10.0.0.5", port: 3389 },
  ),
  protocol: fc.constantFrom("TCP" as const, "UDP" as const, "*" as const),
});

const speaks = (rule: FirewallRule, packet: Packet, isUnknownMeant: boolean): boolean => {
  const holds = (list: readonly string[], address: string) =>
    list.some((entry) => (reached[entry] ?? [entry]).includes(address)) ||
    (rule.isPartlyUnknown === true && isUnknownMeant);
  return (
    (rule.protocols.includes("Any") || rule.protocols.includes(packet.protocol)) &&
    rule.destinationPorts.some((entry) => {
      const [first = "0", last = first] = entry === "*" ? ["0", "65535"] : entry.split("-");
      return Number(first) <= packet.port && packet.port <= Number(last);
    }) &&
    holds(rule.sources, packet.source) &&
    holds(rule.destinations, packet.destination)
  );
};

/** What becomes of one packet, rule by rule. */
function follow(
  firewall: Firewall,
  packet: Packet,
  reading: DnatReading,
  isUnknownMeant: boolean,
): boolean {
  const inOrder = firewall.rules.toSorted(
    (left, right) => (left.order[0] ?? 0) - (right.order[0] ?? 0),
  );
  const first = (kind: FirewallRule["kind"], of: Packet) =>
    inOrder.find((rule) => rule.kind === kind && speaks(rule, of, isUnknownMeant));
  const dnat = first("dnat", packet);
  if (dnat === undefined) {
    return packet.destination !== entrance && first("network", packet)?.access === "Allow";
  }
  const led = {
    ...packet,
    destination: dnat.translatedAddress ?? "",
    port: Number(dnat.translatedPort),
  };
  return reading === "dnat ends" || first("network", led)?.access !== "Deny";
}

describe("what a firewall makes of traffic", () => {
  it("is what it makes of every packet of it, and is said for certain only when it is", () => {
    fc.assert(
      fc.property(rules, questions, fc.constantFrom(...dnatReadings), (list, question, reading) => {
        const firewall = aFirewall(...list);
        const { source, to, protocol } = question;
        const answer = accessThroughFirewall(
          readFirewall(firewall),
          { source, protocol, ...to },
          reading,
        );

        const senders = sources.filter(
          (each) =>
            ["*", "203.0.113.0/30", each].includes(source) || reached[source]?.includes(each),
        );
        const outcomes = [true, false].flatMap((isUnknownMeant) =>
          senders.flatMap((each) =>
            (protocol === "*" ? (["TCP", "UDP"] as const) : [protocol]).map((name) =>
              follow(firewall, { source: each, protocol: name, ...to }, reading, isUnknownMeant),
            ),
          ),
        );
        const isUncertain = list.some((rule) => rule.isPartlyUnknown === true);
        if (answer.access === "allowed" || answer.access === "denied") {
          expect(new Set(outcomes)).toEqual(new Set([answer.access === "allowed"]));
        } else if (answer.access === "partly") {
          // Of everybody, there are more than these few.
          expect(source === "*" || new Set(outcomes).size === 2).toBe(true);
        } else {
          expect(isUncertain).toBe(true);
        }
      }),
      propertyRuns,
    );
  });
});
