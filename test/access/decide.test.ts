import { describe, expect, it } from "@jest/globals";
import { decide } from "../../src/access/decide.ts";
import type { InitiatePort } from "../../src/access/initiate.ts";
import type { Policy } from "../../src/policy/policy.ts";
import {
  afterNoon,
  alice,
  aPolicy,
  aPort,
  aVirtualMachine,
  circumstances,
  noon,
  requestId,
  vmId,
} from "../support/builders.ts";
import { targets } from "../support/outcomes.ts";

/** Asks for SSH of web-1 from 203.0.113.7 for an hour. */
const ask = (values: Partial<InitiatePort> = {}): InitiatePort => ({
  number: 22,
  durationSeconds: values.endsAt === undefined ? 3_600 : undefined,
  sources: ["203.0.113.7"],
  ...values,
});

const decidePorts = (
  policy: Policy,
  ports: readonly InitiatePort[],
  when = circumstances(),
  id = vmId(),
) => decide(policy, { virtualMachines: [{ id, ports }] }, when);

const oneWindow = (outcome: ReturnType<typeof decide>) =>
  outcome.outcome === "ok" ? outcome.value.windows[0] : outcome;

const inSeconds = (seconds: number): Date => new Date(afterNoon(seconds));
const port = "virtualMachines[0].ports[0]";

describe("a request within its policy", () => {
  it("becomes windows that wait to be opened, with the policy's protocol", () => {
    const outcome = decide(
      aPolicy({ ports: [aPort(), aPort({ number: 53, protocol: "UDP" })] }),
      {
        virtualMachines: [{ id: vmId(), ports: [ask(), ask({ number: 53 })] }],
        justification: "fix",
      },
      circumstances(),
    );

    expect(outcome).toEqual({
      outcome: "ok",
      value: {
        id: requestId,
        policyId: aPolicy().id,
        requestor: alice,
        justification: "fix",
        createdAt: noon.toISOString(),
        windows: [
          {
            id: `${requestId}-0-22`,
            vmId: vmId(),
            port: 22,
            protocol: "TCP",
            sources: ["203.0.113.7"],
            closesAt: afterNoon(3_600),
            durationSeconds: 3_600,
            state: "opening",
          },
          expect.objectContaining({ id: `${requestId}-0-53`, port: 53, protocol: "UDP" }),
        ],
      },
    });
  });

  it("finds its VM whatever the case of the id, and keeps the policy's spelling", () => {
    const outcome = decidePorts(aPolicy(), [ask()], circumstances(), vmId().toUpperCase());

    expect(oneWindow(outcome)).toMatchObject({ vmId: vmId() });
  });

  it("opens to the caller's own address where it names no source, never to any", () => {
    expect(oneWindow(decidePorts(aPolicy(), [ask({ sources: [] })]))).toMatchObject({
      sources: ["203.0.113.7"],
    });
  });

  it.each<[string, readonly string[], readonly string[]]>([
    ["an address in a range", ["203.0.113.0/24"], ["203.0.113.9"]],
    ["a range in a range", ["203.0.113.0/24"], ["203.0.113.128/25"]],
    ["the whole range", ["203.0.113.0/24"], ["203.0.113.0/24"]],
    ["an address in the second range", ["10.0.0.0/8", "203.0.113.0/24"], ["203.0.113.9"]],
    ["one of each range", ["10.0.0.0/8", "203.0.113.0/24"], ["10.1.2.3", "203.0.113.9"]],
    ["IPv6 in a range", ["2001:db8::/32"], ["2001:db8:1::7"]],
    ["anything where anything is allowed", ["*"], ["0.0.0.0/0", "::/0"]],
    ["any where any is allowed", ["*"], ["*"]],
  ])("may ask for %s", (_case, allowedSourceAddressPrefixes, sources) => {
    const policy = aPolicy({ ports: [aPort({ allowedSourceAddressPrefixes })] });

    expect(oneWindow(decidePorts(policy, [ask({ sources })]))).toMatchObject({ sources });
  });

  it.each<[string, Partial<InitiatePort>, number]>([
    ["at the end asked for", { endsAt: inSeconds(60) }, 60],
    ["after the duration asked for", { durationSeconds: 15 }, 15],
    ["at the last moment the policy allows", { endsAt: inSeconds(10_800) }, 10_800],
    ["then too when the client's clock runs a minute ahead", { endsAt: inSeconds(10_860) }, 10_800],
    ["then too when it runs a little ahead", { endsAt: inSeconds(10_800.5) }, 10_800],
  ])("closes %s", (_case, asked, seconds) => {
    expect(oneWindow(decidePorts(aPolicy(), [ask(asked)]))).toMatchObject({
      closesAt: afterNoon(seconds),
    });
  });
});

describe("a request outside its policy", () => {
  it.each<[string, Partial<InitiatePort>, string]>([
    ["a port that is not in it", { number: 23 }, `${port}.number`],
    ["a source outside", { sources: ["198.51.100.7"] }, `${port}.allowedSourceAddressPrefix`],
    [
      "a source that is wider",
      { sources: ["203.0.112.0/23"] },
      `${port}.allowedSourceAddressPrefix`,
    ],
    ["any source", { sources: ["*"] }, `${port}.allowedSourceAddressPrefix`],
    ["an IPv6 source", { sources: ["2001:db8::7"] }, `${port}.allowedSourceAddressPrefix`],
    [
      "an end too late by more than clocks differ",
      { endsAt: inSeconds(10_861) },
      `${port}.endTimeUtc`,
    ],
    ["a duration that is too long", { durationSeconds: 86_400 }, `${port}.duration`],
  ])("is refused for %s", (_case, asked, target) => {
    expect(targets(decidePorts(aPolicy(), [ask(asked)]))).toEqual([
      `RequestNotSubsetOfPolicy ${target}`,
    ]);
  });

  it.each<[string, Partial<InitiatePort>, string]>([
    ["an end in the past", { endsAt: inSeconds(-1) }, `${port}.endTimeUtc`],
    ["an end at this very moment", { endsAt: noon }, `${port}.endTimeUtc`],
    ["no duration", { durationSeconds: 0 }, `${port}.duration`],
  ])("is refused for %s", (_case, asked, target) => {
    expect(targets(decidePorts(aPolicy(), [ask(asked)]))).toEqual([
      `InvalidInitiateInput ${target}`,
    ]);
  });

  it("is refused for a VM that the policy does not protect", () => {
    const outcome = decidePorts(aPolicy(), [ask()], circumstances(), vmId("db"));

    expect(targets(outcome)).toEqual(["RequestNotSubsetOfPolicy virtualMachines[0].id"]);
  });

  it("is refused for a port of another VM of the policy", () => {
    const policy = aPolicy({
      virtualMachines: [
        aVirtualMachine(),
        aVirtualMachine({ id: vmId("db"), ports: [aPort({ number: 3389 })] }),
      ],
    });

    expect(targets(decidePorts(policy, [ask({ number: 3389 })]))).toEqual([
      `RequestNotSubsetOfPolicy ${port}.number`,
    ]);
  });

  it("is refused when the caller's own address is outside", () => {
    const outcome = decidePorts(
      aPolicy(),
      [ask({ sources: [] })],
      circumstances({ callerAddress: "198.51.100.7" }),
    );

    expect(targets(outcome)).toEqual([
      `RequestNotSubsetOfPolicy ${port}.allowedSourceAddressPrefix`,
    ]);
  });

  it("is refused when it names no source and the caller's address cannot be told", () => {
    const outcome = decidePorts(
      aPolicy({ ports: [aPort({ allowedSourceAddressPrefix: "*" })] }),
      [ask({ sources: [] })],
      circumstances({ callerAddress: undefined }),
    );

    expect(targets(outcome)).toEqual([`InvalidInitiateInput ${port}.allowedSourceAddressPrefix`]);
  });

  it("is refused as a whole, with every reason at once", () => {
    const outcome = decide(
      aPolicy(),
      {
        virtualMachines: [
          { id: vmId("db"), ports: [ask()] },
          {
            id: vmId(),
            ports: [
              ask({ sources: ["203.0.113.9", "10.0.0.1", "::1"], durationSeconds: 86_400 }),
              ask({ number: 23 }),
            ],
          },
        ],
      },
      circumstances(),
    );

    expect(targets(outcome)).toEqual([
      "RequestNotSubsetOfPolicy virtualMachines[0].id",
      "RequestNotSubsetOfPolicy virtualMachines[1].ports[0].allowedSourceAddressPrefix",
      "RequestNotSubsetOfPolicy virtualMachines[1].ports[0].duration",
      "RequestNotSubsetOfPolicy virtualMachines[1].ports[1].number",
    ]);
  });

  it("names five of its sources that are outside, and how many more, at once", () => {
    const list = (start: string) => Array.from({ length: 200 }, (_, index) => `${start}.${index}`);
    const policy = aPolicy({
      ports: [aPort({ allowedSourceAddressPrefixes: list("203.0.113") })],
    });
    const timed = () => {
      const startedAt = process.cpuUsage();
      const outcome = decidePorts(policy, [ask({ sources: list("198.51.100") })]);
      return { outcome, took: process.cpuUsage(startedAt).user / 1_000 };
    };

    const runs = Array.from({ length: 5 }, timed);

    // The processor's time in milliseconds, of the quickest: the clock on the wall tells what else the machine does.
    expect(Math.min(...runs.map(({ took }) => took))).toBeLessThan(100);
    const [{ outcome } = timed()] = runs;
    expect(outcome).toMatchObject({
      reasons: [
        {
          message: expect.stringContaining(
            "198.51.100.0, 198.51.100.1, 198.51.100.2, 198.51.100.3, 198.51.100.4 and 195 more",
          ),
        },
      ],
    });
  });

  it("has a hundred reasons at most, and then how many more there are", () => {
    const ports = Array.from({ length: 150 }, (_, index) => ask({ number: 1_000 + index }));

    const outcome = decidePorts(aPolicy(), ports);

    expect(targets(outcome)).toHaveLength(101);
    expect(targets(outcome).at(-1)).toBe("RequestNotSubsetOfPolicy");
  });

  it("is refused in the words that scripts for the original service look for", () => {
    expect(decidePorts(aPolicy(), [ask({ number: 23 })])).toMatchObject({
      reasons: [
        {
          message: expect.stringContaining(
            `The given access request is not a subset of policy '${aPolicy().id}'. Please make sure that the access request is within the allowed policy properties.`,
          ),
        },
      ],
    });
  });
});
