import { describe, expect, it } from "@jest/globals";
import type { ArmAnswer, SendToArm } from "../../src/azure/arm-http.ts";
import { createArmList } from "../../src/azure/arm-list.ts";
import { readPolicyGate } from "../../src/azure/policy-reading.ts";
import { createReads } from "../../src/azure/resource-reads.ts";
import { planOverdue } from "../../src/rules/overdue.ts";
import {
  allowRuleName,
  denyRuleName,
  ownCollections,
  ownGroupName,
} from "../../src/rules/owned.ts";
import { planOf } from "../../src/workflow/settlement.ts";
import { aDesiredDeny, anOwner, aWindow } from "../support/builders.ts";

const idOf = (type: string, name: string) =>
  `/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/${type}/${name}`;
const policyId = (name: string) => idOf("firewallPolicies", name);
const gateId = `${policyId("p0")}/ruleCollectionGroups/${ownGroupName(anOwner)}`;

const policy = (name: string, properties: object) => ({ id: policyId(name), name, properties });
const group = (id: string, ruleType: string, properties: object = {}) => ({
  id,
  name: id.slice(id.lastIndexOf("/") + 1),
  etag: "guid",
  properties: {
    priority: 300,
    ruleCollections: [
      {
        name: "c",
        priority: 100,
        action: { type: ruleType === "NatRule" ? "DNAT" : "Allow" },
        rules: [{ ruleType, name: ruleType }],
      },
    ],
    ...properties,
  },
});
const groupsOf = (name: string) => `${policyId(name)}/ruleCollectionGroups`;
const theirs = (name: string, ruleType = "NetworkRule") =>
  group(`${groupsOf(name)}/theirs`, ruleType);

async function read(estate: Readonly<Record<string, object | 403>>) {
  const send: SendToArm = async ({ url }) => {
    const id = new URL(url, "https://arm").pathname;
    const held = estate[id] ?? (id.endsWith("/ruleCollectionGroups") ? { value: [] } : undefined);
    const status = held === 403 ? 403 : held === undefined ? 404 : 200;
    return { status, text: JSON.stringify(held), header: () => undefined } satisfies ArmAnswer;
  };
  return await readPolicyGate(gateId, {
    list: createArmList(send, "https://arm"),
    read: createReads(send),
  });
}

/** A policy with so many parents above it, each with a group of network rules and one of DNAT rules. */
function chain(length: number): Record<string, object> {
  const names = Array.from({ length: length + 1 }, (_, index) => `p${index}`);
  return Object.fromEntries(
    names.flatMap((name, index) => [
      [
        policyId(name),
        policy(name, index < length ? { basePolicy: { id: policyId(`p${index + 1}`) } } : {}),
      ],
      [groupsOf(name), { value: [theirs(name), theirs(name, "NatRule")] }],
    ]),
  );
}

describe("a firewall policy as a gate", () => {
  it("has the network rules of its parents before its own, the uppermost first, and no DNAT rule of theirs", async () => {
    const reading = await read(chain(2));

    const orders = reading?.gate.rules.map((rule) => ("order" in rule ? rule.order : []));
    expect(orders?.toSorted()).toEqual([
      [-1, 300, 100],
      [0, 300, 100],
      [1, 300, 100],
      [1, 300, 100],
    ]);
  });

  it.each([
    ["may not be read", { ...chain(1), [policyId("p1")]: 403 as const }],
    ["hides its groups", { ...chain(1), [groupsOf("p1")]: 403 as const }],
    ["has too many above it", chain(9)],
    [
      "is above itself",
      { ...chain(0), [policyId("p0")]: policy("p0", { basePolicy: { id: policyId("p0") } }) },
    ],
  ])("may have anything let through before it where a parent %s", async (_case, estate) => {
    const reading = await read(estate);

    const unknown = reading?.gate.rules.filter(
      (rule) => "isPartlyUnknown" in rule && rule.isPartlyUnknown,
    );
    expect(unknown).toMatchObject([{ access: "Allow", sources: ["*"], destinations: ["*"] }]);
  });

  it.each([
    [
      "our group",
      {
        [groupsOf("p0")]: {
          value: [group(gateId, "NetworkRule", { provisioningState: "Updating" })],
        },
      },
    ],
    ["the policy", { [policyId("p0")]: policy("p0", { provisioningState: "Updating" }) }],
    [
      "a firewall of it",
      {
        [policyId("p0")]: policy("p0", { firewalls: [{ id: idOf("azureFirewalls", "fw") }] }),
        [idOf("azureFirewalls", "fw")]: {
          id: idOf("azureFirewalls", "fw"),
          properties: { provisioningState: "Updating" },
        },
      },
    ],
  ])("is being updated while %s is", async (_case, more) => {
    expect(await read({ ...chain(0), ...more })).toMatchObject({ isUpdating: true });
  });

  it("is one before there is a group of ours, and is no gate when the policy is gone", async () => {
    expect(await read(chain(0))).toMatchObject({
      gate: { id: gateId, groupPriorities: [300, 300] },
      etag: "",
      raw: undefined,
    });
    expect(await read({})).toBeUndefined();
  });

  it.each([
    ["a parent of it", "p1", ownGroupName(anOwner)],
    ["another group of it", "p0", "copied"],
  ])(
    "has nothing of ours but what stands in our own group of it: not what %s has",
    async (_case, name, groupName) => {
      const { allow } = ownCollections(anOwner);
      const id = `${groupsOf(name)}/${groupName}`;
      const ours = allowRuleName(anOwner, aWindow().id, 4);
      const rules = [{ ruleType: "NetworkRule", name: ours }];
      const ruleCollections = [{ name: allow, priority: 1, action: { type: "Allow" }, rules }];
      const reading = await read({
        ...chain(1),
        [groupsOf(name)]: { value: [group(id, "NetworkRule", { ruleCollections })] },
      });

      const intent = { denies: [], windows: [] };
      const plan = reading && planOf(reading.gate, intent, new Date(0), anOwner);
      expect(reading?.gate.rules.map((rule) => rule.name)).toContain(ours);
      expect(plan?.changes).toEqual([]);
    },
  );

  it("gives up a rule of ours whatever a customer's rules beside it say", async () => {
    const name = allowRuleName(anOwner, aWindow().id, 4);
    const { allow } = ownCollections(anOwner);
    const rules = [{ ruleType: "NetworkRule", name }, { ruleType: "NewRule" }];
    const ruleCollections = [{ name: allow, priority: 200, action: { type: "Allow" }, rules }];
    const reading = await read({
      ...chain(0),
      [groupsOf("p0")]: {
        value: [theirs("p0", "NewRule"), group(gateId, "", { ruleCollections })],
      },
    });

    const intent = { denies: [], windows: [] };
    const plan = reading && planOf(reading.gate, intent, new Date(0), anOwner);
    expect(plan?.changes).toEqual([{ kind: "delete", name }]);
  });

  it.each(["Deny", "Allow", "Drop", undefined])(
    "has deny rules of ours as they should be in the end, whatever its action is: %s",
    async (type) => {
      const { deny } = ownCollections(anOwner);
      const denies = [aDesiredDeny()];
      const name = denyRuleName(anOwner, aDesiredDeny(), 4);
      const rules = [{ ruleType: "NetworkRule", name }];
      const ruleCollections = [{ name: deny, priority: 300, action: { type }, rules }];
      const reading = await read({
        ...chain(0),
        [groupsOf("p0")]: { value: [group(gateId, "", { ruleCollections })] },
      });

      const changes =
        reading && planOf(reading.gate, { denies, windows: [] }, new Date(0), anOwner).changes;
      expect(changes).toMatchObject([{ kind: "put", rule: { name, access: "Deny" } }]);
    },
  );

  it("keeps a deny rule of ours whose action nobody knows while storage knows nothing of it", async () => {
    const { deny } = ownCollections(anOwner);
    const rules = [{ ruleType: "NetworkRule", name: denyRuleName(anOwner, aDesiredDeny(), 4) }];
    const ruleCollections = [{ name: deny, priority: 300, action: { type: "Drop" }, rules }];
    const reading = await read({
      ...chain(0),
      [groupsOf("p0")]: { value: [group(gateId, "", { ruleCollections })] },
    });

    expect(reading && planOverdue(reading.gate, new Date(0), anOwner).changes).toEqual([]);
  });

  it("cannot be read while its own groups may not be: nothing is planned on a guess", async () => {
    await expect(read({ ...chain(0), [groupsOf("p0")]: 403 })).rejects.toMatchObject({
      status: 403,
    });
  });
});
