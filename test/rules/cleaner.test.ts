import { describe, expect, it } from "@jest/globals";
import type { Machine } from "../../src/ports.ts";
import { defenderLeftovers, namedVms } from "../../src/rules/cleaner.ts";
import type { Leftover } from "../../src/rules/intent.ts";
import type { NetworkSecurityGroup, SecurityRule } from "../../src/rules/nsg.ts";
import { planGate } from "../../src/rules/nsg-plan.ts";
import { aDesiredDeny, aGroup, anOwner, aRule, noon, vmId } from "../support/builders.ts";
import { applyChanges } from "./support/apply-changes.ts";
import { aDefenderAllow, aDefenderDeny, old } from "./support/defender-rules.ts";

const aMachine = (...addresses: readonly string[]): Machine => ({
  id: vmId(),
  name: "web-1",
  location: "westeurope",
  addresses: addresses.map((address) => ({
    address,
    family: 4,
    networkInterfaceId: "nic",
    gates: [],
  })),
});
const nowhere = new Map([["web-1", [] as readonly Machine[]]]);
const at = (...addresses: readonly string[]) => new Map([["web-1", [aMachine(...addresses)]]]);

const namesOf = (group: NetworkSecurityGroup, machines: ReadonlyMap<string, readonly Machine[]>) =>
  defenderLeftovers(group, machines).map(({ leftover }) => leftover.name);

describe("a rule that Defender left behind for an address", () => {
  const kinds = [aDefenderDeny(), aDefenderAllow(), old(aDefenderDeny()), old(aDefenderAllow())];

  const allows = kinds.filter(({ access }) => access === "Allow");
  const denies = kinds.filter(({ access }) => access === "Deny");

  it.each(denies)(
    "stays when it closes, as a VM of that name may be out of sight: $name",
    (rule) => {
      expect(namesOf(aGroup(rule), nowhere)).toEqual([]);
      expect(namesOf(aGroup(rule), at("10.0.0.5"))).toEqual([]);
    },
  );

  it.each(allows)("goes when its VM is gone: $name", (rule) => {
    expect(defenderLeftovers(aGroup(rule), nowhere)).toEqual([
      {
        leftover: { name: rule.name, print: expect.stringContaining("10.0.0.4") },
        reason: "VM 'web-1' does not have address 10.0.0.4.",
      },
    ]);
  });

  it.each(allows)("goes when its VM has other addresses: $name", (rule) => {
    expect(namesOf(aGroup(rule), at("10.0.0.5", "10.0.0.6"))).toEqual([rule.name]);
  });

  it.each(kinds)("stays while its VM has the address: $name", (rule) => {
    expect(namesOf(aGroup(rule), at("10.0.0.5", "10.0.0.4"))).toEqual([]);
  });

  it.each<[string, ReadonlyMap<string, readonly Machine[]>]>([
    ["nobody knows about its VM", new Map()],
    ["no address of its VM is known", at()],
    [
      "another VM of the name has it",
      new Map([["web-1", [aMachine("10.0.0.9"), aMachine("10.0.0.4")]]]),
    ],
    [
      "of one VM of the name no address is known",
      new Map([["web-1", [aMachine("10.0.0.9"), aMachine()]]]),
    ],
  ])("stays when %s", (_case, machines) => {
    expect(
      namesOf(
        aGroup(
          ...kinds.map((rule, index) => ({
            ...rule,
            priority: 200 + index,
            destinationPorts: [String(index)],
          })),
        ),
        machines,
      ),
    ).toEqual([]);
  });

  it("names its VM in whatever case", () => {
    const description =
      "MDC JIT Network Access rule created by an initiation request for policy 'default' of VM 'WEB-1'.";
    const group = aGroup(aDefenderAllow({ description }), aRule());

    expect(namedVms(group)).toEqual(["web-1"]);
    expect(namesOf(group, nowhere)).toHaveLength(1);
  });
});

describe("a rule of Defender's that says what another says", () => {
  const first = aDefenderDeny();
  const second = aDefenderDeny({ name: first.name.replace("-36095858", "7"), priority: 1_001 });
  const third = aDefenderDeny({ name: first.name.replace("-36095858", "8"), priority: 4_096 });

  it("goes when the other is read before it", () => {
    expect(defenderLeftovers(aGroup(third, second, first), new Map())).toMatchObject([
      { leftover: { name: second.name, doubleOf: first.name } },
      { leftover: { name: third.name, doubleOf: first.name } },
    ]);
  });

  it.each<[string, Partial<SecurityRule>]>([
    ["another port", { destinationPorts: ["22"] }],
    ["another address", { destinations: ["10.0.0.5"] }],
    ["another policy", { description: first.description.replace("default", "other") }],
    ["another VM", { description: first.description.replace("web-1", "web-2") }],
  ])("stays when it has %s", (_case, difference) => {
    expect(namesOf(aGroup(first, { ...second, ...difference }), new Map())).toEqual([]);
  });

  it("stays when the other is a customer's", () => {
    const customers = { ...first, name: "ours-of-old" };

    expect(namesOf(aGroup(customers, second), new Map())).toEqual([]);
  });
});

describe("a rule that is not exactly one of Defender's", () => {
  const deny = aDefenderDeny();
  const allow = aDefenderAllow();

  it.each<[string, SecurityRule]>([
    ["its name begins otherwise", { ...deny, name: `x${deny.name}` }],
    ["its name ends otherwise", { ...deny, name: `${deny.name}-copy` }],
    ["its name is lower case", { ...deny, name: deny.name.toLowerCase() }],
    [
      "its number is no 32-bit number",
      { ...deny, name: deny.name.replace("-36095858", "4294967296") },
    ],
    ["its number begins with a nought", { ...deny, name: deny.name.replace("-36095858", "007") }],
    ["its name's parts are those of the other kind", { ...deny, name: allow.name }],
    ["its description is of the other kind", { ...allow, description: deny.description }],
    ["its description is of another generation", { ...deny, description: old(deny).description }],
    ["its description goes on", { ...deny, description: `${deny.description} Keep!` }],
    ["it has no description", { ...deny, description: "" }],
    ["it is outbound", { ...deny, direction: "Outbound" }],
    ["it allows what it denied", { ...deny, access: "Allow" }],
    ["it denies some only", { ...deny, sources: ["203.0.113.0/24"] }],
    ["it denies one protocol", { ...deny, protocol: "Tcp" }],
    ["it is about ICMP", { ...allow, protocol: "Icmp" }],
    ["it allows a service tag", { ...allow, sources: ["VirtualNetwork"] }],
    ["it allows a group", { ...allow, sources: [], sourceGroups: ["/asg"] }],
    ["it goes to a group", { ...deny, destinations: [], destinationGroups: ["/asg"] }],
    ["it goes to a network", { ...deny, destinations: ["10.0.0.0/24"] }],
    ["it goes to two addresses", { ...deny, destinations: ["10.0.0.4", "10.0.0.5"] }],
    ["it goes everywhere", { ...deny, destinations: ["*"] }],
    ["it is about a range of ports", { ...deny, destinationPorts: ["22-23"] }],
    ["it is about every port", { ...deny, destinationPorts: ["*"] }],
    ["it is about source ports", { ...deny, sourcePorts: ["1024-65535"] }],
  ])("is the customer's: %s", (_case, rule) => {
    const copy = { ...rule, name: rule.name.replace(/.$/, "0"), priority: 4_000 };

    expect(namesOf(aGroup(rule), nowhere)).toEqual([]);
    expect(namesOf(aGroup(rule, copy), new Map())).toEqual([]);
    expect(namedVms(aGroup(rule))).toEqual([]);
  });
});

describe("the plan for a gate with leftovers", () => {
  const stray = aDefenderAllow();
  const twin = aDefenderAllow({ name: stray.name.replace("36095858", "1"), priority: 1_001 });
  const plan = (group: NetworkSecurityGroup, leftovers?: readonly Leftover[]) =>
    planGate(group, { denies: [], windows: [], leftovers }, noon, anOwner);
  const found = (group: NetworkSecurityGroup, machines = nowhere) =>
    defenderLeftovers(group, machines).map(({ leftover }) => leftover);

  it("takes away what a policy change decided upon, and says so", () => {
    const group = aGroup(stray, aRule());

    const { changes, cleaned } = plan(group, found(group));

    expect(changes).toEqual([{ kind: "delete", name: stray.name }]);
    expect(cleaned).toEqual([stray.name]);
    const after = applyChanges(group, changes);
    expect(after.rules).toEqual([aRule()]);
    expect(plan(after, found(group))).toMatchObject({ changes: [], cleaned: [] });
  });

  it("takes nothing away of its own accord", () => {
    expect(plan(aGroup(stray)).changes).toEqual([]);
  });

  it.each<[string, Partial<SecurityRule>]>([
    ["place", { priority: 1_005 }],
    ["ports", { destinationPorts: ["3389"] }],
    ["description", { description: stray.description.replace("web-1", "web-2") }],
    ["kind", { access: "Deny" }],
  ])("leaves alone what got another %s since", (_case, edit) => {
    const leftovers = found(aGroup(stray));

    expect(plan(aGroup({ ...stray, ...edit }), leftovers).changes).toEqual([]);
  });

  it("never takes away a rule that is not Defender's, whatever was stored", () => {
    const customers = aRule();
    const leftovers = [stray, customers].map(({ name }) => ({ name, print: "anything" }));
    const print = found(aGroup(stray))[0]?.print ?? "";

    expect(plan(aGroup(stray, customers), leftovers).changes).toEqual([]);
    expect(plan(aGroup({ ...stray, name: "mine" }), [{ name: "mine", print }]).changes).toEqual([]);
  });

  it("leaves a double alone once the rule before it is gone", () => {
    const double = aDefenderAllow({ name: stray.name.replace("36095858", "7"), priority: 1_001 });
    const leftovers = found(aGroup(stray, double), at("10.0.0.4"));

    expect(plan(aGroup(stray, double), leftovers).cleaned).toEqual([double.name]);
    expect(plan(aGroup(double), leftovers).changes).toEqual([]);
  });

  it("gives the place of what goes to the rules that come", () => {
    const group = aGroup({ ...stray, priority: 300 }, { ...twin, priority: 301 });
    const intent = { denies: [aDesiredDeny()], windows: [], leftovers: found(group) };

    const { changes } = planGate(group, intent, noon, anOwner);

    expect(changes).toMatchObject([
      { kind: "delete", name: stray.name },
      { kind: "delete", name: twin.name },
      { kind: "put", rule: { access: "Deny", priority: 300 } },
    ]);
  });
});
