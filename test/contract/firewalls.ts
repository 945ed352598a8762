import { beforeEach, describe, expect, it } from "@jest/globals";
import { idKey } from "../../src/policy/resource-id.ts";
import type { GateReading, Network, Progress } from "../../src/ports.ts";
import type { Firewall, FirewallRule } from "../../src/rules/firewall.ts";
import type { RuleChange } from "../../src/rules/nsg-plan.ts";
import {
  allowRuleName,
  denyRuleName,
  dnatRuleName,
  ownCollections,
} from "../../src/rules/owned.ts";
import { anOwner, requestId } from "../support/builders.ts";
import { customer, firewalls, machinesBehind, subscription } from "./firewall-estate.ts";

/** A network with `firewalls`, `machinesBehind`, and nothing of ours. */
export interface FirewallsUnderTest {
  readonly network: Network;
  /** The next update that is started ends only when somebody asks what became of it. */
  holdNext(): void;
  /** What became of an update that was started. */
  ended(gateId: string, operation: string): Promise<Progress>;
  /** The next update that is started fails; what it asked for can be read all the same. */
  failNext(): void;
  /** A customer adds a rule to their last collection of network rules, and it is in effect at once. */
  edit(gateId: string, rule: FirewallRule): void;
  remove(gateId: string): void;
}

const collections = ownCollections(anOwner);
const windowId = (index: number) => `${requestId}-0-${index}`;

/** A window with its three rules. */
function windowOn({ kind, publicAddresses }: Firewall): readonly FirewallRule[] {
  const order = (priority: number) => (kind === "classic" ? [priority] : [1, 150, priority]);
  const address = kind === "classic" ? "10.20.1.4" : "10.31.1.4";
  const common = {
    access: "Allow",
    protocols: ["TCP"],
    sources: ["203.0.113.7", "203.0.113.16/28"],
    description: "a window",
  } as const;
  return [
    {
      ...common,
      name: dnatRuleName(anOwner, windowId(0)),
      kind: "dnat",
      collection: collections.dnat,
      order: order(100),
      destinations: publicAddresses.slice(0, 1),
      destinationPorts: ["20022"],
      translatedAddress: address,
      translatedPort: "22",
    },
    {
      ...common,
      name: allowRuleName(anOwner, windowId(0), 4),
      kind: "network",
      collection: collections.allow,
      order: order(101),
      destinations: [address],
      destinationPorts: ["22"],
    },
    {
      ...common,
      name: denyRuleName(anOwner, { vmKey: "0123456789abcdef" }, 4),
      kind: "network",
      access: "Deny",
      collection: collections.deny,
      order: order(102),
      protocols: ["Any"],
      sources: ["*"],
      destinations: [address],
      destinationPorts: ["22", "3389"],
      description: "closed",
    },
  ];
}

const puts = (rules: readonly FirewallRule[]): readonly RuleChange<FirewallRule>[] =>
  rules.map((rule) => ({ kind: "put", rule }));
const removals = (rules: readonly FirewallRule[]): readonly RuleChange<FirewallRule>[] =>
  rules.map(({ name }) => ({ kind: "delete", name }));
const sorted = (rules: GateReading["gate"]["rules"]) =>
  [...rules].toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** What every network with firewalls promises. */
export function firewallContract(open: () => FirewallsUnderTest): void {
  let under: FirewallsUnderTest;
  beforeEach(() => {
    under = open();
  });

  describe("a VM behind a firewall", () => {
    it.each(machinesBehind)("$name is found with it before the other gates", async (machine) => {
      expect(await under.network.findMachine(machine.id)).toEqual(machine);
    });
  });

  describe.each(Object.values(firewalls))("a firewall of kind $kind", (firewall: Firewall) => {
    const { id } = firewall;
    const rules = windowOn(firewall);

    async function read(): Promise<GateReading> {
      const reading = await under.network.readGate(id);
      if (reading === undefined) {
        throw new Error("The firewall is gone.");
      }
      return reading;
    }
    const present = async () => sorted((await read()).gate.rules);
    /** Starts an update and answers what to ask about it. */
    async function start(changes: readonly RuleChange<FirewallRule>[]): Promise<string> {
      const outcome = await under.network.write(await read(), changes);
      if (outcome.outcome !== "started") {
        throw new Error(`Not started but ${JSON.stringify(outcome)}.`);
      }
      return outcome.operation;
    }
    const carryOut = async (changes: readonly RuleChange<FirewallRule>[]) =>
      await under.ended(id, await start(changes));

    it("is read with all rules of customers, whatever the case of its id", async () => {
      const reading = await under.network.readGate(id.toLowerCase());

      expect({ ...reading?.gate, id, rules: sorted(reading?.gate.rules ?? []) }).toEqual({
        ...firewall,
        rules: sorted(firewall.rules),
      });
      expect([reading?.isUpdating, reading?.isFailed ?? false]).toEqual([false, false]);
    });

    it("is not there where there is none", async () => {
      const unknown = id.replace(/fw-edge|fwp-hub/, "nothing");

      expect(await under.network.readGate(unknown)).toBeUndefined();
    });

    it("takes a window's rules in one update, which reads back as asked for, and gives them back", async () => {
      expect(await carryOut(puts(rules))).toEqual({ outcome: "written" });
      expect(await present()).toEqual(sorted([...firewall.rules, ...rules]));

      expect(await carryOut(removals(rules))).toEqual({ outcome: "written" });
      expect(await present()).toEqual(sorted(firewall.rules));
    });

    it("is surveyed as it is read alone, once rules of ours are in it", async () => {
      await carryOut(puts(rules));

      const survey = await under.network.survey(subscription);

      expect(survey?.gates.get(idKey(id))).toEqual(await read());
      for (const machine of machinesBehind) {
        expect(survey?.machines.get(idKey(machine.id))).toEqual(machine);
      }
    });

    it("shows at once what is asked for, and that it is not in effect yet", async () => {
      under.holdNext();
      const operation = await start(puts(rules));

      expect(await under.network.progress(id, operation)).toMatchObject({
        outcome: "running",
        retryAfterMs: expect.any(Number),
      });
      expect((await read()).isUpdating).toBe(true);
      expect(await present()).toEqual(sorted([...firewall.rules, ...rules]));
      await under.ended(id, operation);
      expect((await read()).isUpdating).toBe(false);
    });

    it("takes one update at a time: whoever comes second reads again", async () => {
      under.holdNext();
      const operation = await start(puts(rules));

      const second = await under.network.write(await read(), removals(rules));

      expect(second).toMatchObject({ outcome: "changed" });
      expect(await under.ended(id, operation)).toEqual({ outcome: "written" });
      expect(await present()).toEqual(sorted([...firewall.rules, ...rules]));
    });

    it("never loses what a customer wrote since it was read", async () => {
      const reading = await read();
      const last = firewall.rules.at(-1) ?? customer({});
      const edited = { ...last, name: "customer-new", destinationPorts: ["8080"], description: "" };
      under.edit(id, edited);

      const outcome = await under.network.write(reading, puts(rules));

      if (outcome.outcome === "started") {
        await under.ended(id, outcome.operation);
      }
      expect(["started", "changed"]).toContain(outcome.outcome);
      expect(await present()).toContainEqual(edited);
    });

    it("replaces a rule of the same name and leaves the others of its collection", async () => {
      const [dnat, allow] = rules as [FirewallRule, FirewallRule];
      const other = { ...allow, name: allowRuleName(anOwner, windowId(1), 4) };
      await carryOut(puts([dnat, allow, other]));
      const later = { ...allow, sources: ["203.0.113.8"] };

      expect(await carryOut(puts([later]))).toEqual({ outcome: "written" });

      expect(await present()).toEqual(sorted([...firewall.rules, dnat, later, other]));
    });

    it("that failed to take an update says so, until the same is written again", async () => {
      under.failNext();

      expect(await carryOut(puts(rules))).toMatchObject({ outcome: "changed" });
      expect(await read()).toMatchObject({ isUpdating: false, isFailed: true });

      expect(await carryOut([])).toEqual({ outcome: "written" });
      expect((await read()).isFailed ?? false).toBe(false);
      expect(await present()).toEqual(sorted([...firewall.rules, ...rules]));
    });

    it("has to be read again when nobody can tell any more how an update goes", async () => {
      expect(await under.network.progress(id, "nonsense")).toMatchObject({ outcome: "changed" });
    });

    it("refuses more than it has room for", async () => {
      const [dnat] = rules as [FirewallRule];
      const many = Array.from({ length: 250 }, (_, index) => ({
        ...dnat,
        name: dnatRuleName(anOwner, windowId(index)),
        destinationPorts: [`${20_000 + index}`],
      }));

      expect(await under.network.write(await read(), puts(many))).toMatchObject({
        outcome: "refused",
        reason: { code: "GateFull", target: id },
      });
    });

    it("refuses, naming itself, when it is gone", async () => {
      const reading = await read();
      under.remove(id);

      expect(await under.network.write(reading, puts(rules))).toMatchObject({
        outcome: "refused",
        reason: { code: "GateNotFound", target: id },
      });
    });
  });
}
