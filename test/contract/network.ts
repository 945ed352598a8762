import { beforeEach, describe, expect, it } from "@jest/globals";
import type { GateReading, Machine, Network } from "../../src/ports.ts";
import type { SecurityRule } from "../../src/rules/nsg.ts";

const subscription = "/subscriptions/5b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31";
const demo = `${subscription}/resourceGroups/rg-demo/providers`;
const network = `${subscription}/resourceGroups/rg-network/providers/Microsoft.Network`;
export const gateId = `${demo}/Microsoft.Network/networkSecurityGroups/nsg-linux`;
const unknownGateId = `${demo}/Microsoft.Network/networkSecurityGroups/nsg-unknown`;
const unknownVmId = `${demo}/Microsoft.Compute/virtualMachines/vm-unknown`;

/** Of `vm-both`, and one that does not exist. */
const publicIps = {
  both: `${demo}/Microsoft.Network/publicIPAddresses/pip-vm-both`,
  unknown: `${demo}/Microsoft.Network/publicIPAddresses/pip-unknown`,
} as const;

/** The public address of `vm-both`. */
export const publicAddress = { id: publicIps.both, address: "192.0.2.13" } as const;

/** VMs that the network under test has: behind both kinds of gates; with two interfaces and IPv6; behind none. */
export const machines = {
  both: {
    id: `${demo}/Microsoft.Compute/virtualMachines/vm-both`,
    name: "vm-both",
    location: "westeurope",
    addresses: [
      {
        address: "10.10.3.4",
        family: 4,
        networkInterfaceId: `${demo}/Microsoft.Network/networkInterfaces/nic-vm-both`,
        publicIpId: publicIps.both,
        gates: [
          `${network}/networkSecurityGroups/nsg-both-subnet`,
          `${demo}/Microsoft.Network/networkSecurityGroups/nsg-both-nic`,
        ],
      },
    ],
  },
  dual: {
    id: `${demo}/Microsoft.Compute/virtualMachines/vm-dual`,
    name: "vm-dual",
    location: "westeurope",
    addresses: [
      {
        address: "10.10.4.4",
        family: 4,
        networkInterfaceId: `${demo}/Microsoft.Network/networkInterfaces/nic-vm-dual-front`,
        publicIpId: `${demo}/Microsoft.Network/publicIPAddresses/pip-vm-dual`,
        gates: [`${demo}/Microsoft.Network/networkSecurityGroups/nsg-dual-front`],
      },
      {
        address: "fd00:10:0:4::4",
        family: 6,
        networkInterfaceId: `${demo}/Microsoft.Network/networkInterfaces/nic-vm-dual-front`,
        gates: [`${demo}/Microsoft.Network/networkSecurityGroups/nsg-dual-front`],
      },
      {
        address: "10.10.5.4",
        family: 4,
        networkInterfaceId: `${demo}/Microsoft.Network/networkInterfaces/nic-vm-dual-back`,
        gates: [`${demo}/Microsoft.Network/networkSecurityGroups/nsg-dual-back`],
      },
    ],
  },
  bare: {
    id: `${demo}/Microsoft.Compute/virtualMachines/vm-bare`,
    name: "vm-bare",
    location: "westeurope",
    addresses: [
      {
        address: "10.10.6.4",
        family: 4,
        networkInterfaceId: `${demo}/Microsoft.Network/networkInterfaces/nic-vm-bare`,
        publicIpId: `${demo}/Microsoft.Network/publicIPAddresses/pip-vm-bare`,
        gates: [],
      },
    ],
  },
} as const satisfies Record<string, Machine>;

export const aRule = (rule: Partial<SecurityRule> = {}): SecurityRule => ({
  name: "JitAccess-one",
  priority: 100,
  direction: "Inbound",
  access: "Allow",
  protocol: "Tcp",
  sources: ["203.0.113.7"],
  sourceGroups: [],
  sourcePorts: ["*"],
  destinations: ["10.10.1.4"],
  destinationGroups: [],
  destinationPorts: ["22"],
  description: "a window",
  ...rule,
});

/** Customer rules that `gateId` has at the start of every case; its name and priority are not ours. */
export const customerRule = aRule({
  name: "customer-rule",
  priority: 2_000,
  sources: ["Internet"],
  destinations: ["*"],
  destinationPorts: ["443", "8443-8444"],
  description: "",
});

/** A network with `machines`, `publicAddress` and with the NSG `gateId`, whose only rule is `customerRule`. */
export interface NetworkUnderTest {
  readonly network: Network;
  /** A rule that a customer writes behind our back. */
  addCustomerRule(rule: SecurityRule): void;
  removeGate(): void;
}

const put = (rule: SecurityRule) => ({ kind: "put", rule }) as const;
const remove = (name: string) => ({ kind: "delete", name }) as const;
const three = [
  put(aRule({ name: "JitAccess-a", priority: 101, sources: ["198.51.100.0/24", "203.0.113.7"] })),
  put(aRule({ name: "JitAccess-b", priority: 102, access: "Deny", protocol: "*", sources: ["*"] })),
  put(aRule({ name: "JitAccess-c", priority: 103, protocol: "Udp" })),
];

/** More than a gate with a customer's rule can hold; all let the same traffic through. */
const tooMany = Array.from({ length: 1_000 }, (_, index) =>
  put(aRule({ name: `JitAccess-${index}`, priority: 200 + index })),
);

/** What every network promises. */
export function networkContract(open: () => NetworkUnderTest): void {
  let under: NetworkUnderTest;
  beforeEach(() => {
    under = open();
  });

  async function read(): Promise<GateReading> {
    const reading = await under.network.readGate(gateId);
    if (reading === undefined) {
      throw new Error("The gate is gone.");
    }
    return reading;
  }
  async function ruleNames(): Promise<readonly string[]> {
    return (await read()).gate.rules.map(({ name }) => name).toSorted();
  }

  describe("a network", () => {
    it.each(Object.values(machines))(
      "finds $name with every address, and the gates before each in the order traffic meets them",
      async (machine) => {
        expect(await under.network.findMachine(machine.id)).toEqual(machine);
        expect((await under.network.findMachine(machine.id.toUpperCase()))?.addresses).toEqual(
          machine.addresses,
        );
      },
    );

    it("finds no machine where there is none", async () => {
      expect(await under.network.findMachine(unknownVmId)).toBeUndefined();
    });

    it("tells the address behind a public IP address, whatever the case of its id, and none where there is none", async () => {
      const { network } = under;

      expect(await network.publicAddress(publicAddress.id)).toBe(publicAddress.address);
      expect(await network.publicAddress(publicAddress.id.toUpperCase())).toBe(
        publicAddress.address,
      );
      expect(await network.publicAddress(publicIps.unknown)).toBeUndefined();
    });

    it("reads a gate, whatever the case of its id, and none where there is none", async () => {
      const reading = await under.network.readGate(gateId.toLowerCase());

      expect(reading?.gate.rules).toEqual([customerRule]);
      expect(await under.network.readGate(unknownGateId)).toBeUndefined();
    });

    it("writes a rule so that it reads back exactly as it was asked for", async () => {
      const rule = aRule();

      const outcome = await under.network.write(await read(), [put(rule)]);

      expect(outcome).toEqual({ outcome: "written" });
      expect((await read()).gate.rules).toContainEqual(rule);
      expect((await read()).gate.rules).toContainEqual(customerRule);
    });

    it("writes several rules at once, and takes them away again", async () => {
      expect(await under.network.write(await read(), three)).toEqual({ outcome: "written" });
      for (const { rule } of three) {
        expect((await read()).gate.rules).toContainEqual(rule);
      }

      const away = three.map(({ rule }) => remove(rule.name));
      expect(await under.network.write(await read(), away)).toEqual({ outcome: "written" });
      expect((await read()).gate.rules).toEqual([customerRule]);
    });

    it("replaces a rule of the same name", async () => {
      await under.network.write(await read(), [put(aRule())]);
      const later = aRule({ sources: ["203.0.113.8"], description: "another window" });

      await under.network.write(await read(), [put(later)]);

      expect((await read()).gate.rules).toContainEqual(later);
      expect(await ruleNames()).toEqual(["JitAccess-one", "customer-rule"]);
    });

    it("deletes a rule that is gone already without complaint", async () => {
      const outcome = await under.network.write(await read(), [remove("JitAccess-gone")]);

      expect(outcome).toEqual({ outcome: "written" });
    });

    it("gives a freed priority to the next rule of the same plan", async () => {
      await under.network.write(await read(), [put(aRule())]);

      const outcome = await under.network.write(await read(), [
        remove("JitAccess-one"),
        put(aRule({ name: "JitAccess-two" })),
      ]);

      expect(outcome).toEqual({ outcome: "written" });
      expect(await ruleNames()).toEqual(["JitAccess-two", "customer-rule"]);
    });

    it("keeps a customer's rule that came after the reading: one or two changes pass it by", async () => {
      const reading = await read();
      under.addCustomerRule(aRule({ name: "customer-new", priority: 2_001 }));

      const outcome = await under.network.write(reading, [put(aRule())]);

      expect(outcome).toEqual({ outcome: "written" });
      expect(await ruleNames()).toEqual(["JitAccess-one", "customer-new", "customer-rule"]);
    });

    it("keeps a customer's rule that came after the reading: many changes wait for another reading", async () => {
      const reading = await read();
      under.addCustomerRule(aRule({ name: "customer-new", priority: 2_001 }));

      const outcome = await under.network.write(reading, three);

      expect(outcome).toMatchObject({ outcome: "changed", retryAfterMs: expect.any(Number) });
      expect(await ruleNames()).toEqual(["customer-new", "customer-rule"]);
    });

    it("waits for another reading to take one rule's place with another: neither is missing in between", async () => {
      await under.network.write(await read(), [put(aRule())]);
      const reading = await read();
      under.addCustomerRule(aRule({ name: "customer-new", priority: 2_001 }));

      const outcome = await under.network.write(reading, [
        remove("JitAccess-one"),
        put(aRule({ name: "JitAccess-two" })),
      ]);

      expect(outcome).toMatchObject({ outcome: "changed" });
      expect(await ruleNames()).toEqual(["JitAccess-one", "customer-new", "customer-rule"]);
    });

    it("closes what is to be closed even where Azure refuses all that is to be opened", async () => {
      const going = aRule({ name: "JitAccess-going", sources: ["198.51.100.7"] });
      const replaced = aRule({ name: "JitAccess-replaced", priority: 101 });
      await under.network.write(await read(), [put(going), put(replaced)]);

      const outcome = await under.network.write(await read(), [
        remove(going.name),
        remove(replaced.name),
        ...tooMany,
      ]);

      expect(outcome).toMatchObject({ outcome: "refused", reason: { code: "GateFull" } });
      expect(await ruleNames()).toEqual(["JitAccess-replaced", "customer-rule"]);
    });

    it("says that the gate changed when somebody took the priority since", async () => {
      const reading = await read();
      under.addCustomerRule(aRule({ name: "customer-new", priority: 100 }));

      const outcome = await under.network.write(reading, [put(aRule())]);

      expect(outcome).toMatchObject({
        outcome: "changed",
        detail: expect.stringContaining("SecurityRuleConflict"),
      });
    });

    it("stops at the first change that fails", async () => {
      const taken = put(aRule({ priority: customerRule.priority }));
      const after = put(aRule({ name: "JitAccess-two", priority: 101 }));

      const outcome = await under.network.write(await read(), [taken, after]);

      expect(outcome).toMatchObject({ outcome: "changed" });
      expect(await ruleNames()).toEqual(["customer-rule"]);
    });

    it("loses nobody's rule when two write at once: whoever was overtaken reads again", async () => {
      const reading = await read();
      const rules = [aRule(), aRule({ name: "JitAccess-two", priority: 101 })];

      const outcomes = await Promise.all(
        rules.map((rule) => under.network.write(reading, [put(rule)])),
      );

      expect(outcomes.map(({ outcome }) => outcome)).toContain("written");
      expect(await ruleNames()).toContain("customer-rule");
    });

    it("refuses, naming the gate, when it is gone", async () => {
      const reading = await read();
      under.removeGate();

      const single = await under.network.write(reading, [put(aRule())]);

      expect(single).toMatchObject({
        outcome: "refused",
        reason: { code: "GateNotFound", target: gateId },
      });
    });

    it("refuses a rule more than a gate can hold", async () => {
      expect(await under.network.write(await read(), tooMany)).toMatchObject({
        outcome: "refused",
        reason: { code: "GateFull" },
      });
    });
  });
}
