import { describe, expect, it } from "@jest/globals";
import { type Firewall, type FirewallRule, firewallLimits } from "../../src/rules/firewall.ts";
import type { GateIntent } from "../../src/rules/intent.ts";
import {
  allowRuleName,
  denyRuleName,
  dnatRuleName,
  ownCollections,
} from "../../src/rules/owned.ts";
import {
  aDesiredDeny,
  aDesiredWindow,
  aDnatRule,
  aFirewall,
  aFirewallPolicy,
  aFirewallRule,
  afterNoon,
  anOwner,
  publicAddresses,
  vmId,
} from "../support/builders.ts";
import { oursOn, planOn, settleOn } from "./support/firewall-past.ts";

const plan = (firewall: Firewall, intent: Partial<GateIntent>, now?: Date) =>
  planOn(firewall, { denies: [], windows: [], ...intent }, now);
const settle = (firewall: Firewall, intent: Partial<GateIntent>) =>
  settleOn(firewall, { denies: [], windows: [], ...intent });

const collections = ownCollections(anOwner);
const window = aDesiredWindow({ publicAddresses });
const denyName = denyRuleName(anOwner, aDesiredDeny(), 4);
const allowName = allowRuleName(anOwner, window.windowId, 4);
const dnatName = dnatRuleName(anOwner, window.windowId);
const ssh = { destinationPorts: ["22"] };
const second = {
  vmId: vmId("db"),
  vmKey: "1123456789abcdef",
  addresses: ["10.0.0.5"],
} as const;

const ordersOf = (firewall: Firewall) =>
  Object.fromEntries(
    oursOn(firewall).map((rule) => [rule.collection.split("-").at(-1), rule.order.join()]),
  );
const resultOf = (firewall: Firewall, values: Parameters<typeof aDesiredWindow>[0] = {}) => {
  const wanted = aDesiredWindow({ publicAddresses: firewall.publicAddresses, ...values });
  return plan(firewall, { windows: [wanted] }).results[wanted.windowId];
};
const entranceOf = (firewall: Firewall, values: Parameters<typeof aDesiredWindow>[0] = {}) => {
  const result = resultOf(firewall, values);
  return result?.state === "open" ? result.entrance : undefined;
};

describe("a deny rule of a firewall", () => {
  it("closes all protected ports of a VM, of all its policies, to everybody, at its IPv4 addresses", () => {
    const denies = [
      aDesiredDeny({ addresses: ["10.0.0.4", "fd00::4"], ports: [3389, 22] }),
      aDesiredDeny({ policyId: "another", ports: [22, 443] }),
    ];

    expect(oursOn(settle(aFirewall(), { denies }))).toEqual([
      {
        name: denyName,
        kind: "network",
        access: "Deny",
        collection: collections.deny,
        order: [101],
        protocols: ["TCP", "UDP"],
        sources: ["*"],
        destinations: ["10.0.0.4"],
        destinationPorts: ["22", "443", "3389"],
        description: "JIT Access 'default': closed but for granted windows, VM web-1",
      },
    ]);
  });

  it("is none for a VM that has IPv6 addresses only", () => {
    expect(plan(aFirewall(), { denies: [aDesiredDeny({ addresses: ["fd00::4"] })] })).toMatchObject(
      { changes: [], findings: [] },
    );
  });

  it.each<[string, Partial<FirewallRule>, number]>([
    ["goes behind an allow rule for its port", { ...ssh, order: [1_000] }, 1_001],
    ["does not yield to one for another port", { order: [1_000] }, 101],
    [
      "does not yield to one for another address",
      { ...ssh, destinations: ["10.9.0.0/16"], order: [1_000] },
      101,
    ],
    [
      "does not yield to a service tag, which is no private address",
      { ...ssh, destinations: ["AzureCloud"], order: [1_000] },
      101,
    ],
    ["does not yield to a rule for ICMP", { ...ssh, protocols: ["ICMP"], order: [1_000] }, 101],
    [
      "yields to what may be anything",
      { ...ssh, destinations: [], isPartlyUnknown: true, order: [1_000] },
      1_001,
    ],
    [
      "yields to a range that holds its address",
      { ...ssh, destinations: ["10.0.0.1-10.0.0.9"], order: [1_000] },
      1_001,
    ],
    ["does not yield to a deny rule", { ...ssh, access: "Deny", order: [1_000] }, 101],
    ["steps over a priority that is taken", { order: [101] }, 102],
  ])("%s", (_case, values, priority) => {
    const after = settle(aFirewall(aFirewallRule(values)), { denies: [aDesiredDeny()] });

    expect(ordersOf(after)).toEqual({ Deny: String(priority) });
  });

  it("steps over the place of a customer's collection without rules, and not over one of its own", () => {
    const at = (collection: string, place: number) => ({
      kind: "network" as const,
      collection,
      order: [place],
    });
    const emptyCollections = [at("customer", 101), at(collections.deny, 102)];

    const after = settle({ ...aFirewall(), emptyCollections }, { denies: [aDesiredDeny()] });

    expect(ordersOf(after)).toEqual({ Deny: "102" });
  });

  it("stays where it stands when the customer adds an allow rule behind, and reports one before it", () => {
    const denies = [aDesiredDeny()];
    const { rules } = settle(aFirewall(aFirewallRule({ ...ssh, order: [200] })), { denies });
    const behind = aFirewallRule({ ...ssh, order: [400], name: "behind" });

    const again = plan(aFirewall(...rules, behind), { denies });

    expect(again.changes).toEqual([]);
    expect(again.findings).toMatchObject([
      {
        code: "ExposedByCustomerRule",
        target: "office-web",
        vmId: vmId(),
        message:
          "Rule 'office-web' (collection 'customer-200') of firewall 'edge' lets traffic to a protected port of 'web-1' through before our deny rule is read.",
      },
    ]);
  });

  it("moves behind that rule with the others when a VM comes that has to yield to it", () => {
    const { rules } = settle(aFirewall(), { denies: [aDesiredDeny()] });
    const behind = aFirewallRule({ ...ssh, order: [400] });

    const after = settle(aFirewall(...rules, behind), {
      denies: [aDesiredDeny(), aDesiredDeny(second)],
    });

    expect(oursOn(after).map(({ order }) => order)).toEqual([[401], [401]]);
  });

  it("without a place behind the customer's last rule is reported, and keeps no other from its own", () => {
    const last = aFirewallRule({
      ...ssh,
      destinations: ["10.0.0.4"],
      order: [firewallLimits.highestPriority],
    });
    const denies = [aDesiredDeny(), aDesiredDeny(second)];

    const { changes, findings } = plan(aFirewall(last), { denies });

    expect(changes).toMatchObject([
      { kind: "put", rule: { destinations: ["10.0.0.5"], order: [101] } },
    ]);
    expect(findings).toMatchObject([{ code: "GateFull", target: "edge", vmId: vmId() }]);
  });

  it("reports a customer's DNAT rule that leads to its port", () => {
    const theirs = aDnatRule({ translatedAddress: "10.0.0.4", translatedPort: "22" });

    expect(plan(aFirewall(theirs), { denies: [aDesiredDeny()] }).findings).toMatchObject([
      { code: "ExposedByCustomerRule", target: "shop", vmId: vmId() },
    ]);
  });
});

describe("a deny rule that takes priority", () => {
  const first = aDesiredDeny({ takePriority: true });
  const open = aFirewallRule({ ...ssh, order: [400] });

  it("goes before the customer's allow rule", () => {
    const { changes, findings } = plan(aFirewall(open), { denies: [first] });

    expect(changes).toMatchObject([{ rule: { order: [101] } }]);
    expect(findings).toEqual([]);
  });

  it("takes those that stand there already with it, when they need not yield", () => {
    const before = settle(aFirewall(open), { denies: [aDesiredDeny()] });
    expect(ordersOf(before)).toEqual({ Deny: "401" });

    expect(ordersOf(settle(before, { denies: [first] }))).toEqual({ Deny: "101" });
  });

  it("stays behind where another VM's has to yield, and the findings tell", () => {
    const denies = [first, aDesiredDeny(second)];

    const { changes, findings } = plan(aFirewall(open), { denies });

    expect(changes).toMatchObject([{ rule: { order: [401] } }, { rule: { order: [401] } }]);
    expect(findings.map(({ vmId: of }) => of)).toEqual([vmId(), vmId("db")]);
  });

  it("yields again when it shall not go first any longer", () => {
    const before = settle(aFirewall(open), { denies: [first] });

    expect(ordersOf(settle(before, { denies: [aDesiredDeny()] }))).toEqual({ Deny: "401" });
  });
});

describe("the rules that open a window on a firewall", () => {
  it("let its sources through to the VM, and lead them there from a public address", () => {
    const after = settle(aFirewall(), { denies: [aDesiredDeny()], windows: [window] });

    const opening = oursOn(after).filter(({ access }) => access === "Allow");
    const description = `JIT Access 'default': closes ${window.closesAt} window ${window.windowId} VM web-1`;
    expect(opening).toEqual([
      {
        name: allowName,
        kind: "network",
        access: "Allow",
        collection: collections.allow,
        order: [100],
        protocols: ["TCP"],
        sources: ["203.0.113.7"],
        destinations: ["10.0.0.4"],
        destinationPorts: ["22"],
        description,
      },
      {
        name: dnatName,
        kind: "dnat",
        access: "Allow",
        collection: collections.dnat,
        order: [100],
        protocols: ["TCP"],
        sources: ["203.0.113.7"],
        destinations: ["198.51.100.1"],
        destinationPorts: ["35302"],
        translatedAddress: "10.0.0.4",
        translatedPort: "22",
        description,
      },
    ]);
    expect(resultOf(aFirewall())).toEqual({
      state: "open",
      rules: [allowName, dnatName],
      entrance: { address: "198.51.100.1", port: 35_302 },
    });
  });

  it("go when the window is over, and nothing else changes", () => {
    const before = settle(aFirewall(), { denies: [aDesiredDeny()] });
    const intent = { denies: [aDesiredDeny()], windows: [window] };
    const during = settle(before, intent);

    const { changes, expired, results } = plan(during, intent, new Date(window.closesAt));

    expect(changes).toEqual([
      { kind: "delete", name: allowName },
      { kind: "delete", name: dnatName },
    ]);
    expect(expired).toEqual([window.windowId]);
    expect(results).toEqual({});
  });

  it("are shared by windows that would have the same, and tell the end of the last", () => {
    const later = aDesiredWindow({
      requestId: "1d2f4c1e-90aa-4f0e-8a53-6a1f0f7c2b11",
      closesAt: afterNoon(7_200),
      publicAddresses,
    });

    const { changes, results } = plan(aFirewall(), { windows: [window, later] });

    expect(changes).toHaveLength(2);
    expect(JSON.stringify(changes)).toContain(`closes ${later.closesAt} window ${later.windowId}`);
    expect(results[window.windowId]).toEqual(results[later.windowId]);
  });

  it("are one pair for each port, as a DNAT rule leads to one port", () => {
    const windows = [window, aDesiredWindow({ port: 3389, publicAddresses })];

    const rules = oursOn(settle(aFirewall(), { windows }));

    expect(rules.map((rule) => rule.translatedPort ?? rule.destinationPorts[0])).toEqual([
      "22",
      "22",
      "3389",
      "3389",
    ]);
  });

  it("are for TCP and UDP where the window is for any protocol", () => {
    const windows = [aDesiredWindow({ protocol: "*", publicAddresses })];

    for (const rule of oursOn(settle(aFirewall(), { windows }))) {
      expect(rule.protocols).toEqual(["TCP", "UDP"]);
    }
  });

  it("lead nobody who comes from inside, nor through a firewall that has no public address", () => {
    expect(resultOf(aFirewall(), { sources: ["192.168.1.0/24"] })).toEqual({
      state: "open",
      rules: [allowName],
    });
    for (const source of ["*", "203.0.113.7"]) {
      expect(resultOf({ ...aFirewall(), publicAddresses: [] }, { sources: [source] })).toEqual({
        state: "open",
        rules: [allowName],
      });
    }
  });

  it("are none for IPv6, which firewalls do not know", () => {
    expect(resultOf(aFirewall(), { sources: ["2001:db8::7"] })).toEqual({
      state: "open",
      rules: [],
    });
  });

  it("are refused by name where a customer's deny rule would be read first", () => {
    const first = aFirewallRule({ access: "Deny", sources: ["*"], ...ssh, order: [100] });
    const windows = [window];

    expect(plan(aFirewall(first), { windows }).changes).toEqual([]);
    expect(resultOf(aFirewall(first))).toMatchObject({
      state: "failed",
      reasons: [{ code: "BlockedByCustomerRule", target: "office-web" }],
    });
  });

  it("go in front of a customer's new deny rule where there is room", () => {
    const [allow, dnat] = oursOn(settle(aFirewall(), { windows: [window] }));
    const behind = allow === undefined ? [] : [{ ...allow, order: [150] }];
    const rules = [...behind, ...(dnat === undefined ? [] : [dnat])];
    const quiet = aFirewallRule({ order: [120] });
    const deny = aFirewallRule({ access: "Deny", sources: ["*"], ...ssh, order: [120] });

    expect(plan(aFirewall(...rules, quiet), { windows: [window] }).changes).toEqual([]);
    expect(plan(aFirewall(...rules, deny), { windows: [window] }).changes).toMatchObject([
      { kind: "put", rule: { name: allowName, order: [100] } },
    ]);
  });
});

describe("the entrance to a VM's port", () => {
  const wish = aDesiredDeny({ publicIpAddress: publicAddresses[1] });

  it("is the same for TCP, UDP and everybody who asks, another for another port", () => {
    const first = entranceOf(aFirewall());

    expect(entranceOf(aFirewall(), { protocol: "UDP" })).toEqual(first);
    expect(entranceOf(aFirewall(), { sources: ["*"] })).toEqual(first);
    expect(entranceOf(aFirewall(), { port: 3389 })).not.toEqual(first);
  });

  it("is at the public address that a policy wishes for, if the firewall has it", () => {
    const { results } = plan(aFirewall(), { denies: [wish], windows: [window] });
    const elsewhere = aDesiredDeny({ publicIpAddress: "192.0.2.200" });
    const other = plan(aFirewall(), { denies: [elsewhere], windows: [window] });

    expect(results[window.windowId]).toMatchObject({ entrance: { address: publicAddresses[1] } });
    expect(other.results[window.windowId]).toMatchObject({
      entrance: { address: publicAddresses[0] },
    });
  });

  it("stays where it is while people use it, whatever is wished for meanwhile", () => {
    const { rules } = settle(aFirewall(), { windows: [window] });
    const intent = { denies: [wish], windows: [window] };

    expect(plan(aFirewall(...rules), intent).results[window.windowId]).toMatchObject({
      entrance: { address: publicAddresses[0], port: 35_302 },
    });
  });

  it.each<[string, Partial<FirewallRule>, object]>([
    [
      "is the next port where a customer has that one",
      { destinationPorts: ["35302"] },
      { port: 35_303 },
    ],
    [
      "is the next port where a customer has it for UDP",
      { destinationPorts: ["35302"], protocols: ["UDP"] },
      { port: 35_303 },
    ],
    [
      "is beyond a range of the customer's",
      { destinationPorts: ["30000-40000"] },
      { port: 40_001 },
    ],
    [
      "goes on at the first port when it comes to the last",
      { destinationPorts: ["30000-59999"] },
      { port: 20_000 },
    ],
    [
      "is at the next address where no port is free",
      { destinationPorts: ["*"] },
      { address: publicAddresses[1], port: 35_302 },
    ],
    [
      "does not trust what it cannot read",
      { destinationPorts: ["some"] },
      { address: publicAddresses[1] },
    ],
    [
      "does not mind a rule for another address",
      { destinations: [publicAddresses[1]], destinationPorts: ["*"] },
      { address: publicAddresses[0], port: 35_302 },
    ],
  ])("%s", (_case, values, entrance) => {
    expect(entranceOf(aFirewall(aDnatRule(values)))).toMatchObject(entrance);
  });

  it("is nowhere when all ports of all addresses are taken", () => {
    const all = aDnatRule({ destinations: ["*"], destinationPorts: ["*"] });

    expect(resultOf(aFirewall(all))).toMatchObject({
      state: "failed",
      reasons: [{ code: "GateFull" }],
    });
  });

  it("is a customer's, where that leads the same people to the same port", () => {
    const theirs = aDnatRule({
      destinationPorts: ["2222"],
      translatedAddress: "10.0.0.4",
      translatedPort: "22",
    });

    expect(resultOf(aFirewall(theirs))).toEqual({
      state: "open",
      rules: [allowName],
      entrance: { address: publicAddresses[0], port: 2222 },
    });
  });

  it.each<[string, Partial<FirewallRule>]>([
    ["other sources", { sources: ["192.0.2.0/24"] }],
    ["another protocol", { protocols: ["UDP"] }],
    ["another address", { translatedAddress: "10.0.0.5" }],
    ["another port", { translatedPort: "3389" }],
    ["a range of ports", { destinationPorts: ["2222-2223"] }],
    ["an address that is not the firewall's", { destinations: ["192.0.2.200"] }],
  ])("is not a customer's rule for %s", (_case, values) => {
    const theirs = aDnatRule({
      destinationPorts: ["2222"],
      translatedAddress: "10.0.0.4",
      translatedPort: "22",
      ...values,
    });

    expect(resultOf(aFirewall(theirs))).toMatchObject({ rules: [allowName, dnatName] });
  });

  it("is not a customer's rule before which another one leads elsewhere", () => {
    const to = { destinationPorts: ["2222"], translatedAddress: "10.0.0.4", translatedPort: "22" };
    const before = aDnatRule({ name: "before", destinationPorts: ["2000-3000"], order: [300] });

    expect(resultOf(aFirewall(before, aDnatRule(to)))).toMatchObject({
      rules: [allowName, dnatName],
    });
  });

  it("stays ours while people use it, when a customer makes one as good", () => {
    const { rules } = settle(aFirewall(), { windows: [window] });
    const theirs = aDnatRule({
      destinationPorts: ["2222"],
      translatedAddress: "10.0.0.4",
      translatedPort: "22",
    });

    expect(plan(aFirewall(...rules, theirs), { windows: [window] }).changes).toEqual([]);
  });
});

describe("Azure's limit of 250 for public addresses and destinations of DNAT rules", () => {
  const filling = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      aDnatRule({ name: `nat-${index}`, destinationPorts: [String(1_000 + index)] }),
    );
  const both = aDesiredWindow({ protocol: "*", publicAddresses });

  it.each([
    [247, window, "open"],
    [248, window, "failed"],
    [246, both, "open"],
    [247, both, "failed"],
  ])("with %d of the customer's lets a window be or not", (count, wanted, state) => {
    const { results } = plan(aFirewall(...filling(count)), { windows: [wanted] });

    expect(results[wanted.windowId]?.state).toBe(state);
  });

  it("is named when a window finds no room, and takes nothing from one that is open", () => {
    const other = aDesiredWindow({
      windowId: "1d2f4c1e-90aa-4f0e-8a53-6a1f0f7c2b11-0-22",
      port: 3389,
      publicAddresses,
    });
    const before = settle(aFirewall(...filling(247)), { windows: [window] });

    const { changes, results } = plan(before, { windows: [other, window] });

    expect(changes).toEqual([]);
    expect(results[window.windowId]).toMatchObject({ state: "open" });
    expect(JSON.stringify(results[other.windowId])).toContain("Azure allows 250 of them together");
  });
});

describe("a firewall policy", () => {
  const intent = { denies: [aDesiredDeny()], windows: [window] };

  it("has all rules of ours in one group, in a fixed order", () => {
    expect(ordersOf(settle(aFirewallPolicy(), intent))).toEqual({
      Dnat: "1,100,100",
      Allow: "1,100,200",
      Deny: "1,100,300",
    });
  });

  it("has that group behind the customer's group that it yields to, at a priority of its own", () => {
    const theirs = aFirewallRule({ ...ssh, order: [1, 400, 100] });
    const next = aFirewallRule({ name: "next", order: [1, 401, 100] });

    expect(ordersOf(settle(aFirewallPolicy(theirs, next), intent))).toMatchObject({
      Deny: "1,402,300",
    });
  });

  it("can do nothing about a parent policy's rules, which come first", () => {
    const allow = aFirewallRule({ ...ssh, order: [0, 400, 100] });
    const deny = aFirewallRule({ ...ssh, access: "Deny", sources: ["*"], order: [0, 400, 100] });

    expect(plan(aFirewallPolicy(allow), intent)).toMatchObject({
      changes: [{ rule: { order: [1, 100, 300] } }, {}, {}],
      findings: [{ code: "ExposedByCustomerRule", target: "office-web" }],
    });
    expect(plan(aFirewallPolicy(deny), intent).results[window.windowId]).toMatchObject({
      state: "failed",
      reasons: [{ code: "BlockedByCustomerRule", target: "office-web" }],
    });
  });
});

describe("a customer's rule in a collection of ours", () => {
  const intent = { denies: [aDesiredDeny()], windows: [window] };
  const guest = aFirewallRule({ name: "guest", collection: collections.allow, order: [100] });

  it("is never part of a change, and is told of where it keeps a port open", () => {
    const { rules } = settle(aFirewall(), intent);
    const open = { ...guest, ...ssh };

    const again = plan(aFirewall(...rules, open), intent);
    expect(again.changes).toEqual([]);
    expect(again.findings).toMatchObject([{ target: "guest" }]);

    const { changes } = plan(aFirewall(...rules, open), {});
    expect(changes.map((change) => change.kind === "delete" && change.name).toSorted()).toEqual(
      [allowName, denyName, dnatName].toSorted(),
    );
  });

  it("keeps its collection's priority from others", () => {
    const after = settle(aFirewall({ ...guest, order: [101] }), { denies: [aDesiredDeny()] });

    expect(ordersOf(after)).toEqual({ Deny: "102" });
  });
});

describe("a rule under a name of ours in a collection of the customer's", () => {
  it("is the customer's, and stays whether that name is needed or not", () => {
    const theirs = aFirewallRule({ name: denyName, ...ssh });

    expect(plan(aFirewall(theirs), {}).changes).toEqual([]);
    expect(settle(aFirewall(theirs), { denies: [aDesiredDeny()] }).rules).toEqual([
      theirs,
      expect.objectContaining({ name: denyName, collection: collections.deny }),
    ]);
  });
});

describe("a rule of ours on a firewall that somebody edited", () => {
  const intent = { denies: [aDesiredDeny()], windows: [window] };
  const settled = settle(aFirewall(), intent);

  it.each<[string, Partial<FirewallRule>]>([
    ["its sources", { sources: ["*"] }],
    ["its access", { access: "Deny" }],
    ["its collection", { collection: collections.deny, order: [101] }],
    ["its description", { description: "mine" }],
  ])("is put right when it was %s", (_case, edit) => {
    const edited = settled.rules.map((rule) =>
      rule.name === allowName ? { ...rule, ...edit } : rule,
    );

    const { changes } = plan(aFirewall(...edited), intent);

    expect(changes).toMatchObject([{ kind: "put", rule: { name: allowName, access: "Allow" } }]);
  });

  it("that stands twice in collections of ours stands once again", () => {
    const [twin] = settled.rules.filter(({ name }) => name === allowName);
    const twins = twin === undefined ? [] : [{ ...twin, collection: collections.deny }];

    expect(oursOn(settle(aFirewall(...settled.rules, ...twins), intent))).toHaveLength(3);
  });
});

describe("a name that would not be known as ours", () => {
  it("is not written", () => {
    const windows = [aDesiredWindow({ windowId: "x", publicAddresses })];

    expect(() => plan(aFirewall(), { windows })).toThrow("is not a name that rules of ours have");
  });
});
