import { describe, expect, it } from "@jest/globals";
import type { ArmAnswer, SendToArm } from "../../src/azure/arm-http.ts";
import { readClassicGate } from "../../src/azure/firewall-reading.ts";
import { createReads } from "../../src/azure/resource-reads.ts";

const idOf = (type: string, name: string) =>
  `/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/${type}/${name}`;
const gateId = idOf("azureFirewalls", "fw");
const offices = idOf("ipGroups", "offices");

const firewall = (properties: object = {}) => ({ id: gateId, name: "fw", etag: "e", properties });
/** A firewall with so many rules, each of which names the same IP group. */
const naming = (ipGroup: string, count = 1) =>
  firewall({
    networkRuleCollections: [
      {
        name: "c",
        properties: {
          priority: 100,
          action: { type: "Allow" },
          rules: Array.from({ length: count }, (_, index) => ({
            name: `r${index}`,
            sourceIpGroups: [ipGroup],
          })),
        },
      },
    ],
  });

async function read(estate: Readonly<Record<string, object | number>>) {
  const asked: string[] = [];
  const send: SendToArm = async ({ url }) => {
    const id = new URL(url, "https://arm").pathname;
    asked.push(id);
    const held = estate[id] ?? 404;
    const status = typeof held === "number" ? held : 200;
    return { status, text: JSON.stringify(held), header: () => undefined } satisfies ArmAnswer;
  };
  return { reading: await readClassicGate(gateId, createReads(send)), asked };
}

describe("a classic firewall as a gate", () => {
  it("asks for an IP group once, however many rules name it", async () => {
    const { reading, asked } = await read({
      [gateId]: naming(offices, 3),
      [offices]: { properties: { ipAddresses: ["198.51.100.0/24"] } },
    });

    expect(reading?.gate.rules).toHaveLength(3);
    expect(reading?.gate.rules[2]).toMatchObject({ sources: ["198.51.100.0/24"] });
    const lists = reading?.gate.rules.map(({ sources }) => sources);
    expect(new Set(lists).size).toBe(1);
    expect(asked).toEqual([gateId, offices]);
  });

  it.each([
    ["that may not be read", offices],
    ["that is gone", idOf("ipGroups", "gone")],
    ["whose id is that of something else", idOf("azureFirewalls", "fw")],
  ])("has rules that are partly unknown with an IP group %s", async (_case, ipGroup) => {
    const { reading } = await read({ [gateId]: naming(ipGroup), [offices]: 403 });

    expect(reading?.gate.rules).toMatchObject([{ isPartlyUnknown: true, sources: [] }]);
  });

  it("is none any more when its rules are those of a policy", async () => {
    const { reading } = await read({
      [gateId]: firewall({ firewallPolicy: { id: idOf("firewallPolicies", "p") } }),
    });

    expect(reading).toBeUndefined();
  });

  it.each([
    ["Succeeded", false, undefined],
    ["Updating", true, undefined],
    ["Failed", false, true],
  ])("in state %s is updating: %s, failed: %s", async (provisioningState, isUpdating, isFailed) => {
    const { reading } = await read({ [gateId]: firewall({ provisioningState }) });

    expect([reading?.isUpdating, reading?.isFailed]).toEqual([isUpdating, isFailed]);
  });

  it("tells where collections without a rule stand: their priorities are taken", async () => {
    const empty = (name: string, priority: number, type: string) => ({
      name,
      properties: { priority, action: { type }, rules: [] },
    });
    const { reading } = await read({
      [gateId]: firewall({
        natRuleCollections: [empty("nat", 100, "Dnat")],
        networkRuleCollections: [empty("net", 101, "Allow")],
      }),
    });

    expect(reading?.gate).toMatchObject({
      rules: [],
      emptyCollections: [
        { kind: "dnat", collection: "nat", order: [100] },
        { kind: "network", collection: "net", order: [101] },
      ],
    });
  });

  it("is a fault, not gone, when it may not be read", async () => {
    await expect(read({ [gateId]: 403 })).rejects.toMatchObject({ name: "ArmError", status: 403 });
  });
});
