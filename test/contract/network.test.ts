import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createNetwork } from "../../src/azure/network.ts";
import { applyChanges, ruleToJson } from "../../src/azure/nsg-json.ts";
import type { GateReading, Network, WriteOutcome } from "../../src/ports.ts";
import type { RuleChange } from "../../src/rules/nsg-plan.ts";
import { anOwner } from "../support/builders.ts";
import { createFakeNetwork } from "../support/fake-network.ts";
import { startTestCloud, type TestCloud } from "../support/test-cloud.ts";
import {
  aRule,
  customerRule,
  gateId,
  machines,
  networkContract,
  publicAddress,
} from "./network.ts";

describe("in memory", () => {
  networkContract(() => {
    const network = createFakeNetwork();
    for (const machine of Object.values(machines)) {
      network.addMachine(machine);
    }
    network.addGate(gateId, [customerRule]);
    network.addPublicAddress(publicAddress.id, publicAddress.address);
    return {
      network,
      addCustomerRule: (rule) => network.edit(gateId, (rules) => [...rules, rule]),
      removeGate: () => network.removeGate(gateId),
    };
  });
});

describe("in the pretend cloud", () => {
  let cloud: TestCloud;
  beforeAll(async () => {
    cloud = await startTestCloud();
  }, 30_000);
  afterAll(() => cloud?.stop());

  const original = () => {
    const held = cloud.estate.resources.find(({ id }) => id === gateId);
    if (held === undefined) {
      throw new Error(`The sample estate has no ${gateId}.`);
    }
    return held;
  };
  /** The NSG of the estate with just these rules, as an administrator would leave it. */
  function resetGate(rules: readonly object[]) {
    const nsg = original();
    cloud.resources.put({ ...nsg, properties: { ...nsg.properties, securityRules: rules } });
  }
  const connect = () => createNetwork({ ...cloud.armOptions, pollMs: 10, owner: anOwner });

  networkContract(() => {
    resetGate([ruleToJson(customerRule)]);
    return {
      network: connect(),
      addCustomerRule(rule) {
        const rules = cloud.resources.get(gateId)?.resource.properties["securityRules"];
        resetGate([...(rules as object[]), ruleToJson(rule)]);
      },
      removeGate: () => cloud.resources.remove(gateId),
    };
  });

  it("customer rules and unknown properties come through our writes byte for byte", async () => {
    const nsg = original();
    cloud.resources.put({ ...nsg, tags: { owner: "net" } });
    const network = connect();
    const before = await wire(network);

    const put = names.map((name, index) => ({
      kind: "put" as const,
      rule: aRule({ name, priority: 100 + index }),
    }));
    expect(await writeNow(network, put)).toEqual({ outcome: "written" });
    const sent = cloud.requests.all().findLast(({ method }) => method === "PUT")?.body;
    expect(await wire(network)).not.toEqual(before);
    const away = names.map((name) => ({ kind: "delete" as const, name }));
    expect(await writeNow(network, away)).toEqual({ outcome: "written" });

    expect(JSON.stringify(withoutEtags(applyChanges(sent, away)))).toBe(JSON.stringify(before));
    expect(await wire(network)).toEqual(before);
  });

  it("a VM whose network interface vanishes while it is read has no address there", async () => {
    const { id, addresses } = machines.dual;
    const gone = addresses[0].networkInterfaceId;
    const held = cloud.resources.get(gone);
    cloud.resources.remove(gone);

    const found = await connect().findMachine(id);

    expect(found?.addresses).toEqual(
      addresses.filter(({ networkInterfaceId }) => networkInterfaceId !== gone),
    );
    if (held !== undefined) {
      cloud.resources.put(held.resource);
    }
  });

  it("a write never sends the next before the first is in effect", async () => {
    resetGate([]);
    const network = connect();
    const rules = [aRule(), aRule({ name: "JitAccess-two", priority: 101 })];
    const seen = cloud.requests.all().length;

    // Without an etag it goes rule by rule.
    const reading = await network.readGate(gateId);
    await network.write(
      { ...(reading as GateReading), etag: "" },
      rules.map((rule) => ({ kind: "put", rule })),
    );

    const methods = cloud.requests.all().slice(seen);
    const story = methods.map(({ method }) => method).join(" ");
    expect(story).toMatch(/^GET PUT (GET )+PUT (GET ?)+$/);
  });

  it("a rule that takes another's place is one write of the whole group", async () => {
    resetGate([ruleToJson(aRule())]);
    const seen = cloud.requests.all().length;

    await writeNow(connect(), [
      { kind: "delete", name: aRule().name },
      { kind: "put", rule: aRule({ name: "JitAccess-two" }) },
    ]);

    const writes = cloud.requests.all().slice(seen);
    expect(writes.filter(({ method }) => method !== "GET").map(({ method }) => method)).toEqual([
      "PUT",
    ]);
  });
});

describe.each(["supersede", "retry later", "conflict"] as const)(
  "in a pretend cloud that meets a second write with '%s'",
  (parallelWrites) => {
    it("one of two writers at once has to read again, and then both rules are there", async () => {
      const cloud = await startTestCloud({
        timing: { nsgWriteMs: 100 },
        behaviour: { parallelWrites },
      });
      const network = createNetwork({ ...cloud.armOptions, pollMs: 10, owner: anOwner });
      const rules = [aRule(), aRule({ name: "JitAccess-two", priority: 101 })];
      const writes = rules.map((rule) => [{ kind: "put", rule }] as const);

      const outcomes = await Promise.all(writes.map((changes) => writeNow(network, changes)));
      for (const [index, changes] of writes.entries()) {
        if (outcomes[index]?.outcome !== "written") {
          expect(await writeNow(network, changes)).toEqual({ outcome: "written" });
        }
      }

      expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual(["changed", "written"]);
      const held = (await network.readGate(gateId))?.gate.rules ?? [];
      expect(held).toEqual(expect.arrayContaining(rules));
      await cloud.stop();
    });
  },
);

const names = ["a", "b", "c"].map((name) => `JitAccess-${name}`);

async function writeNow(network: Network, changes: readonly RuleChange[]): Promise<WriteOutcome> {
  const reading = await network.readGate(gateId);
  if (reading === undefined) {
    throw new Error("The gate is gone.");
  }
  return await network.write(reading, changes);
}

/** The NSG as Azure sends it. */
async function wire(network: Network): Promise<unknown> {
  return withoutEtags((await network.readGate(gateId))?.raw);
}

/** All that Azure changes by itself with every write. */
function withoutEtags(body: unknown): unknown {
  return JSON.parse(
    JSON.stringify(body, (member, value: unknown) => (member === "etag" ? undefined : value)),
  );
}
