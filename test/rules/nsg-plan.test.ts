import { describe, expect, it } from "@jest/globals";
import type { GateIntent } from "../../src/rules/intent.ts";
import type { NetworkSecurityGroup, SecurityRule } from "../../src/rules/nsg.ts";
import { planGate } from "../../src/rules/nsg-plan.ts";
import { allowRuleName, denyRuleName } from "../../src/rules/owned.ts";
import {
  aDesiredDeny,
  aDesiredWindow,
  afterNoon,
  aGroup,
  anOwner,
  aRule,
  noon,
  vmId,
} from "../support/builders.ts";
import { applyChanges } from "./support/apply-changes.ts";

const plan = (group: NetworkSecurityGroup, intent: Partial<GateIntent>, now = noon) =>
  planGate(group, { denies: [], windows: [], ...intent }, now, anOwner);
const settle = (group: NetworkSecurityGroup, intent: Partial<GateIntent>) =>
  applyChanges(group, plan(group, intent).changes);
const ours = ({ rules }: NetworkSecurityGroup) =>
  rules.filter((rule) => rule.name.startsWith("JitAccess-"));

/** As many harmless customer rules from a priority on. */
const filling = (first: number, count: number): readonly SecurityRule[] =>
  Array.from({ length: count }, (_, index) =>
    aRule({ name: `filling-${index}`, priority: first + index, destinationPorts: ["443"] }),
  );

const window = aDesiredWindow();
const secondWindow = aDesiredWindow({
  requestId: "1d2f4c1e-90aa-4f0e-8a53-6a1f0f7c2b11",
  sources: ["203.0.113.8"],
});
const denyName = denyRuleName(anOwner, aDesiredDeny(), 4);
const allowName = allowRuleName(anOwner, window.windowId, 4);
const ssh = { destinationPorts: ["22"] };

describe("a deny rule", () => {
  it("closes all protected ports of a VM, of all its policies, to everybody", () => {
    const denies = [
      aDesiredDeny({ ports: [3389, 22] }),
      aDesiredDeny({ policyId: "another", ports: [22, 443] }),
    ];

    expect(ours(settle(aGroup(), { denies }))).toEqual([
      {
        name: denyName,
        priority: 300,
        direction: "Inbound",
        access: "Deny",
        protocol: "*",
        sources: ["*"],
        sourceGroups: [],
        sourcePorts: ["*"],
        destinations: ["10.0.0.4"],
        destinationGroups: [],
        destinationPorts: ["22", "443", "3389"],
        description: "JIT Access 'default': closed but for granted windows, VM web-1",
      },
    ]);
  });

  it("is one for each address family", () => {
    const denies = [aDesiredDeny({ addresses: ["fd00::5", "10.0.0.5", "10.0.0.4"] })];

    expect(ours(settle(aGroup(), { denies })).map((rule) => rule.destinations)).toEqual([
      ["10.0.0.4", "10.0.0.5"],
      ["fd00::5"],
    ]);
  });

  it.each<[string, Partial<SecurityRule>, number]>([
    ["yields to an allow rule for its port", { ...ssh, priority: 1_000 }, 1_001],
    ["does not yield to one for another port", { priority: 1_000 }, 300],
    ["does not yield to a deny rule", { ...ssh, priority: 4_096, access: "Deny" }, 300],
    ["does not yield to an outbound rule", { ...ssh, priority: 1_000, direction: "Outbound" }, 300],
    ["steps over a number that is taken", { priority: 300 }, 301],
  ])("%s", (_case, values, priority) => {
    const settled = settle(aGroup(aRule(values)), { denies: [aDesiredDeny()] });

    expect(ours(settled)).toMatchObject([{ name: denyName, priority }]);
  });

  it("reports the customer's rule that leaves its port open", () => {
    const { findings } = plan(aGroup(aRule({ ...ssh, name: "open-ssh" })), {
      denies: [aDesiredDeny()],
    });

    expect(findings).toMatchObject([{ code: "ExposedByCustomerRule", target: "open-ssh" }]);
  });

  it("stays where it stands when the customer adds an allow rule, and reports one before it", () => {
    const denies = [aDesiredDeny()];
    const { rules } = settle(aGroup(), { denies });
    const before = aRule({ ...ssh, name: "before", priority: 200 });
    const behind = aRule({ ...ssh, name: "behind", priority: 400 });

    const again = plan(aGroup(...rules, before, behind), { denies });

    expect(again.changes).toEqual([]);
    expect(again.findings.map((finding) => finding.target)).toEqual(["before"]);
  });

  it("has no place behind a customer's rule that is the last, which is reported", () => {
    const { changes, findings } = plan(aGroup(aRule({ ...ssh, priority: 4_096 })), {
      denies: [aDesiredDeny()],
    });

    expect(changes).toEqual([]);
    expect(findings).toMatchObject([{ code: "GateFull", target: "shop-nsg" }]);
  });

  it("has no place in a group of 1,000 rules, which is reported", () => {
    const { changes, findings } = plan(aGroup(...filling(500, 1_000)), {
      denies: [aDesiredDeny()],
    });

    expect(changes).toEqual([]);
    expect(findings).toMatchObject([{ code: "GateFull" }]);
  });

  it("is moved back without being deleted in between, even when the group is full", () => {
    const denies = [aDesiredDeny()];
    const { rules } = settle(aGroup(...filling(500, 999)), { denies });
    const edited = rules.map((rule) =>
      rule.name === denyName ? { ...rule, priority: 150 } : rule,
    );

    expect(plan(aGroup(...edited), { denies }).changes).toMatchObject([
      { kind: "put", rule: { name: denyName, priority: 300 } },
    ]);
  });
});

describe("an allow rule", () => {
  it("opens exactly what its window says, before everything", () => {
    const settled = settle(aGroup(), { windows: [window] });

    expect(ours(settled)).toEqual([
      {
        name: allowName,
        priority: 100,
        direction: "Inbound",
        access: "Allow",
        protocol: "Tcp",
        sources: ["203.0.113.7"],
        sourceGroups: [],
        sourcePorts: ["*"],
        destinations: ["10.0.0.4"],
        destinationGroups: [],
        destinationPorts: ["22"],
        description: `JIT Access 'default': closes ${window.closesAt} window ${window.windowId} VM web-1`,
      },
    ]);
  });

  it("serves windows of a request that differ in their port alone", () => {
    const windows = [
      window,
      aDesiredWindow({ port: 3389 }),
      aDesiredWindow({ port: 53, protocol: "UDP" }),
    ];

    const { results } = plan(aGroup(), { windows });

    expect(ours(settle(aGroup(), { windows })).map((rule) => rule.destinationPorts)).toEqual([
      ["22", "3389"],
      ["53"],
    ]);
    expect(results[window.windowId]).toEqual({ state: "open", rules: [allowName] });
    expect(results[windows[1]?.windowId ?? ""]).toEqual(results[window.windowId]);
  });

  it("behind a firewall also lets through what that has translated, which comes from its subnet", () => {
    const windows = [aDesiredWindow({ through: ["10.1.0.0/26", "10.2.0.0/26"] })];

    expect(ours(settle(aGroup(), { windows })).map((rule) => rule.sources)).toEqual([
      ["10.1.0.0/26", "10.2.0.0/26", "203.0.113.7"],
    ]);
  });

  it("is not shared by requests for different sources: each closes by itself", () => {
    const windows = [window, secondWindow];
    const settled = settle(aGroup(), { windows });

    expect(ours(settled)).toHaveLength(2);
    expect(plan(settled, { windows: [secondWindow] }).changes).toEqual([
      { kind: "delete", name: allowName },
    ]);
  });

  it("is not planned for a window that is over", () => {
    const settled = settle(aGroup(), { windows: [window] });

    const { changes, expired, results } = plan(
      settled,
      { windows: [window] },
      new Date(window.closesAt),
    );

    expect(changes).toEqual([{ kind: "delete", name: allowName }]);
    expect(expired).toEqual([window.windowId]);
    expect(results).toEqual({});
  });

  it("is refused by name where a customer's deny rule would be read first", () => {
    const first = aRule({ name: "deny-all", priority: 100, access: "Deny", ...ssh });

    const { changes, results } = plan(aGroup(first), { windows: [window] });

    expect(changes).toEqual([]);
    expect(results[window.windowId]).toMatchObject({
      state: "failed",
      reasons: [{ code: "BlockedByCustomerRule", target: "deny-all" }],
    });
  });

  it("of one address family does not stay when the window fails for the other", () => {
    const windows = [aDesiredWindow({ addresses: ["10.0.0.4", "fd00::4"], sources: ["*"] })];
    const denyV4 = aRule({ priority: 100, access: "Deny", ...ssh, sources: ["0.0.0.0/0"] });
    const opened = settle(aGroup(), { windows });
    const moved = opened.rules.map((rule) => ({ ...rule, priority: rule.priority + 5 }));

    expect(plan(aGroup(denyV4), { windows }).changes).toEqual([]);
    expect(ours(settle(aGroup(denyV4, ...moved), { windows }))).toEqual([]);
  });

  it("goes before a customer's new deny rule where there is room", () => {
    const windows = [window];
    const [rule] = settle(aGroup(), { windows }).rules;
    const group = aGroup(
      ...(rule === undefined ? [] : [{ ...rule, priority: 150 }]),
      aRule({ name: "deny-ssh", priority: 120, access: "Deny", ...ssh }),
    );

    expect(plan(group, { windows }).results[window.windowId]?.state).toBe("open");
    expect(ours(settle(group, { windows }))).toMatchObject([{ priority: 100 }]);
  });

  it("fails where its band is full, without leaving the band", () => {
    const { changes, results } = plan(aGroup(...filling(100, 199)), {
      windows: [window, secondWindow],
    });

    expect(changes).toMatchObject([{ kind: "put", rule: { name: allowName, priority: 299 } }]);
    expect(results[secondWindow.windowId]).toMatchObject({
      state: "failed",
      reasons: [{ code: "GateFull" }],
    });
  });

  it("is not needed where sources and addresses have no family in common", () => {
    const windows = [aDesiredWindow({ sources: ["2001:db8::7"] })];

    expect(plan(aGroup(), { windows })).toMatchObject({
      changes: [],
      results: { [windows[0]?.windowId ?? ""]: { state: "open", rules: [] } },
    });
  });
});

describe("a rule of ours that somebody edited or removed", () => {
  const intent = { denies: [aDesiredDeny()], windows: [window] };
  const settled = settle(aGroup(), intent);

  it.each<[string, Partial<SecurityRule>]>([
    ["its sources", { sources: ["*"] }],
    ["its ports", { destinationPorts: ["22", "80"] }],
    ["its access", { access: "Deny" }],
    ["its direction", { direction: "Outbound" }],
    ["its priority", { priority: 3_000 }],
    ["its description", { description: "mine" }],
  ])("is put right when it was %s", (_case, edit) => {
    const edited = settled.rules.map((rule) =>
      rule.name === allowName ? { ...rule, ...edit } : rule,
    );

    const healed = settle(aGroup(...edited), intent);

    expect(new Set(healed.rules)).toEqual(new Set(settled.rules));
  });

  it("is left alone when it merely lists the same in another order or case", () => {
    const denies = [aDesiredDeny({ addresses: ["10.0.0.4", "10.0.0.5"], ports: [22, 3389] })];
    const listed = settle(aGroup(), { denies }).rules.map((rule) => ({
      ...rule,
      destinations: rule.destinations.toReversed(),
      destinationPorts: rule.destinationPorts.toReversed(),
    }));

    expect(plan(aGroup(...listed), { denies }).changes).toEqual([]);
  });

  it("goes when nobody wants it", () => {
    expect(plan(settled, {}).changes).toEqual([
      { kind: "delete", name: denyName },
      { kind: "delete", name: allowName },
    ]);
  });

  it("may swap its place with another of ours without a clash on the way", () => {
    const swapped = settled.rules.map((rule) => ({
      ...rule,
      priority: rule.name === allowName ? 300 : 100,
    }));

    expect(new Set(settle(aGroup(...swapped), intent).rules)).toEqual(new Set(settled.rules));
  });
});

describe("a rule whose name only begins like ours", () => {
  it("is the customer's, and stays when nothing is wanted any longer", () => {
    const theirs = aRule({ name: `JitAccess-${anOwner.tag}-breakglass`, ...ssh });

    expect(plan(aGroup(theirs), {}).changes).toEqual([]);
  });
});

describe("an outbound rule under a name of ours", () => {
  const outbound = aRule({ name: denyName.toUpperCase(), direction: "Outbound", priority: 300 });
  const denies = [aDesiredDeny()];

  it("is left alone while that rule is not wanted", () => {
    expect(plan(aGroup(outbound), {}).changes).toEqual([]);
    expect(plan(aGroup(outbound), { windows: [window] }).changes).toMatchObject([
      { kind: "put", rule: { name: allowName } },
    ]);
  });

  it("is replaced when it is: names are unique in a group, and no protected port stays open for it", () => {
    const { changes } = plan(aGroup(outbound), { denies });

    expect(changes).toMatchObject([
      { kind: "put", rule: { name: denyName, direction: "Inbound", priority: 300 } },
    ]);
    const after = applyChanges(aGroup(outbound), changes);
    expect(after.rules).toHaveLength(1);
    expect(plan(after, { denies }).changes).toEqual([]);
  });

  it("makes room for the rule that replaces it, even in a full group, and for no other", () => {
    const group = aGroup(outbound, ...filling(500, 999));
    const wanted = [
      ...denies,
      aDesiredDeny({ vmId: vmId("db"), vmKey: "1123456789abcdef", addresses: ["10.0.0.5"] }),
    ];

    const { changes, findings } = plan(group, { denies: wanted });

    expect(changes).toMatchObject([{ kind: "put", rule: { name: denyName } }]);
    expect(findings).toMatchObject([{ code: "GateFull" }]);
    expect(plan(applyChanges(group, changes), { denies: wanted }).changes).toEqual([]);
  });
});

describe("what a plan cannot achieve", () => {
  /** So many VMs whose deny rules yield to a customer's 60 rules; there is room behind them for all but a few. */
  const denies = Array.from({ length: 200 }, (_, index) =>
    aDesiredDeny({
      vmId: vmId(`vm-${index}`),
      vmKey: index.toString(16).padStart(16, "0"),
      addresses: [`10.0.1.${index}`],
    }),
  );
  const open = (first: number) =>
    Array.from({ length: 60 }, (_, index) =>
      aRule({ name: `open-${index}`, priority: first + index, ...ssh }),
    );

  it("is told of 50 times at most, and then how many times more", () => {
    const { findings } = plan(aGroup(...open(400)), { denies });

    expect(findings).toHaveLength(51);
    expect(findings.at(-1)).toEqual({
      code: "ExposedByCustomerRule",
      message: "11950 more like these are not listed.",
    });
  });

  it("begins with the deny rules that found no place", () => {
    const { findings } = plan(aGroup(...open(4_096 - 60 - 195)), { denies });

    const full = findings.filter((finding) => finding.code === "GateFull");
    expect(full).toHaveLength(4);
    expect(findings.slice(0, 4)).toEqual(full);
    expect(findings).toHaveLength(51);
  });
});

describe("rules of another deployment", () => {
  it("are like any customer's", () => {
    const other = { ...anOwner, tag: "ffffff" };
    const intent = { denies: [aDesiredDeny()], windows: [window] };
    const theirs = applyChanges(aGroup(), planGate(aGroup(), intent, noon, other).changes);

    const both = settle(theirs, intent);

    expect(both.rules).toHaveLength(4);
    expect(both.rules).toEqual(expect.arrayContaining([...theirs.rules]));
    expect(planGate(both, intent, noon, other).changes).toEqual([]);
  });
});

describe("two VMs behind one gate", () => {
  it("have rules of their own", () => {
    const denies = [
      aDesiredDeny(),
      aDesiredDeny({ vmId: vmId("db"), vmKey: "1123456789abcdef", addresses: ["10.0.0.5"] }),
    ];
    const windows = [
      window,
      aDesiredWindow({
        vmId: vmId("db"),
        requestId: secondWindow.requestId,
        addresses: ["10.0.0.5"],
        closesAt: afterNoon(60),
      }),
    ];

    expect(ours(settle(aGroup(), { denies, windows })).map((rule) => rule.destinations)).toEqual([
      ["10.0.0.4"],
      ["10.0.0.5"],
      ["10.0.0.4"],
      ["10.0.0.5"],
    ]);
  });
});
