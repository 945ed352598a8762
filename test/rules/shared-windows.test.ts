import { describe, expect, it } from "@jest/globals";
import type { DesiredWindow } from "../../src/rules/intent.ts";
import type { NetworkSecurityGroup } from "../../src/rules/nsg.ts";
import { planGate } from "../../src/rules/nsg-plan.ts";
import { allowRuleName, closesAtOf } from "../../src/rules/owned.ts";
import { aDesiredWindow, afterNoon, aGroup, anOwner, noon, vmId } from "../support/builders.ts";
import { applyChanges } from "./support/apply-changes.ts";

const plan = (
  group: NetworkSecurityGroup,
  windows: readonly DesiredWindow[],
  now = new Date(noon),
) => planGate(group, { denies: [], windows }, now, anOwner);
const settle = (group: NetworkSecurityGroup, ...windows: readonly DesiredWindow[]) =>
  applyChanges(group, plan(group, windows).changes);
const nameOf = (window: DesiredWindow) => allowRuleName(anOwner, window.windowId, 4);

const requestOf = (digit: string) => `${digit.repeat(8)}-90aa-4f0e-8a53-6a1f0f7c2b11`;
const short = aDesiredWindow({ requestId: requestOf("a"), closesAt: afterNoon(600) });
const long = aDesiredWindow({ requestId: requestOf("b"), closesAt: afterNoon(3_600) });

describe("windows of two requests that open the same", () => {
  it("share one rule, which tells the latest end and whose it is", () => {
    const { rules } = settle(aGroup(), short, long);

    expect(rules.map((rule) => rule.name)).toEqual([nameOf(long)]);
    expect(rules.map(closesAtOf)).toEqual([long.closesAt]);
    expect(rules[0]?.description).toContain(` ${long.windowId} `);
    expect(plan(aGroup(), [short, long]).results).toEqual({
      [short.windowId]: { state: "open", rules: [nameOf(long)] },
      [long.windowId]: { state: "open", rules: [nameOf(long)] },
    });
  });

  it("change nothing on the gate when the shorter one is asked for, ends, or is ended", () => {
    const shared = settle(aGroup(), long);

    expect(plan(shared, [long, short]).changes).toEqual([]);
    expect(plan(shared, [long]).changes).toEqual([]);
    const after = plan(shared, [long, short], new Date(short.closesAt));
    expect(after).toMatchObject({ changes: [], expired: [short.windowId] });
  });

  it("never leave a moment without a rule when the longer one comes or is ended early", () => {
    const shorter = settle(aGroup(), short);

    const coming = plan(shorter, [short, long]).changes;
    expect(coming).toMatchObject([
      { kind: "delete", name: nameOf(short) },
      { kind: "put", rule: { name: nameOf(long), priority: 100 } },
    ]);
    expect(plan(applyChanges(shorter, coming), [short]).changes).toMatchObject([
      { kind: "delete", name: nameOf(long) },
      { kind: "put", rule: { name: nameOf(short), priority: 100 } },
    ]);
  });

  it("are both over when the longer one is", () => {
    const shared = settle(aGroup(), short, long);

    const { changes, expired } = plan(shared, [short, long], new Date(long.closesAt));

    expect(changes).toEqual([{ kind: "delete", name: nameOf(long) }]);
    expect(expired).toEqual([short.windowId, long.windowId]);
  });

  it("are named after the smaller id when they end together, in whatever order they are read", () => {
    const same = { ...long, closesAt: short.closesAt };

    expect(settle(aGroup(), same, short).rules.map((rule) => rule.name)).toEqual([nameOf(short)]);
    expect(settle(aGroup(), short, same).rules.map((rule) => rule.name)).toEqual([nameOf(short)]);
  });

  it("share whatever the order and spelling in which sources, addresses and the VM are told", () => {
    const one = {
      ...short,
      sources: ["203.0.113.7/32", "2001:db8::1", "198.51.100.0/24"],
      addresses: ["10.0.0.4", "10.0.0.5"],
    };
    const other = {
      ...long,
      vmId: vmId().toUpperCase(),
      sources: ["198.51.100.0/24", "203.0.113.7", "2001:DB8:0::1"],
      addresses: ["10.0.0.5", "10.0.0.4"],
    };

    expect(settle(aGroup(), one, other).rules).toHaveLength(1);
  });

  it("share a rule for all ports that they have in common, and only then", () => {
    const port = (window: DesiredWindow, number: number) =>
      aDesiredWindow({ ...window, port: number, windowId: `${window.requestId}-0-${number}` });
    const both = [short, long].flatMap((window) => [window, port(window, 3389)]);

    expect(settle(aGroup(), ...both).rules).toMatchObject([
      { name: nameOf(long), destinationPorts: ["22", "3389"] },
    ]);
    expect(settle(aGroup(), short, ...both.slice(2)).rules).toHaveLength(2);
  });

  it.each<[string, Partial<DesiredWindow>]>([
    ["another protocol", { protocol: "*" }],
    ["another source", { sources: ["203.0.113.8"] }],
    ["one source more", { sources: ["203.0.113.7", "203.0.113.8"] }],
    ["a source of the other family more", { sources: ["203.0.113.7", "2001:db8::7"] }],
    ["another address", { addresses: ["10.0.0.5", "fd00::4"] }],
    ["another VM", { vmId: vmId("db") }],
  ])("do not share when one has %s", (_case, difference) => {
    const dual = { addresses: ["10.0.0.4", "fd00::4"] };

    const { rules } = settle(aGroup(), { ...short, ...dual }, { ...long, ...dual, ...difference });

    expect(rules.filter((rule) => rule.name.endsWith("-v4"))).toHaveLength(2);
  });
});
