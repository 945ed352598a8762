import { beforeEach, describe, expect, it } from "@jest/globals";
import { idKey } from "../../src/policy/resource-id.ts";
import type { Machine, MachineAddress, Network, Survey } from "../../src/ports.ts";
import type { SecurityRule } from "../../src/rules/nsg.ts";
import type { Side } from "../support/arm-machine.ts";
import { aRule, customerRule } from "./network.ts";

export const subscription = "5b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31";
const unknownSubscription = "00000000-3c1d-4e7f-9a52-7d1c0e4b8f31";
const group = `/subscriptions/${subscription}/resourceGroups/Rg-Survey/providers`;
const gateOf = (name: string) => `${group}/Microsoft.Network/networkSecurityGroups/${name}`;
const gates = {
  shared: gateOf("nsg-Shared"),
  card: gateOf("nsg-card"),
  six: gateOf("nsg-six"),
  idle: gateOf("nsg-idle"),
};

const machine = (
  name: string,
  addresses: readonly (readonly [nic: string, address: string, gates: readonly string[]])[],
): Machine => ({
  id: `${group}/Microsoft.Compute/virtualMachines/${name}`,
  name,
  location: "westeurope",
  addresses: addresses.map(
    ([nic, address, before]): MachineAddress => ({
      address,
      family: address.includes(":") ? 6 : 4,
      networkInterfaceId: `${group}/Microsoft.Network/networkInterfaces/nic-${name}-${nic}`,
      gates: before,
    }),
  ),
});

const machines = {
  first: machine("vm-First", [["a", "10.0.0.4", [gates.shared, gates.card]]]),
  second: machine("vm-second", [["a", "10.0.0.5", [gates.shared]]]),
  dual: machine("vm-dual", [
    ["front", "10.0.1.4", [gates.six]],
    ["front", "fd00::4", [gates.six]],
    ["back", "10.0.2.4", [gates.shared]],
  ]),
  open: machine("vm-open", [["a", "10.0.3.4", []]]),
  bare: machine("vm-bare", []),
};

/** A network with nothing in it but the subscription. */
export interface SurveyedNetwork {
  readonly network: Network;
  /** The VM is there from now on, with these addresses and no others; a lone gate stands at that side. */
  place(machine: Machine, side: Side): void;
  removeMachine(vmId: string): void;
  placeGate(gateId: string, rules: readonly SecurityRule[]): void;
}

/** What every survey promises: what single reads would tell, in fewer. */
export function surveyContract(open: () => SurveyedNetwork): void {
  let under: SurveyedNetwork;
  beforeEach(() => {
    under = open();
    for (const one of Object.values(machines)) {
      under.place(one, one === machines.second ? "subnet" : "interface");
    }
    under.placeGate(gates.shared, [
      customerRule,
      aRule({ name: "customer-six", priority: 2_001, sources: ["2001:db8::/32"] }),
    ]);
    under.placeGate(gates.card, [customerRule]);
    under.placeGate(gates.six, []);
    under.placeGate(gates.idle, [aRule()]);
  });

  async function survey(): Promise<Survey> {
    const found = await under.network.survey(subscription);
    if (found === undefined) {
      throw new Error("The subscription is gone.");
    }
    return found;
  }

  describe("a survey", () => {
    it("is taken of the subscriptions that the service may read", async () => {
      expect(await under.network.subscriptions()).toEqual([subscription]);
      expect((await under.network.survey(subscription.toUpperCase()))?.machines.size).toBe(5);
    });

    it("is none where there is no such subscription", async () => {
      expect(await under.network.survey(unknownSubscription)).toBeUndefined();
    });

    it("has every VM exactly as it is found alone: shared gates, two interfaces, IPv6, no gate, no interface", async () => {
      const found = (await survey()).machines;

      const all = Object.values(machines);
      expect([...found.keys()].toSorted()).toEqual(all.map(({ id }) => idKey(id)).toSorted());
      for (const one of all) {
        expect(found.get(idKey(one.id))).toEqual(one);
        expect(found.get(idKey(one.id))).toEqual(await under.network.findMachine(one.id));
      }
    });

    it("has every gate exactly as it is read alone, also one with nobody behind it", async () => {
      const found = (await survey()).gates;

      const all = Object.values(gates);
      expect([...found.keys()].toSorted()).toEqual(all.map(idKey).toSorted());
      for (const gateId of all) {
        const alone = await under.network.readGate(gateId);
        expect(found.get(idKey(gateId))).toEqual(alone);
        expect(JSON.stringify(found.get(idKey(gateId))?.raw)).toBe(JSON.stringify(alone?.raw));
      }
      expect(found.get(idKey(gates.card))?.gate.rules).toEqual([customerRule]);
    });

    it("has an interface where it is now, not where it was", async () => {
      await survey();
      const moved = machine("vm-second", [["a", "10.0.9.9", [gates.six]]]);
      under.place(moved, "interface");

      expect((await survey()).machines.get(idKey(moved.id))).toEqual(moved);
    });

    it("does not have a VM that is gone", async () => {
      under.removeMachine(machines.first.id);

      const found = (await survey()).machines;

      expect(found.has(idKey(machines.first.id))).toBe(false);
      expect(found.size).toBe(4);
    });

    it("has gates that can be written to as if they had been read alone", async () => {
      const reading = (await survey()).gates.get(idKey(gates.card));
      const rules = ["a", "b", "c"].map((name, index) =>
        aRule({ name: `JitAccess-${name}`, priority: 101 + index }),
      );
      const puts = rules.map((rule) => ({ kind: "put", rule }) as const);
      if (reading === undefined) {
        throw new Error("The gate is gone.");
      }

      expect(await under.network.write(reading, puts)).toEqual({ outcome: "written" });
      expect(await under.network.write(reading, puts)).toMatchObject({ outcome: "changed" });
      const after = (await survey()).gates.get(idKey(gates.card));
      expect(after?.gate.rules).toEqual([customerRule, ...rules]);
    });
  });
}
