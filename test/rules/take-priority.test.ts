import { describe, expect, it } from "@jest/globals";
import type { DesiredWindow, GateIntent } from "../../src/rules/intent.ts";
import type { NetworkSecurityGroup, SecurityRule } from "../../src/rules/nsg.ts";
import { planGate } from "../../src/rules/nsg-plan.ts";
import { denyRuleName } from "../../src/rules/owned.ts";
import {
  aDesiredDeny,
  aDesiredWindow,
  aGroup,
  anOwner,
  aRule,
  noon,
  vmId,
} from "../support/builders.ts";
import { applyChanges } from "./support/apply-changes.ts";

const plan = (group: NetworkSecurityGroup, intent: Partial<GateIntent>) =>
  planGate(group, { denies: [], windows: [], ...intent }, noon, anOwner);
const settle = (group: NetworkSecurityGroup, intent: Partial<GateIntent>) =>
  applyChanges(group, plan(group, intent).changes);
const ours = ({ rules }: NetworkSecurityGroup) =>
  rules.filter((rule) => rule.name.startsWith("JitAccess-"));

const first = aDesiredDeny({ takePriority: true });
const denies = [first];
const openSsh = (priority: number, values: Partial<SecurityRule> = {}): SecurityRule =>
  aRule({ name: `open-ssh-${priority}`, priority, destinationPorts: ["22"], ...values });
const filling = (from: number, to: number): readonly SecurityRule[] =>
  Array.from({ length: to - from + 1 }, (_, index) =>
    aRule({ name: `filling-${from + index}`, priority: from + index }),
  );

describe("a deny rule that takes priority", () => {
  it.each<[string, readonly SecurityRule[], number]>([
    ["where a customer lets its traffic through, before that rule", [openSsh(1_000)], 300],
    ["behind numbers that others have", [openSsh(1_000), ...filling(300, 309)], 310],
    ["right before a rule of the band for allow rules", [openSsh(200)], 199],
    ["right before one at the end of that band", [openSsh(300)], 299],
    ["at the highest free number before", [openSsh(200), ...filling(190, 199)], 189],
    [
      "in that band, too, when all numbers behind are taken",
      [openSsh(302), ...filling(300, 301)],
      299,
    ],
    ["before the first of several", [openSsh(150), openSsh(400)], 149],
    ["like any other where nothing is in its way", [aRule()], 300],
  ])("goes %s", (_case, rules, priority) => {
    const group = aGroup(...rules);

    const { findings } = plan(group, { denies });

    expect(ours(settle(group, { denies }))).toMatchObject([{ access: "Deny", priority }]);
    expect(findings).toEqual([]);
  });

  it("is one for the VM when one of several policies says so", () => {
    const both = [aDesiredDeny({ policyId: "another", ports: [3389] }), first];

    expect(ours(settle(aGroup(openSsh(1_000)), { denies: both }))).toMatchObject([
      { priority: 300, destinationPorts: ["22", "3389"] },
    ]);
  });

  it("leaves the customer's rules and the deny rules of other VMs where they are", () => {
    const other = aDesiredDeny({
      vmId: vmId("db"),
      vmKey: "1123456789abcdef",
      addresses: ["10.0.0.5"],
    });
    const group = aGroup(openSsh(1_000));
    const before = settle(group, { denies: [aDesiredDeny(), other] });

    expect(plan(before, { denies: [first, other] }).changes).toMatchObject([
      { kind: "put", rule: { name: denyRuleName(anOwner, first, 4), priority: 300 } },
    ]);
  });

  it("goes behind where there is no room before, and every rule still in front is named", () => {
    const group = aGroup(openSsh(101), openSsh(500));

    const { changes, findings } = plan(group, { denies });

    expect(changes).toMatchObject([{ kind: "put", rule: { priority: 501 } }]);
    expect(findings).toMatchObject([
      { code: "ExposedByCustomerRule", target: "open-ssh-101", vmId: vmId() },
      { code: "ExposedByCustomerRule", target: "open-ssh-500", vmId: vmId() },
    ]);
    expect(plan(applyChanges(group, changes), { denies }).changes).toEqual([]);
  });

  it("moves when the customer puts an allow rule in front of it, and back for nothing", () => {
    const settled = settle(aGroup(), { denies });
    const added = { ...settled, rules: [...settled.rules, openSsh(250)] };

    const after = settle(added, { denies });

    expect(ours(after)).toMatchObject([{ priority: 249 }]);
    expect(plan(aGroup(...ours(after)), { denies }).changes).toEqual([]);
  });

  it("yields again when the policy takes its word back", () => {
    const settled = settle(aGroup(openSsh(1_000)), { denies });

    const { changes, findings } = plan(settled, { denies: [aDesiredDeny()] });

    expect(changes).toMatchObject([{ kind: "put", rule: { priority: 1_001 } }]);
    expect(findings).toMatchObject([{ code: "ExposedByCustomerRule" }]);
  });

  it("stays when it cannot yield for want of a number behind", () => {
    const settled = settle(aGroup(openSsh(4_096)), { denies });

    const after = settle(settled, { denies: [aDesiredDeny()] });

    expect(ours(after)).toMatchObject([{ access: "Deny", priority: 300 }]);
  });

  it("is one for each address family, each before the rules of its own", () => {
    const dual = [{ ...first, addresses: ["10.0.0.4", "fd00::4"] }];
    const group = aGroup(openSsh(200, { destinations: ["fd00::/64"] }));

    const placed = ours(settle(group, { denies: dual }));

    expect(placed.map((rule) => [rule.name.at(-1), rule.priority])).toEqual([
      ["4", 300],
      ["6", 199],
    ]);
  });
});

describe("an allow rule beside a deny rule of its VM in the band for allow rules", () => {
  const window = aDesiredWindow();
  const others = aDesiredWindow({
    vmId: vmId("db"),
    addresses: ["10.0.0.5"],
    requestId: "1d2f4c1e-90aa-4f0e-8a53-6a1f0f7c2b11",
  });
  const rulesOf = (group: NetworkSecurityGroup, windows: readonly DesiredWindow[]) =>
    ours(settle(group, { denies, windows })).map(({ access, priority }) => `${access} ${priority}`);

  it("goes before it", () => {
    const group = aGroup(openSsh(111), ...filling(100, 108));

    expect(rulesOf(group, [window])).toEqual(["Deny 110", "Allow 109"]);
  });

  it("makes way when the deny rule comes to stand before it, in the same write", () => {
    const before = aGroup(...filling(100, 119), ...filling(122, 150));
    const allow = ours(settle(aGroup(...filling(100, 150)), { windows: [window] }));
    const group = aGroup(...before.rules.slice(0, -1), openSsh(150), ...allow);

    const { changes, results } = plan(group, { denies, windows: [window] });

    expect(allow).toMatchObject([{ priority: 151 }]);
    expect(results[window.windowId]?.state).toBe("open");
    expect(changes).toMatchObject([
      { kind: "delete", name: allow[0]?.name },
      { kind: "put", rule: { access: "Deny", priority: 121 } },
      { kind: "put", rule: { access: "Allow", priority: 120 } },
    ]);
  });

  it("leaves its old place to the deny rule of another VM that has no other before its customer rules", () => {
    const ofDb = { vmId: vmId("db"), vmKey: "1123456789abcdef", addresses: ["10.0.0.5"] };
    const allow = ours(settle(aGroup(...filling(100, 139)), { windows: [others] }));
    const taken = filling(101, 149).filter(({ priority }) => ![120, 130, 140].includes(priority));
    const group = aGroup(
      ...taken,
      openSsh(130, { destinations: ["10.0.0.5"] }),
      openSsh(150, { destinations: ["10.0.0.4"] }),
      ...allow,
    );
    const intent = {
      denies: [aDesiredDeny({ ...ofDb, takePriority: true }), first],
      windows: [others],
    };

    const after = settle(group, intent);

    expect(allow).toMatchObject([{ priority: 140 }]);
    expect(ours(after).map(({ access, priority }) => `${access} ${priority}`)).toEqual([
      "Deny 120",
      "Deny 140",
      "Allow 100",
    ]);
    expect(plan(after, intent)).toMatchObject({ changes: [], findings: [] });
  });

  it("fails where no number is left before it, which names the deny rule", () => {
    const group = aGroup(openSsh(102), aRule({ priority: 100 }));

    const { results } = plan(group, { denies, windows: [window] });

    expect(results[window.windowId]).toMatchObject({
      state: "failed",
      reasons: [
        {
          code: "GateFull",
          message: expect.stringContaining(denyRuleName(anOwner, first, 4)),
        },
      ],
    });
  });

  it("goes where a deny rule that waited takes the group's last room: the group never gets one rule too many", () => {
    const dual = { ...window, addresses: ["10.0.0.4", "fd00::4"], sources: ["*"] };
    const ofDb = aDesiredDeny({
      vmId: vmId("db"),
      vmKey: "1123456789abcdef",
      addresses: ["10.0.0.5"],
    });
    const settled = settle(aGroup(...filling(100, 297)), { denies, windows: [dual] });
    const customers = [...filling(101, 294), openSsh(296), ...filling(1_000, 1_801)];
    const group = aGroup(...customers, ...ours(settled));

    const { results, changes } = plan(group, { denies: [...denies, ofDb], windows: [dual] });

    expect(group.rules).toHaveLength(1_000);
    expect(results[dual.windowId]).toMatchObject({
      state: "failed",
      reasons: [{ code: "GateFull" }],
    });
    expect(ours(applyChanges(group, changes))).toMatchObject([
      { access: "Deny", priority: 295 },
      { access: "Deny", priority: 300, destinations: ["10.0.0.5"] },
    ]);
  });

  it("may stand behind it when it speaks about another VM", () => {
    const group = aGroup(openSsh(102), aRule({ priority: 100 }));

    expect(rulesOf(group, [others])).toEqual(["Deny 101", "Allow 103"]);
  });
});
