import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { defenderLeftovers } from "../../src/rules/cleaner.ts";
import type { DesiredWindow, GateIntent } from "../../src/rules/intent.ts";
import { type NetworkSecurityGroup, type SecurityRule, trafficText } from "../../src/rules/nsg.ts";
import { type GatePlan, planGate } from "../../src/rules/nsg-plan.ts";
import { mayTouch } from "../../src/rules/overlap.ts";
import { closesAtOf, isOwned } from "../../src/rules/owned.ts";
import { allowBand } from "../../src/rules/places.ts";
import { afterNoon, aGroup, anOwner, noon } from "../support/builders.ts";
import { propertyRuns } from "../support/property-runs.ts";
import { applyChanges } from "./support/apply-changes.ts";
import {
  beginnings,
  type Event,
  events,
  intents,
  lastEnd,
  rulesOf,
  withoutClashes,
} from "./support/arbitraries.ts";
import { knownMachines } from "./support/known-machines.ts";

const plan = (group: NetworkSecurityGroup, intent: GateIntent, now = noon): GatePlan =>
  planGate(group, intent, now, anOwner);

const settle = (group: NetworkSecurityGroup, intent: GateIntent, now = noon) =>
  applyChanges(group, plan(group, intent, now).changes);

const ours = (group: NetworkSecurityGroup) => group.rules.filter((rule) => isOwned(rule, anOwner));
const customers = (group: NetworkSecurityGroup) =>
  group.rules.filter((rule) => !isOwned(rule, anOwner));
/**
 * The customer's rules but for those under the very name of a rule that is wanted: one of ours that somebody turned outbound
 * is the customer's until its name is needed.
 */
const customersBeside = (group: NetworkSecurityGroup, intent: GateIntent) => {
  const needed = plan(aGroup(), intent).changes.map((change) =>
    change.kind === "put" ? change.rule.name.toLowerCase() : "",
  );
  return customers(group).filter(
    (rule) =>
      !(
        needed.includes(rule.name.toLowerCase()) &&
        isOwned({ ...rule, direction: "Inbound" }, anOwner)
      ),
  );
};
const byName = (rules: readonly SecurityRule[]) =>
  rules.toSorted((left, right) => (left.name < right.name ? -1 : 1));

/** What the event makes of the group; an edit that Azure would refuse for its priority does not happen. */
function happen(group: NetworkSecurityGroup, event: Event): NetworkSecurityGroup {
  switch (event.kind) {
    case "settle":
      return settle(group, event.intent, new Date(afterNoon(event.at)));
    case "customer adds":
      return { ...group, rules: withoutClashes([...group.rules, event.rule]).slice(0, 1_000) };
    case "customer removes":
      return without(group, picked(customers(group), event.pick));
    case "ours removed":
      return without(group, picked(ours(group), event.pick));
    case "ours edited": {
      const rule = picked(ours(group), event.pick);
      const edited = rule === undefined ? [] : [{ ...rule, ...event.edit }];
      const rules = [...without(group, rule).rules, ...edited];
      return withoutClashes(rules).length === rules.length ? { ...group, rules } : group;
    }
  }
}

const picked = (rules: readonly SecurityRule[], pick: number) => rules[pick % rules.length];

const without = (group: NetworkSecurityGroup, gone: SecurityRule | undefined) => ({
  ...group,
  rules: group.rules.filter((rule) => rule !== gone),
});

/** A gate with a past: settled, edited by hand, changed by its customer, in any order. */
const pasts = fc.record({ beginning: beginnings, past: fc.array(events, { maxLength: 8 }) });
type Past = typeof pasts extends fc.Arbitrary<infer T> ? T : never;

const gateOf = ({ beginning, past }: Past): NetworkSecurityGroup =>
  past.reduce(happen, aGroup(...rulesOf(beginning)));

/** Tries a claim on gates with any past and any intent. */
function always(claim: (gate: NetworkSecurityGroup, intent: GateIntent) => void): void {
  fc.assert(
    fc.property(pasts, intents, (past, intent) => claim(gateOf(past), intent)),
    propertyRuns,
  );
}

describe("the plan for a gate with leftovers of another product", () => {
  it("takes away no rule but those of ours and those decided upon that are still the same", () => {
    fc.assert(
      fc.property(pasts, intents, knownMachines, (past, intent, machines) => {
        const before = aGroup(...rulesOf(past.beginning));
        const leftovers = defenderLeftovers(before, machines).map(({ leftover }) => leftover);
        const gate = gateOf(past);
        const wanted = { ...intent, leftovers };

        const { changes, cleaned } = plan(gate, wanted);
        const after = applyChanges(gate, changes);

        const same = before.rules.filter((rule) => gate.rules.includes(rule));
        for (const name of cleaned) {
          expect(name).toMatch(/-JITRule[_-]-?\d[_-][0-9A-F]{32}$/);
          expect(leftovers.map((leftover) => leftover.name)).toContain(name);
          expect(same.map((rule) => rule.name)).toContain(name);
        }
        expect(byName(customers(after))).toEqual(
          byName(customersBeside(gate, intent).filter((rule) => !cleaned.includes(rule.name))),
        );
        expect(plan(after, wanted).changes).toEqual([]);
      }),
      propertyRuns,
    );
  });
});

describe("the plan for a gate with any past", () => {
  it("is accepted by Azure step by step, leaves customer rules as they are, and made again changes nothing", () => {
    always((gate, intent) => {
      const after = settle(gate, intent);

      expect(byName(customers(after))).toEqual(byName(customersBeside(gate, intent)));
      expect(plan(after, intent).changes).toEqual([]);
    });
  });

  it("puts every allow rule of ours into its band, before every deny rule of ours that would take its traffic", () => {
    always((gate, intent) => {
      const rules = ours(settle(gate, intent));
      const denies = rules.filter((rule) => rule.access === "Deny");

      for (const rule of rules) {
        expect(rule.direction).toBe("Inbound");
        expect(rule.access === "Deny" || rule.priority <= allowBand.last).toBe(true);
        expect(
          denies.filter(
            (deny) =>
              rule.access === "Allow" && deny.priority < rule.priority && mayTouch(deny, rule),
          ),
        ).toEqual([]);
      }
    });
  });

  it("keeps deny rules behind that band, but for those that have to go before a customer's rule in it", () => {
    always((gate, intent) => {
      const after = settle(gate, intent);
      const findings = plan(after, intent).findings.map((finding) => finding.target);

      for (const deny of ours(after).filter((rule) => rule.access === "Deny")) {
        const exposing = customers(after).filter(
          (rule) => rule.direction === "Inbound" && rule.access === "Allow" && mayTouch(rule, deny),
        );
        const inFront = exposing.filter((rule) => rule.priority < deny.priority);
        const isFirst = isToBeFirst(intent, deny);

        expect(findings).toEqual(expect.arrayContaining(inFront.map((rule) => rule.name)));
        expect(deny.priority > allowBand.last || (isFirst && inFront.length === 0)).toBe(true);
        if (isFirst && inFront.length > 0) {
          const first = Math.min(...exposing.map((rule) => rule.priority));
          expect(freeNumbers(after, allowBand.first + 1, first - 1)).toEqual([]);
        }
      }
    });
  });

  it("has a rule for every address family of an open window, and none but for open windows", () => {
    always((gate, intent) => {
      const { results, changes } = plan(gate, intent);
      const allows = ours(applyChanges(gate, changes)).filter((rule) => rule.access === "Allow");
      const used = intent.windows.flatMap((window) => {
        const result = results[window.windowId];
        const names = result?.state === "open" ? result.rules : [];
        const own = allows.filter((rule) => names.includes(rule.name) && opens(rule, window));

        expect(own.map((rule) => Number(rule.name.at(-1))).toSorted()).toEqual(
          result?.state === "open" ? commonFamilies(window) : [],
        );
        expect(own.filter((rule) => (closesAtOf(rule) ?? "") < window.closesAt)).toEqual([]);
        return own.map((rule) => rule.name);
      });
      expect([...new Set(used)].toSorted()).toEqual(allows.map((rule) => rule.name).toSorted());
    });
  });

  it("has one set of rules for all windows that would have the same", () => {
    always((gate, intent) => {
      const allows = ours(settle(gate, intent)).filter((rule) => rule.access === "Allow");
      const sets = Map.groupBy(allows, (rule) => rule.name.slice(0, -1));
      const texts = [...sets.values()].map((set) => byName(set).map(trafficText).join());

      expect(new Set(texts).size).toBe(texts.length);
    });
  });

  it("puts the group back as it was when all windows are over", () => {
    always((gate, intent) => {
      const before = settle(gate, { ...intent, windows: [] });
      const during = settle(before, intent);

      const after = settle(during, intent, new Date(afterNoon(lastEnd)));

      expect(byName(after.rules)).toEqual(
        byName([...ours(before), ...customersBeside(before, intent)]),
      );
    });
  });

  it("leaves the customer's rules and nothing else when nothing is wanted any longer", () => {
    always((gate, intent) => {
      const during = settle(gate, intent);

      const after = settle(during, { denies: [], windows: [] });

      expect(byName(after.rules)).toEqual(byName(customersBeside(gate, intent)));
    });
  });
});

/** Whether the rule lets all of the window's traffic of its family through, and none that nobody asked for. */
const opens = (rule: SecurityRule, window: DesiredWindow): boolean => {
  const isOfFamily = (text: string) =>
    text === "*" || text.includes(":") === rule.name.endsWith("6");
  const sameSet = (list: readonly string[], other: readonly string[]) =>
    new Set(list).symmetricDifference(new Set(other)).size === 0;
  return (
    rule.protocol.toUpperCase() === window.protocol &&
    rule.destinationPorts.includes(String(window.port)) &&
    sameSet(rule.sources, window.sources.filter(isOfFamily)) &&
    sameSet(rule.destinations, window.addresses.filter(isOfFamily))
  );
};

/** Whether a policy says so of the VM that the deny rule is for. */
const isToBeFirst = ({ denies }: GateIntent, rule: SecurityRule): boolean =>
  denies.some((deny) => deny.takePriority === true && rule.name.includes(deny.vmKey));

const freeNumbers = (group: NetworkSecurityGroup, first: number, last: number) => {
  const inbound = group.rules.filter((rule) => rule.direction === "Inbound");
  const taken = new Set(inbound.map((rule) => rule.priority));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index).filter(
    (priority) => !taken.has(priority),
  );
};

const commonFamilies = ({ addresses, sources }: DesiredWindow): readonly number[] =>
  [4, 6].filter((family) => speaksOf(addresses, family) && speaksOf(sources, family));

const speaksOf = (list: readonly string[], family: number): boolean =>
  list.some((text) => text === "*" || text.includes(":") === (family === 6));
