import { describe, expect, it } from "@jest/globals";
import { allowedSources } from "../../src/policy/policy.ts";
import { parsePolicy } from "../../src/policy/policy-body.ts";
import type { Outcome } from "../../src/reasons.ts";
import { aContext, aPort, aVirtualMachine, subscriptionId, vmId } from "../support/builders.ts";
import { example } from "../support/jit-examples.ts";
import { targets } from "../support/outcomes.ts";

const parse = (virtualMachines: unknown) =>
  parsePolicy({ properties: { virtualMachines } }, subscriptionId, aContext);
const parsePorts = (...ports: readonly object[]) => parse([{ id: vmId(), ports }]);
const onePort = (outcome: ReturnType<typeof parse>) =>
  outcome.outcome === "ok" ? outcome.value.virtualMachines[0]?.ports[0] : outcome;

const port = "properties.virtualMachines[0].ports[0]";
const prefix = `${port}.allowedSourceAddressPrefix`;
const prefixes = `${port}.allowedSourceAddressPrefixes`;
const duration = `${port}.maxRequestAccessDuration`;
const id = "properties.virtualMachines[0].id";

describe("the body of a policy", () => {
  it("may be the official example, and says the same in ours", () => {
    const { parameters } = example("create-policy");
    const { kind, properties } = parameters.body;

    expect(parsePolicy(parameters.body, parameters.subscriptionId, aContext)).toEqual({
      outcome: "ok",
      value: { kind, virtualMachines: properties.virtualMachines },
    });
  });

  it("may leave the kind out, which then is Basic", () => {
    expect(parse([aVirtualMachine()])).toMatchObject({ value: { kind: "Basic" } });
  });

  it("may carry what is read-only or unknown to us, which is ignored", () => {
    const known = { id: vmId(), ports: [aPort()] };
    const body = {
      id: "x",
      type: "y",
      location: "z",
      properties: { virtualMachines: [{ ...known, more: 1 }], provisioningState: 7, requests: 8 },
    };

    expect(parsePolicy(body, subscriptionId, aContext)).toEqual({
      outcome: "ok",
      value: { kind: "Basic", virtualMachines: [known] },
    });
  });

  it.each<[string, object, object]>([
    ["a port as text", { number: "22" }, { number: 22 }],
    ["port 0", { number: 0 }, { number: 0 }],
    ["port 65535", { number: 65_535 }, { number: 65_535 }],
    ["a protocol in lower case", { protocol: "udp" }, { protocol: "UDP" }],
    ["any protocol", { protocol: "*" }, { protocol: "*" }],
    ["the shortest window", { maxRequestAccessDuration: "PT5M" }, {}],
    ["the longest window, in hours", { maxRequestAccessDuration: "PT24H" }, {}],
    ["the longest window, as a day", { maxRequestAccessDuration: "P1D" }, {}],
    ["an IPv6 range", { allowedSourceAddressPrefix: "2001:db8::/32" }, {}],
    [
      "an address with its full length",
      { allowedSourceAddressPrefix: "203.0.113.7/32" },
      { allowedSourceAddressPrefix: "203.0.113.7" },
    ],
  ])("may have %s", (_case, given, expected) => {
    expect(onePort(parsePorts({ ...aPort(), ...given }))).toEqual({
      ...aPort(),
      ...given,
      ...expected,
    });
  });

  it.each<[string, object]>([
    ["a list", { allowedSourceAddressPrefixes: ["203.0.113.7", "10.0.0.0/8"] }],
    ["a list in the singular field", { allowedSourceAddressPrefix: ["203.0.113.7", "10.0.0.0/8"] }],
    [
      "a list beside an empty singular field",
      {
        allowedSourceAddressPrefix: null,
        allowedSourceAddressPrefixes: ["203.0.113.7", "10.0.0.0/8"],
      },
    ],
  ])("may give its sources as %s", (_case, given) => {
    const { allowedSourceAddressPrefix: _, ...rest } = aPort();
    const parsed = onePort(parsePorts({ ...rest, ...given }));

    expect(parsed).toEqual({
      ...rest,
      allowedSourceAddressPrefixes: ["203.0.113.7", "10.0.0.0/8"],
    });
  });

  it.each<[string, object, string]>([
    ["port 70000", { number: 70_000 }, `${port}.number`],
    ["port 65536", { number: 65_536 }, `${port}.number`],
    ["a port below zero", { number: -1 }, `${port}.number`],
    ["half a port", { number: 22.5 }, `${port}.number`],
    ["a port in words", { number: "ssh" }, `${port}.number`],
    ["no port", { number: undefined }, `${port}.number`],
    ["an empty protocol", { protocol: "" }, `${port}.protocol`],
    ["a protocol that rules may have but JIT may not", { protocol: "Icmp" }, `${port}.protocol`],
    ["a window of two minutes", { maxRequestAccessDuration: "PT2M" }, duration],
    ["a window of two days", { maxRequestAccessDuration: "P2D" }, duration],
    ["a window a second too short", { maxRequestAccessDuration: "PT4M59S" }, duration],
    ["a window a second too long", { maxRequestAccessDuration: "P1DT1S" }, duration],
    ["a window of one month", { maxRequestAccessDuration: "P1M" }, duration],
    ["a window as a number", { maxRequestAccessDuration: 3 }, duration],
    ["no window", { maxRequestAccessDuration: undefined }, duration],
    ["10.1 as an address", { allowedSourceAddressPrefix: "10.1" }, prefix],
    ["010.0.0.1 as an address", { allowedSourceAddressPrefix: "010.0.0.1" }, prefix],
    ["a range with host bits", { allowedSourceAddressPrefix: "10.0.0.1/8" }, prefix],
    ["a service tag as a source", { allowedSourceAddressPrefix: "Internet" }, prefix],
    ["several sources in one text", { allowedSourceAddressPrefix: "10.0.0.1,10.0.0.2" }, prefix],
    ["an empty source", { allowedSourceAddressPrefix: "" }, prefix],
    ["a number as a source", { allowedSourceAddressPrefix: 10 }, prefix],
    ["no source at all", { allowedSourceAddressPrefix: undefined }, prefix],
    ["an empty list of sources", { allowedSourceAddressPrefix: [] }, prefix],
    ["a bad source in a list", { allowedSourceAddressPrefix: ["*", "10.1"] }, `${prefix}[1]`],
    ["both source fields", { allowedSourceAddressPrefixes: ["10.0.0.0/8"] }, prefixes],
  ])("with %s is refused, naming the field", (_case, given, target) => {
    expect(targets(parsePorts({ ...aPort(), ...given }))).toEqual([`InvalidPolicy ${target}`]);
  });

  it("says what is wrong with a source, and what was expected", () => {
    expect(parsePorts(aPort({ allowedSourceAddressPrefix: "10.0.0.1/8" }))).toMatchObject({
      reasons: [{ message: expect.stringContaining("did you mean 10.0.0.0/8 or 10.0.0.1?") }],
    });
  });

  it.each<[string, unknown, string]>([
    ["null", null, "InvalidPolicy"],
    ["a list", [], "InvalidPolicy"],
    ["text", "policy", "InvalidPolicy"],
    ["empty", {}, "InvalidPolicy properties"],
    ["without VMs", { properties: {} }, "InvalidPolicy properties.virtualMachines"],
    [
      "with an empty list of VMs",
      { properties: { virtualMachines: [] } },
      "InvalidPolicy properties.virtualMachines",
    ],
  ])("that is %s is refused", (_case, body, expected) => {
    expect(targets(parsePolicy(body, subscriptionId, aContext))).toEqual([expected]);
  });

  it.each<[string, string, string]>([
    ["is none", "web-1", `InvalidPolicy ${id}`],
    [
      "lacks its subscription",
      vmId().replace(`/subscriptions/${subscriptionId}`, ""),
      `InvalidPolicy ${id}`,
    ],
    [
      "is in another subscription",
      vmId().replace(subscriptionId, "00000000-0000-0000-0000-000000000000"),
      `VirtualMachineInAnotherSubscription ${id}`,
    ],
    [
      "is a classic VM's",
      vmId().replace("Microsoft.Compute", "Microsoft.ClassicCompute"),
      `ClassicVirtualMachineNotSupported ${id}`,
    ],
  ])("with a VM whose id %s is refused", (_case, given, expected) => {
    expect(targets(parse([aVirtualMachine({ id: given })]))).toEqual([expected]);
  });

  it("that lists a VM or a port twice is refused, also when the case differs", () => {
    const twice = [
      aVirtualMachine({ ports: [aPort(), aPort({ protocol: "UDP" })] }),
      aVirtualMachine({ id: vmId().toUpperCase() }),
    ];

    expect(targets(parse(twice))).toEqual([
      "InvalidPolicy properties.virtualMachines[0].ports[1].number",
      "InvalidPolicy properties.virtualMachines[1].id",
    ]);
  });

  it("without ports for a VM is refused", () => {
    expect(targets(parsePorts())).toEqual(["InvalidPolicy properties.virtualMachines[0].ports"]);
  });

  it("is refused with every fault at once", () => {
    const outcome: Outcome<unknown> = parsePorts(
      { ...aPort(), number: 70_000, protocol: "" },
      { ...aPort(), maxRequestAccessDuration: "PT2M" },
    );

    expect(targets(outcome)).toEqual([
      `InvalidPolicy ${port}.number`,
      `InvalidPolicy ${port}.protocol`,
      "InvalidPolicy properties.virtualMachines[0].ports[1].maxRequestAccessDuration",
    ]);
  });
});

describe("a huge policy", () => {
  const many = (count: number, value: unknown) => Array.from({ length: count }, () => value);
  const list = "properties.virtualMachines";

  it.each<[string, unknown, string]>([
    ["more than 1,000 virtual machines", many(1_001, {}), "1,001 virtual machines"],
    ["more than 10,000 ports", many(1_000, { ports: many(11, {}) }), "11,000 ports"],
    [
      "more than 100,000 sources",
      many(1_000, { ports: many(10, { allowedSourceAddressPrefixes: many(11, "") }) }),
      "110,000 sources",
    ],
  ])("of %s is refused for that alone", (_case, virtualMachines, given) => {
    const outcome = parse(virtualMachines);

    expect(targets(outcome)).toEqual([`InvalidPolicy ${list}`]);
    expect(outcome).toMatchObject({ reasons: [{ message: expect.stringContaining(given) }] });
  });

  it("is refused without looking into it: at once, in a few words", () => {
    const body = many(1_000, { ports: many(100, {}) });
    const before = process.cpuUsage();

    const outcome = parse(body);

    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(100);
    expect(JSON.stringify(outcome).length).toBeLessThan(500);
  });

  it("just within the limits gets the first hundred faults and a count", () => {
    const outcome = parse(many(1_000, { ports: many(10, {}) }));

    expect(targets(outcome)).toHaveLength(101);
    expect(JSON.stringify(outcome).length).toBeLessThan(30_000);
  });

  it("of one virtual machine listed over and over gets the first hundred faults and a count", () => {
    const outcome = parse(many(1_000, aVirtualMachine()));

    expect(targets(outcome)).toHaveLength(101);
    expect(targets(outcome).at(99)).toBe(`InvalidPolicy ${list}[100].id`);
  });
});

describe("the sources of a port", () => {
  it("are those of whichever field is there", () => {
    expect(allowedSources(aPort({ allowedSourceAddressPrefix: "*" }))).toEqual(["*"]);
    expect(allowedSources(aPort({ allowedSourceAddressPrefixes: ["10.0.0.1", "::1"] }))).toEqual([
      "10.0.0.1",
      "::1",
    ]);
  });
});
