import { describe, expect, it } from "@jest/globals";
import { parseInitiate } from "../../src/access/initiate.ts";
import { subscriptionId, vmId } from "../support/builders.ts";
import { example } from "../support/jit-examples.ts";
import { targets } from "../support/outcomes.ts";

const parse = (virtualMachines: unknown, more: object = {}) =>
  parseInitiate({ virtualMachines, ...more }, subscriptionId);
const parsePorts = (...ports: readonly object[]) => parse([{ id: vmId(), ports }]);
const onePort = (outcome: ReturnType<typeof parse>) =>
  outcome.outcome === "ok" ? outcome.value.virtualMachines[0]?.ports[0] : outcome;

const many = (count: number, value: unknown) => Array.from({ length: count }, () => value);
const ssh = { number: 22, duration: "PT1H" };
const port = "virtualMachines[0].ports[0]";
const prefix = `${port}.allowedSourceAddressPrefix`;
const prefixes = `${port}.allowedSourceAddressPrefixes`;

describe("the body of an initiate", () => {
  it("may be the official example with an end time", () => {
    const { body, subscriptionId: subscription } = example("initiate").parameters;

    expect(parseInitiate(body, subscription)).toEqual({
      outcome: "ok",
      value: {
        justification: "testing a new version of the product",
        virtualMachines: [
          {
            id: expect.stringMatching(/\/virtualMachines\/vm1$/),
            ports: [
              {
                number: 3389,
                endsAt: new Date("2018-07-12T09:53:03.365Z"),
                durationSeconds: undefined,
                sources: ["192.127.0.2"],
              },
            ],
          },
        ],
      },
    });
  });

  it.each(["initiate-2015", "invoke-2015"] as const)(
    "may be the official example %s with a duration",
    (name) => {
      const { body, subscriptionId: subscription } = example(name).parameters;

      expect(onePort(parseInitiate(body, subscription))).toEqual({
        number: 3389,
        endsAt: undefined,
        durationSeconds: 3_600,
        sources: ["192.127.0.2"],
      });
    },
  );

  it.each<[string, object, object]>([
    ["a port as text", { number: "22" }, { number: 22 }],
    ["a duration of seconds", { duration: "PT15S" }, { durationSeconds: 15 }],
    ["one source", { allowedSourceAddressPrefix: "10.0.0.1/32" }, { sources: ["10.0.0.1"] }],
    ["any source", { allowedSourceAddressPrefix: "*" }, { sources: ["*"] }],
    [
      "an IPv6 source",
      { allowedSourceAddressPrefix: "2001:DB8::/32" },
      { sources: ["2001:db8::/32"] },
    ],
    [
      "a list of sources",
      { allowedSourceAddressPrefixes: ["::1", "10.0.0.1"] },
      { sources: ["10.0.0.1", "::1"] },
    ],
    [
      "a list in the singular field",
      { allowedSourceAddressPrefix: ["10.0.0.1"] },
      { sources: ["10.0.0.1"] },
    ],
    ["a source twice", { allowedSourceAddressPrefixes: ["::1", "0::1/128"] }, { sources: ["::1"] }],
    ["no source, which is the caller's own", {}, { sources: [] }],
    [
      "an empty list, which is the caller's own",
      { allowedSourceAddressPrefixes: [] },
      { sources: [] },
    ],
    [
      "null for a source, which is the caller's own",
      { allowedSourceAddressPrefix: null },
      { sources: [] },
    ],
  ])("may have %s", (_case, given, expected) => {
    expect(onePort(parsePorts({ ...ssh, ...given }))).toMatchObject(expected);
  });

  it.each([
    ["2030-01-31T13:00:00Z", "2030-01-31T13:00:00.000Z"],
    ["2030-01-31T13:00:00.1Z", "2030-01-31T13:00:00.100Z"],
    ["2030-01-31T13:00:00.1234567Z", "2030-01-31T13:00:00.123Z"],
    ["2030-01-31T13:00:00+02:00", "2030-01-31T11:00:00.000Z"],
  ])("may end at %s", (endTimeUtc, expected) => {
    expect(onePort(parsePorts({ number: 22, endTimeUtc }))).toMatchObject({
      endsAt: new Date(expected),
    });
  });

  it.each<[string, object, string]>([
    ["port 70000", { number: 70_000 }, `${port}.number`],
    ["no port", { number: undefined }, `${port}.number`],
    ["a port that is no whole number", { number: 22.5 }, `${port}.number`],
    ["both an end and a duration", { endTimeUtc: "2030-01-31T13:00:00Z" }, `${port}.endTimeUtc`],
    ["neither end nor duration", { duration: undefined }, `${port}.endTimeUtc`],
    ["null for both", { duration: null, endTimeUtc: null }, `${port}.endTimeUtc`],
    ["no length of time", { duration: "PT0S" }, `${port}.duration`],
    ["a month", { duration: "P1M" }, `${port}.duration`],
    ["a negative duration", { duration: "-PT1H" }, `${port}.duration`],
    ["a number for a duration", { duration: 3_600 }, `${port}.duration`],
    ["10.1 as an address", { allowedSourceAddressPrefix: "10.1" }, prefix],
    ["010.0.0.1 as an address", { allowedSourceAddressPrefix: "010.0.0.1" }, prefix],
    ["a range with host bits", { allowedSourceAddressPrefix: "10.0.0.1/8" }, prefix],
    ["IPv4 inside IPv6", { allowedSourceAddressPrefix: "::ffff:10.0.0.1" }, prefix],
    ["a service tag as a source", { allowedSourceAddressPrefix: "Internet" }, prefix],
    ["an empty source", { allowedSourceAddressPrefix: "" }, prefix],
    ["a bad source in a list", { allowedSourceAddressPrefixes: ["*", "10.1"] }, `${prefixes}[1]`],
    [
      "both source fields",
      { allowedSourceAddressPrefix: "*", allowedSourceAddressPrefixes: ["*"] },
      prefixes,
    ],
  ])("with %s is refused, naming the field", (_case, given, target) => {
    expect(targets(parsePorts({ ...ssh, ...given }))).toEqual([`InvalidInitiateInput ${target}`]);
  });

  it.each([
    "2030-01-31",
    "2030-02-30T13:00:00Z",
    "2030-01-31T24:00:00Z",
    "2030-01-31T13:00:00",
    "31 January 2030",
    "1896091200",
    "",
  ])("that ends at '%s' is refused", (endTimeUtc) => {
    expect(targets(parsePorts({ number: 22, endTimeUtc }))).toEqual([
      `InvalidInitiateInput ${port}.endTimeUtc`,
    ]);
  });

  it.each([
    {
      case: "both an end and a duration what the original service says",
      named: { endTimeUtc: "2030-01-31T13:00:00Z", duration: "PT1H" },
      message: "Only one of fields 'EndTimeUtc' and 'Duration' can be set.",
    },
    { case: "neither what was expected", named: {}, message: "expected endTimeUtc or duration" },
  ])("says to who names $case", ({ named, message }) => {
    expect(parsePorts({ number: 22, ...named })).toMatchObject({
      reasons: [{ message: expect.stringContaining(message) }],
    });
  });

  it.each<[string, unknown, string]>([
    ["null", null, ""],
    ["a list", [], ""],
    ["empty", {}, " virtualMachines"],
    ["for no VM", { virtualMachines: [] }, " virtualMachines"],
    ["for a VM without ports", { virtualMachines: [{ id: vmId() }] }, " virtualMachines[0].ports"],
    [
      "for a VM with no ports",
      { virtualMachines: [{ id: vmId(), ports: [] }] },
      " virtualMachines[0].ports",
    ],
    ["for a VM without an id", { virtualMachines: [{ ports: [ssh] }] }, " virtualMachines[0].id"],
    [
      "justified by a number",
      { virtualMachines: [{ id: vmId(), ports: [ssh] }], justification: 7 },
      " justification",
    ],
  ])("that is %s is refused", (_case, body, target) => {
    expect(targets(parseInitiate(body, subscriptionId))).toEqual([`InvalidInitiateInput${target}`]);
  });

  it.each<[string, string, string]>([
    ["lacks its subscription", `/resourceGroups/shop/${vmId()}`, "InvalidInitiateInput"],
    [
      "is in another subscription",
      vmId().replace(subscriptionId, "00000000-0000-0000-0000-000000000000"),
      "VirtualMachineInAnotherSubscription",
    ],
    [
      "is a classic VM's",
      vmId().replace("Microsoft.Compute", "Microsoft.ClassicCompute"),
      "ClassicVirtualMachineNotSupported",
    ],
  ])("for a VM whose id %s is refused", (_case, id, code) => {
    expect(targets(parse([{ id, ports: [ssh] }]))).toEqual([`${code} virtualMachines[0].id`]);
  });

  it("that names a VM or a port twice is refused, also when the case differs", () => {
    const twice = [
      { id: vmId(), ports: [ssh, { number: "22", duration: "PT2H" }] },
      { id: vmId().toUpperCase(), ports: [ssh] },
    ];

    expect(targets(parse(twice))).toEqual([
      "InvalidInitiateInput virtualMachines[0].ports[1].number",
      "InvalidInitiateInput virtualMachines[1].id",
    ]);
  });

  it.each<[string, unknown, string]>([
    ["100 virtual machines", many(101, {}), "101 virtual machines"],
    ["500 ports", many(100, { ports: many(6, {}) }), "600 ports"],
    [
      "1,000 sources",
      many(6, { ports: [{ allowedSourceAddressPrefixes: many(180, "") }] }),
      "1,080 sources",
    ],
  ])("for more than %s is refused for that alone", (_case, virtualMachines, given) => {
    const outcome = parse(virtualMachines);

    expect(targets(outcome)).toEqual(["InvalidInitiateInput virtualMachines"]);
    expect(outcome).toMatchObject({ reasons: [{ message: expect.stringContaining(given) }] });
  });

  it("that asks for one port over and over is told so a hundred times, and how many times more", () => {
    const outcome = parse([
      { id: vmId(), ports: many(100, ssh) },
      { id: vmId("db"), ports: many(100, ssh) },
    ]);

    expect(targets(outcome)).toHaveLength(101);
  });

  it("is refused with every fault at once", () => {
    const outcome = parsePorts(
      { number: 70_000, duration: "PT1H", allowedSourceAddressPrefix: "10.1" },
      { number: 22 },
    );

    expect(targets(outcome)).toEqual([
      `InvalidInitiateInput ${port}.number`,
      `InvalidInitiateInput ${prefix}`,
      "InvalidInitiateInput virtualMachines[0].ports[1].endTimeUtc",
    ]);
  });
});
