import { setTimeout as pauseFor } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createNetwork } from "../../src/azure/network.ts";
import { idKey } from "../../src/policy/resource-id.ts";
import type { Network, Progress } from "../../src/ports.ts";
import type { FirewallRule } from "../../src/rules/firewall.ts";
import { anOwner } from "../support/builders.ts";
import { createFakeNetwork } from "../support/fake-network.ts";
import { startTestCloud, type TestCloud } from "../support/test-cloud.ts";
import { firewalls, machinesBehind } from "./firewall-estate.ts";
import { firewallContract } from "./firewalls.ts";

describe("in memory", () => {
  firewallContract(() => {
    const network = createFakeNetwork();
    for (const machine of machinesBehind) {
      network.addMachine(machine);
    }
    for (const firewall of Object.values(firewalls)) {
      network.addFirewall(firewall);
    }
    return {
      network,
      holdNext: () => undefined,
      async ended(gateId, operation) {
        network.finishUpdates();
        return await network.progress(gateId, operation);
      },
      failNext: () =>
        network.failUpdates({ outcome: "changed", detail: "InternalError", retryAfterMs: 1_000 }),
      edit: (gateId, rule) => network.editFirewall(gateId, (rules) => [...rules, rule]),
      remove: network.removeGate,
    };
  });
});

describe("in the pretend cloud", () => {
  let cloud: TestCloud;
  beforeAll(async () => {
    cloud = await startTestCloud({ timing: { firewallUpdateMs: 20 } });
  }, 30_000);
  afterAll(() => cloud?.stop());
  const connect = () => createNetwork({ ...cloud.armOptions, pollMs: 5, owner: anOwner });

  /** The estate as it was at the start. */
  function reset(): void {
    for (const { resource } of cloud.resources.snapshot()) {
      cloud.resources.remove(resource.id);
    }
    for (const resource of cloud.estate.resources) {
      cloud.resources.put(resource);
    }
    cloud.faults.clear();
  }

  firewallContract(() => {
    reset();
    const network = connect();
    return {
      network,
      holdNext: () =>
        void cloud.faults.arm({ match: "PUT Microsoft.Network", kind: "operation-never-ends" }),
      ended(gateId, operation) {
        cloud.faults.clear();
        return ended(network, gateId, operation);
      },
      failNext: () =>
        void cloud.faults.arm({ match: "PUT Microsoft.Network", kind: "operation-fails" }),
      edit: (gateId, rule) => edit(cloud, gateId, rule),
      remove(gateId) {
        cloud.resources.remove(gateId);
        cloud.resources.remove(gateId.replace(/\/ruleCollectionGroups\/.*$/, ""));
      },
    };
  });

  it("a window leaves firewall, policy and groups byte for byte as they were", async () => {
    reset();
    const network = connect();
    const before = wire(cloud);

    for (const { id, kind } of Object.values(firewalls)) {
      const collection = "JitAccess-37a8ee-Deny";
      const order = kind === "classic" ? [100] : [1, 300, 100];
      const rule = { ...firewalls.edge.rules[1], name: "one", access: "Deny", collection, order };
      for (const change of [
        { kind: "put", rule: rule as FirewallRule },
        { kind: "delete", name: rule.name },
      ] as const) {
        const reading = await network.readGate(id);
        const outcome = reading && (await network.write(reading, [change]));
        expect(outcome).toMatchObject({ outcome: "started" });
        const operation = outcome?.outcome === "started" ? outcome.operation : "";
        expect(await ended(network, id, operation)).toEqual({ outcome: "written" });
      }
    }

    expect(wire(cloud)).toBe(before);
  });

  it("a VM without routes of its own costs no further call", async () => {
    reset();
    const network = connect();
    const vmId = (name: string) => machinesBehind[0]?.id.replace("vm-edge", name) ?? "";
    const callsFor = async (name: string) => {
      const seen = cloud.requests.all().length;
      await network.findMachine(vmId(name));
      return cloud.requests.all().length - seen;
    };

    expect(await callsFor("vm-both")).toBe(3);
    expect(await callsFor("vm-edge")).toBe(8);
  });
});

async function ended(network: Network, gateId: string, operation: string): Promise<Progress> {
  for (;;) {
    const progress = await network.progress(gateId, operation);
    if (progress.outcome !== "running") {
      return progress;
    }
    await pauseFor(progress.retryAfterMs);
  }
}

/** All of firewalls that is no state, as the cloud holds it. */
const wire = (cloud: TestCloud): string =>
  JSON.stringify(
    cloud.resources
      .snapshot()
      .map(({ resource }) => resource)
      .filter(({ type }) => /firewall/i.test(type))
      .toSorted((a, b) => (idKey(a.id) < idKey(b.id) ? -1 : 1)),
    (member, value: unknown) =>
      ["provisioningState", "etag"].includes(member) ? undefined : value,
  );

function edit(cloud: TestCloud, gateId: string, rule: FirewallRule): void {
  const json = {
    name: rule.name,
    protocols: rule.protocols,
    sourceAddresses: rule.sources,
    destinationAddresses: rule.destinations,
    destinationPorts: rule.destinationPorts,
  };
  const isClassic = gateId === firewalls.edge.id;
  const target = isClassic ? gateId : gateId.replace(/[^/]+$/, "DefaultNetworkRuleCollectionGroup");
  const held = structuredClone(cloud.resources.get(target)?.resource);
  if (held === undefined) {
    throw new Error(`The sample estate has no ${target}.`);
  }
  const list = isClassic ? "networkRuleCollections" : "ruleCollections";
  const last = (held.properties[list] as CollectionJson[]).at(-1);
  const rules = isClassic ? last?.properties?.rules : last?.rules;
  const { protocols, ...others } = json;
  rules?.push(isClassic ? json : { ruleType: "NetworkRule", ipProtocols: protocols, ...others });
  cloud.resources.put(held);
}

interface CollectionJson {
  readonly rules?: object[];
  readonly properties?: { readonly rules: object[] };
}
