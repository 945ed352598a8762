import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createNetwork } from "../../src/azure/network.ts";
import { ruleToJson } from "../../src/azure/nsg-json.ts";
import { idKey, resourceName } from "../../src/policy/resource-id.ts";
import { armResourcesOf } from "../support/arm-machine.ts";
import { anOwner } from "../support/builders.ts";
import { createFakeNetwork } from "../support/fake-network.ts";
import { startTestCloud, type TestCloud } from "../support/test-cloud.ts";
import { subscription, surveyContract } from "./survey.ts";

describe("in memory", () => {
  surveyContract(() => {
    const network = createFakeNetwork();
    return {
      network,
      place: network.addMachine,
      removeMachine: network.removeMachine,
      placeGate: network.addGate,
    };
  });
});

describe("in the pretend cloud, whose pages are short", () => {
  let cloud: TestCloud;
  beforeAll(async () => {
    cloud = await startTestCloud({ behaviour: { pageSize: 2 } });
  }, 30_000);
  afterAll(() => cloud?.stop());
  const connect = () => createNetwork({ ...cloud.armOptions, pollMs: 10, owner: anOwner });
  const empty = () => {
    for (const { resource } of cloud.resources.snapshot()) {
      cloud.resources.remove(resource.id);
    }
  };

  surveyContract(() => {
    empty();
    return {
      network: connect(),
      place(machine, side) {
        for (const resource of armResourcesOf(machine, side)) {
          cloud.resources.put(resource);
        }
      },
      removeMachine: (vmId) => cloud.resources.remove(vmId),
      placeGate(gateId, rules) {
        cloud.resources.put({
          id: gateId,
          name: resourceName(gateId),
          type: "Microsoft.Network/networkSecurityGroups",
          location: "westeurope",
          tags: { owner: "net" },
          properties: { unknownProperty: { kept: true }, securityRules: rules.map(ruleToJson) },
        });
      },
    };
  });

  it("every VM and gate of the sample estate is surveyed as it is read alone", async () => {
    empty();
    for (const resource of cloud.estate.resources) {
      cloud.resources.put(resource);
    }
    const network = connect();
    const ids = (type: string) =>
      cloud.estate.resources.filter((one) => one.type === type).map(({ id }) => id);
    const vmIds = ids("Microsoft.Compute/virtualMachines");
    const classic = ids("Microsoft.Network/azureFirewalls").filter((id) => !id.endsWith("/fw-hub"));
    const gateIds = [...ids("Microsoft.Network/networkSecurityGroups"), ...classic];

    const found = await network.survey(subscription);

    expect([found?.machines.size, found?.gates.size]).toEqual([vmIds.length, gateIds.length]);
    for (const id of vmIds) {
      expect(found?.machines.get(idKey(id))).toEqual(await network.findMachine(id));
    }
    for (const id of gateIds) {
      expect(found?.gates.get(idKey(id))).toEqual(await network.readGate(id));
    }
  });
});
